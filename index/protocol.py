"""What a vector index is. Sizes: N stored vectors, D dimensions, Q queries, k hits."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Rows = NDArray[np.float32]
# The vectors under some ids, from where the truth is kept: those of them that are there, ascending,
# and their rows (n, D).
RowsOf = Callable[[Ids], tuple[Ids, Rows]]
# All vectors from there in parts, ids ascending; called anew for every pass.
Stream = Callable[[], Iterator[tuple[Ids, Rows]]]

NO_ID = -1


@dataclass(frozen=True, slots=True)
class Stamp:
    """What a stored index holds: compared with the catalogue before it is believed."""

    catalogue: str  # the catalogue's identity
    model: str  # the model's fingerprint
    generation: int  # of the model's vectors in the catalogue
    token: str  # that generation's random token

    def newer_than(self, other: Stamp) -> bool:
        """Whether it holds later changes of the same vectors."""
        same = (self.catalogue, self.model) == (other.catalogue, other.model)
        return same and self.generation > other.generation


@dataclass(frozen=True, slots=True)
class Found:
    """The nearest vectors, best first; among equal scores the smaller id stands first."""

    ids: Ids  # (Q, k); NO_ID where fewer than k are allowed
    scores: Rows  # (Q, k) inner products: cosines for unit rows; -inf where there is no id


@dataclass(frozen=True, slots=True)
class IndexStats:
    count: int  # vectors
    dimension: int
    factory: str  # the engine and its settings
    exact: bool  # every search returns the true nearest
    bytes_in_memory: int  # of vectors and ids
    device: str  # "cpu", "cuda:0"
    added: int = 0  # vectors of `count` that wait for compaction beside an approximate index
    removed: int = 0  # vectors that it still holds, and passes over
    recall: float | None = None  # promised; None: exact, or never measured
    measured: float | None = None  # recall@10 on held-out queries, by which effort was chosen
    kept: bool | None = None  # the promise is, by what was measured of ten hits and of a hundred
    probes: int | None = None  # lists visited for ten hits


@runtime_checkable
class VectorIndex(Protocol):
    """Vectors under int64 ids. Rows are float32 and of unit length; ids are never negative."""

    @property
    def dimension(self) -> int: ...

    def add(self, ids: Ids, rows: Rows) -> None:
        """Store rows (N, D) under ids (N,). Raises InvalidInput for an id that is there already."""
        ...

    def remove(self, ids: Ids) -> int:
        """Drop ids; unknown ones are passed over. Returns how many were there."""
        ...

    def search(self, queries: Rows, k: int, *, allowed: Ids | None = None) -> Found:
        """The k nearest to each row of queries (Q, D), among `allowed` ids only if given."""
        ...

    def ids(self) -> Ids:
        """(N,) all ids, ascending."""
        ...

    def save(self, folder: Path, stamp: Stamp, *, instead: Stamp | None = None) -> None:
        """Store in a folder so that a reader sees the old or the new state, never a mixture.

        instead: of what is stored there, though it may be newer; what else is newer stays. Raises
        IndexFault.
        """
        ...

    def stats(self) -> IndexStats: ...
