"""N drawn vectors on the disk, in float16: made in blocks, read in parts, never all in memory.

The first n of a file are as even a sample as any: one file serves every size up to its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.scale.mixture import BINS, Mixture, Rows
from likemark.db.errors import LikemarkError

Ids = NDArray[np.int64]

BLOCK = 10_000  # vectors drawn at once
KINDS = ("random", "clustered")  # of filters, in the order of the file's columns
SELECTIVITIES = (0.001, 0.01, 0.1, 0.5)


@dataclass(frozen=True, slots=True)
class Filter:
    """So many of all vectors are allowed: any, or those of a region."""

    kind: str  # one of KINDS
    selectivity: float  # share of the vectors

    @property
    def below(self) -> int:
        """Allowed is whose number in the file's column is below it."""
        return round(self.selectivity * BINS)


FILTERS = tuple(Filter(kind, share) for kind in KINDS for share in SELECTIVITIES)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Row i of both files has the id i."""

    folder: Path
    dimension: int

    @property
    def rows_path(self) -> Path:
        return self.folder / "vectors.f16"

    @property
    def marks_path(self) -> Path:
        return self.folder / "filters.u16"

    @property
    def count(self) -> int:
        """Whole blocks that are there."""
        sizes = (_size(self.rows_path) // (2 * self.dimension), _size(self.marks_path) // 4)
        return min(sizes) // BLOCK * BLOCK

    def make(
        self, mixture: Mixture, count: int, *, kinship: float, seed: int = 0,
        progress: Progress = lambda line: None,
    ) -> None:  # fmt: skip
        """At least so many. Raises LikemarkError when the disk does not take them."""
        first, last = self.count // BLOCK, -(-count // BLOCK)
        if first >= last:
            return
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            for number in range(first, last):
                drawn = mixture.draw(BLOCK, (seed, 1, number), kinship=kinship)
                marks = np.stack([drawn.lot, drawn.place], axis=1)
                _write(self.rows_path, number, drawn.rows.astype(np.float16))
                _write(self.marks_path, number, marks)
                if (number + 1) % 20 == 0:
                    progress(f"vectors: {BLOCK * (number + 1):,} of {BLOCK * last:,}")
        except OSError as error:
            raise LikemarkError(f"{self.folder}: cannot be written: {error.strerror}") from error

    def stream(
        self, count: int, *, start: int = 0, part: int = BLOCK
    ) -> Iterator[tuple[Ids, Rows]]:
        """(ids, rows) of at most `part`; nothing is mapped, so nothing stays in memory."""
        with self.rows_path.open("rb") as file:
            file.seek(2 * self.dimension * start)
            for begin in range(start, count, part):
                size = min(part, count - begin)
                rows = np.fromfile(file, np.float16, size * self.dimension)
                ids = np.arange(begin, begin + size, dtype=np.int64)
                yield ids, rows.reshape(size, self.dimension).astype(np.float32)

    def marks(self, count: int) -> NDArray[np.uint16]:
        """(N, 2): columns as KINDS"""
        return np.fromfile(self.marks_path, np.uint16, 2 * count).reshape(count, 2)

    def allowed(self, count: int, wanted: Filter) -> Ids:
        """Ids that ascend."""
        column = self.marks(count)[:, KINDS.index(wanted.kind)]
        return np.flatnonzero(column < wanted.below).astype(np.int64)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def _write(path: Path, number: int, block: NDArray[np.float16] | NDArray[np.uint16]) -> None:
    """As block `number` of the file; what a killed run left behind it goes."""
    with path.open("r+b" if path.exists() else "w+b") as file:
        file.seek(number * block.nbytes)
        file.truncate()
        file.write(block.tobytes())
