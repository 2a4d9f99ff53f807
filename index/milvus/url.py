"""Where a cluster is and how to use it, in one URL: the index setting of Milvus.

    milvus://[USER:PASSWORD@]HOST[:PORT][/DATABASE][?NAME=VALUE&...]

Names: consistency (strong, bounded, session, eventually), index (AUTOINDEX, HNSW, FLAT), m,
ef_construction and ef (of HNSW), shards, replicas, vectors (auto, float16, float32), timeout and
connect (seconds), retries, tls (yes, no). A password stands in the URL, or a token in the
environment's LIKEMARK_MILVUS_TOKEN; neither is ever stored or shown.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, fields
from typing import Any, Self
from urllib.parse import parse_qsl, quote, unquote, urlsplit

from likemark.db.errors import InvalidInput, one_line

SCHEME = "milvus://"
TOKEN = "LIKEMARK_MILVUS_TOKEN"
PORT = 19530
CONSISTENCY = ("strong", "bounded", "session", "eventually")
ENGINES = ("AUTOINDEX", "HNSW", "FLAT")
VECTORS = ("auto", "float16", "float32")
EXAMPLE = "milvus://HOST:19530/DATABASE?consistency=bounded&replicas=2"


@dataclass(frozen=True, slots=True)
class ClusterUrl:
    """Strong consistency is the default: what a search then sees includes all that was written
    before it. `likemark index` and the search behind it would else miss the marks just added, and
    a count after catching up could be of an earlier state."""

    host: str
    port: int = PORT
    database: str = ""  # of Milvus; empty: its default one
    user: str = ""
    password: str = field(default="", repr=False)
    consistency: str = "strong"  # of every search and count, one of CONSISTENCY
    index: str = "AUTOINDEX"  # one of ENGINES
    m: int = 16  # neighbours of each vector in HNSW's graph
    ef_construction: int = 200  # candidates while HNSW is built
    ef: int = 128  # candidates while HNSW is searched
    shards: int = 1  # of a new collection: writers at once
    replicas: int = 1  # copies in memory: readers at once
    vectors: str = "auto"  # one of VECTORS; auto: float16 where the server has it
    timeout: float = 10.0  # seconds for one call
    connect: float = 5.0  # seconds until a connection stands
    retries: int = 4  # after a call's first failure, each after a longer pause
    tls: bool = False

    def __post_init__(self) -> None:
        for name, known in (("consistency", CONSISTENCY), ("index", ENGINES), ("vectors", VECTORS)):
            if (given := getattr(self, name)) not in known:
                raise InvalidInput(f"index: {name}={given!r}; give one of {', '.join(known)}")
        for name in ("m", "ef_construction", "ef", "shards", "replicas", "timeout", "connect"):
            if not getattr(self, name) > 0:  # nor what is no number
                raise InvalidInput(f"index: {name}={getattr(self, name)}: give more than 0")
        if not 0 <= self.retries <= 100:
            raise InvalidInput(f"index: retries={self.retries}: give 0 to 100")

    @classmethod
    def parse(cls, text: str) -> Self:
        """Raises InvalidInput, without ever quoting a password."""
        try:
            split = urlsplit(text)
            port = split.port or PORT
        except ValueError:
            raise _refused("its port or host cannot be read") from None
        if not is_cluster(text) or not split.hostname:
            raise _refused("it names no host")
        database = unquote(split.path).strip("/")
        if "/" in database or split.fragment:
            raise _refused("behind the host stands one database at most")
        return cls(
            host=split.hostname, port=port, database=database,
            user=unquote(split.username or ""), password=unquote(split.password or ""),
            **_options(split.query),
        )  # fmt: skip

    @property
    def address(self) -> str:
        """For messages: no user, no options."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{SCHEME}{host}:{self.port}" + (f"/{self.database}" if self.database else "")

    @property
    def endpoint(self) -> str:
        """What pymilvus connects to."""
        return self.address.split("/", 3)[2].join(("https://" if self.tls else "http://", ""))

    @property
    def token(self) -> str:
        if self.password:
            return f"{self.user}:{self.password}"
        return os.environ.get(TOKEN, "")

    @property
    def stored(self) -> str:
        """The URL as it may be kept: without the password."""
        asked = [
            f"{f.name}={_text(getattr(self, f.name))}"
            for f in fields(self)
            if f.name in _READ and getattr(self, f.name) != f.default
        ]
        who = f"{quote(self.user)}@" if self.user else ""
        place = self.address.removeprefix(SCHEME)
        return f"{SCHEME}{who}{place}" + ("?" + "&".join(asked) if asked else "")


def is_cluster(setting: str | None) -> bool:
    return setting is not None and setting.startswith(SCHEME)


def _flag(text: str) -> bool:
    return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[text]


_READ: dict[str, Any] = {
    "consistency": str.lower, "index": str.upper, "m": int, "ef_construction": int, "ef": int,
    "shards": int, "replicas": int, "vectors": str.lower, "timeout": float, "connect": float,
    "retries": int, "tls": _flag,
}  # fmt: skip


def _options(query: str) -> dict[str, Any]:
    options: dict[str, Any] = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        if name not in _READ:
            raise _refused(f"{one_line(name)!r} is none of {', '.join(_READ)}")
        try:
            options[name] = _READ[name](text)
        except (ValueError, KeyError):
            raise _refused(f"{name}={one_line(text)!r} cannot be read") from None
    return options


def _text(value: object) -> str:
    return (
        ("yes" if value else "no")
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


def _refused(reason: str) -> InvalidInput:
    return InvalidInput(f"index: the cluster's URL is not understood: {reason}; such as {EXAMPLE}")
