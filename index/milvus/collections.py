"""Collections of one catalogue on a cluster: made, found, published under an alias, dropped.

`likemark_CATALOGUE_MODEL_N` stands behind the alias `likemark_CATALOGUE`. Re-embedding fills a new
collection while the old one answers; then the alias is moved and the old one dropped.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

from likemark.db.errors import IndexFault, IndexLost, IndexStale, IndexUnreachable
from likemark.index.milvus.client import Client
from likemark.index.milvus.schema import (
    VERSION,
    ClusterStamp,
    Layout,
    Unsure,
    birth_properties,
    layout_of,
    read_properties,
    read_stamp,
    read_unsure,
    seconds_kept,
)

DIGITS = 8  # of identities, in names
LITE = "milvus_lite"


@dataclass(frozen=True, slots=True)
class Found:
    name: str
    layout: Layout
    stamp: ClusterStamp | None  # None: it was never finished
    published: bool  # the alias stands for it
    unsure: Unsure | None = None  # where the stamp may say too much


class Collections:
    """Those of one catalogue; identity: the catalogue's own."""

    def __init__(self, client: Client, identity: str) -> None:
        self.client = client
        self.identity = identity
        self.alias = f"likemark_{identity[:DIGITS]}"

    def find(self, model: str) -> Found:
        """The finished collection of this model's vectors: the published one, else the newest.

        model: its fingerprint. Raises IndexLost when there is none, IndexStale for another
        version of the schema.
        """
        found, gone = self._found(model)
        if found is None and gone:  # another process has put a new one in its place just now
            found, _ = self._found(model)
        if found is not None:
            return found
        held = "no collection of this catalogue (dropped, expired or never filled)"
        if self._published() is not None:
            held = "another model's vectors"
        raise IndexLost(f"index {self.client.url.address}: holds {held}; run: likemark reindex")

    def _found(self, model: str) -> tuple[Found | None, bool]:
        """As `find`, and whether one of them has gone meanwhile."""
        published, gone = self._published(), False
        names = sorted(self._names(model), key=_number, reverse=True)
        names.sort(key=lambda name: name != published)
        for name in names:
            try:
                described = self._described(name)
            except IndexLost:
                gone = True
                continue
            properties = read_properties(described)
            if properties.get("catalogue") != self.identity or properties.get("model") != model:
                continue
            if properties.get("schema") != VERSION:
                raise IndexStale(
                    f"index {self.client.url.address}: collection {name} has schema "
                    f"{properties.get('schema')}, this likemark writes {VERSION}; "
                    "run: likemark reindex"
                )
            stamp = read_stamp(properties)
            if stamp is not None:
                if seconds := seconds_kept(described):
                    raise IndexStale(
                        f"index {self.client.url.address}: collection {name} forgets its vectors "
                        f"after {seconds} s (collection.ttl.seconds); run: likemark reindex"
                    )
                layout = layout_of(described, self._engine(name))
                unsure = read_unsure(properties)
                return Found(name, layout, stamp, name == published, unsure), gone
        return None, gone

    def create(self, model: str, dimension: int) -> Found:
        """A new, empty one, not published."""
        url = self.client.url
        version = self.client.call(lambda m, s: m.get_server_version(timeout=s))
        lite = str(version).startswith(LITE)
        half = url.vectors == "float16" or (url.vectors == "auto" and not lite)
        layout = Layout(dimension, half, url.index)
        number = max(map(_number, self._names()), default=0) + 1
        name = f"{self.alias}_{model[:DIGITS]}_{number}"

        def create(milvus: Any, seconds: float) -> None:
            if not milvus.has_collection(name, timeout=seconds):
                milvus.create_collection(
                    name, schema=layout.schema(), num_shards=url.shards, timeout=seconds,
                    consistency_level=url.consistency.capitalize(),
                    properties=birth_properties(self.identity, model),
                )  # fmt: skip

        def index(milvus: Any, seconds: float) -> None:
            there = milvus.list_indexes(name, timeout=seconds)
            indices = layout.indices(url, scalars=not lite, there=there)
            if indices:
                milvus.create_index(name, indices, timeout=seconds)

        with self.whole(name):
            self.client.call(create)
            self.client.call(index, slow=True)
            self.client.load(name)
        return Found(name, layout, None, published=False)

    @contextmanager
    def whole(self, name: str) -> Iterator[None]:
        """Drop a new collection where the block that makes and fills it does not end well."""
        try:
            yield
        except IndexUnreachable:  # nor would it hear that
            raise
        except BaseException:
            with suppress(IndexFault):
                self._drop(name)
            raise

    def publish(self, name: str) -> None:
        """Put the alias on it, and drop all others of this catalogue."""

        def point(milvus: Any, seconds: float) -> None:
            before = self._published()
            if before is None:
                milvus.create_alias(name, self.alias, timeout=seconds)
            elif before != name:
                milvus.alter_alias(name, self.alias, timeout=seconds)

        self.client.call(point)
        for other in self._names():
            described = self._described(other)
            # Eight digits can be another catalogue's too.
            if other != name and read_properties(described).get("catalogue") == self.identity:
                self._drop(other)

    def _published(self) -> str | None:
        try:
            return str(self._described(self.alias)["collection_name"])
        except IndexLost:
            return None

    def _described(self, name: str) -> dict[str, Any]:
        return self.client.call(lambda m, s: dict(m.describe_collection(name, timeout=s)))

    def _drop(self, name: str) -> None:
        self.client.call(lambda m, s: m.drop_collection(name, timeout=s))

    def _names(self, model: str = "") -> list[str]:
        prefix = f"{self.alias}_{model[:DIGITS]}"
        names: list[str] = self.client.call(lambda m, s: m.list_collections(timeout=s))
        return [name for name in names if name.startswith(prefix)]

    def _engine(self, name: str) -> str:
        def read(milvus: Any, seconds: float) -> str:
            for index in milvus.list_indexes(name, timeout=seconds):
                described = milvus.describe_index(name, index, timeout=seconds) or {}
                if described.get("field_name") == "vector":
                    return str(described["index_type"])
            return self.client.url.index

        return self.client.call(read)


def _number(name: str) -> int:
    tail = name.rsplit("_", 1)[-1]
    return int(tail) if tail.isdecimal() else 0
