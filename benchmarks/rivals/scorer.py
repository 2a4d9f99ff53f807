"""What a benchmark needs of a rival that compares pictures by pairs.

Q: queries; N: pictures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.encoders import Pixels

Scores = NDArray[np.float32]


@runtime_checkable
class Scorer(Protocol):
    """A rival without vectors: it scores a query against every picture, higher is closer."""

    @property
    def name(self) -> str:
        """Its row in the tables."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for scorers whose scores are the same: 64 hexadecimal digits."""
        ...

    def scores(
        self,
        pictures: Sequence[Pixels],
        queries: NDArray[np.integer],
        *,
        progress: Progress = lambda line: None,
    ) -> Iterator[tuple[slice, Scores]]:
        """(rows, scores) for a block of queries at a time: a part of `queries`, and (q, N) float32.

        pictures: N, decoded when they are asked for; each is flattened, trimmed and padded here
        queries: (Q,) indices of pictures; a query's score with itself stands among the others
        A picture that the scorer does not retrieve scores 0.
        """
        ...
