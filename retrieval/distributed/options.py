"""Who embeds: workers on this machine, or those of a Ray cluster."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from likemark.db.errors import InvalidInput

LOCAL = "local"
RETRIES = 2
# Of a GPU: its workers leave it free for the one that tries suspect pictures, whose vectors then
# come from the same kind of device as everybody's.
LONE_GPU = 0.01
_ADDRESS = re.compile(r"(ray://)?([^\s/:]+|\[[0-9A-Fa-f:]+\]):(\d{1,5})")


@dataclass(frozen=True, slots=True)
class WorkerOptions:
    where: str = LOCAL  # "local", a number of workers here, "ray://host:port", or "host:port"
    retries: int = RETRIES  # times that work is given to another worker after the first has died
    chunk: int | None = None  # pictures handed out at once; None: two of the network's batches
    # Seconds for a cluster to answer, and for a first worker to be ready.
    patience: float = 120.0
    # Called in a worker with each picture's place before it is decoded; tests let it fail there.
    inspect: Callable[[str], None] | None = None

    def __post_init__(self) -> None:
        if self.where != LOCAL and self.count is None and self.endpoint is None:
            raise InvalidInput(
                f"workers {self.where!r}: give local, a number of processes, "
                "ray://HOST:PORT or HOST:PORT"
            )
        if self.count == 0:
            raise InvalidInput("workers 0: give 1 or more")
        if self.retries < 0 or (self.chunk is not None and self.chunk < 1):
            raise InvalidInput("retries must be 0 or more, and a chunk 1 picture or more")

    @property
    def is_local(self) -> bool:
        return self.where == LOCAL or self.count is not None

    @property
    def count(self) -> int | None:
        """The number of workers where one was given."""
        digits = self.where.isascii() and self.where.isdigit() and len(self.where) < 5
        return int(self.where) if digits else None

    @property
    def endpoint(self) -> tuple[str, int] | None:
        """Host and port of a cluster."""
        found = _ADDRESS.fullmatch(self.where)
        if found is None or not 0 < int(found[3]) < 65536:
            return None
        return found[2].strip("[]"), int(found[3])


@dataclass(frozen=True, slots=True)
class Terms:
    """How a team is made up and how patient it is."""

    count: int  # workers
    cpus: float  # that each takes of its node
    gpus: float  # that each takes of its node
    retries: int  # times that work is given to another worker
    patience: float  # seconds until a first worker must be there
    seconds: float  # that one picture may take
