"""One face for likemark's index and its rivals. Q queries, k hits, D dimensions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import Filter, Ids, Vectors
from likemark.db.errors import LikemarkError

# Of graphs and inverted lists: some 1.4 times the step before.
LADDER = (
    1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096
)  # fmt: skip


class NotOffered(LikemarkError):
    """The engine cannot do this at all: its cell stays empty."""


@dataclass(frozen=True, slots=True)
class Job:
    """An index of the first `count` vectors, stored in a folder."""

    vectors: Vectors
    count: int
    folder: Path  # is there, and empty before `build`
    threads: int  # at most

    @property
    def dimension(self) -> int:
        return self.vectors.dimension


class Engine(Protocol):
    @property
    def setting(self) -> str:
        """What it is, as its maker writes it: IVF4096,SQ8."""
        ...

    @property
    def efforts(self) -> tuple[int, ...]:
        """What can be tried, ascending; none: it sets its own."""
        ...

    @property
    def promise(self) -> float | None:
        """Recall@10 that it keeps by itself; None: it does as told."""
        ...

    @property
    def server(self) -> int | None:
        """The process that holds the index, where that is another."""
        ...

    def build(self, job: Job) -> None:
        """From the vectors' stream to what is stored in the folder."""
        ...

    def open(self, job: Job) -> None:
        """What `build` stored, in a new process."""
        ...

    def use_threads(self, count: int) -> bool:
        """Whether the engine lets itself be told."""
        ...

    def search(self, queries: Rows, k: int, effort: int | None) -> Ids:
        """(Q, k), best first; below 0 where there is none."""
        ...

    def search_within(
        self, queries: Rows, k: int, effort: int | None, *, allowed: Ids, wanted: Filter
    ) -> Ids:
        """As `search`, among some; by their ids, ascending, or by what is stored with them.

        Raises NotOffered.
        """
        ...

    def add(self, ids: Ids, rows: Rows) -> None:
        """Raises NotOffered."""
        ...

    def remove(self, ids: Ids) -> None:
        """Raises NotOffered."""
        ...

    def close(self) -> None: ...
