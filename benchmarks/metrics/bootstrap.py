"""How far a mean over queries would move with other brands or marks: a cluster bootstrap.

Queries of one group (the drawings of one brand, say) succeed and fail together, so whole groups
are drawn, with replacement. Q: queries; G: groups. Field & Welsh, J. R. Stat. Soc. B 69(3), 2007.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likemark.db.errors import InvalidInput

# Groups drawn at once: 32 MB.
_DRAWN = 1 << 22


@dataclass(frozen=True, slots=True)
class Interval:
    low: float  # lower end of the percentile interval
    high: float  # upper end

    def __post_init__(self) -> None:
        if not self.low <= self.high:
            raise InvalidInput(f"an interval ends before it begins: {self.low} to {self.high}")


def bootstrap(
    values: ArrayLike,
    groups: ArrayLike,
    *,
    repetitions: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Interval:
    """The percentile interval of the mean of `values`, the same for the same seed.

    For two systems on the same queries give the differences: they differ where 0 is outside.

    values: (Q,), such as a field of PerQuery; NaN: a query that counts in no mean
    groups: (Q,) labels, numbers or strings; np.arange(Q) draws queries singly
    level: the share of the repetitions' means inside, between 0 and 1
    """
    means = _means(*_sums_and_sizes(values, groups), _checked(repetitions, level), seed)
    outside = (1 - level) / 2
    low, high = np.quantile(means, [outside, 1 - outside])
    return Interval(float(low), float(high))


def _means(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], repetitions: int, seed: int
) -> NDArray[np.float64]:
    """sums, sizes: (G,). Returns (repetitions,)."""
    rng = np.random.default_rng(seed)
    means = np.empty(repetitions)
    step = max(1, _DRAWN // len(sums))
    for start in range(0, repetitions, step):
        shape = (min(step, repetitions - start), len(sums))
        drawn = rng.integers(len(sums), size=shape)
        means[start : start + step] = sums[drawn].sum(axis=1) / sizes[drawn].sum(axis=1)
    return means


def _sums_and_sizes(
    values: ArrayLike, groups: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    each, labels = np.asarray(values, np.float64), np.asarray(groups)
    if each.ndim != 1 or labels.shape != each.shape:
        raise InvalidInput(f"values {each.shape}, groups {labels.shape}: give one group for each")
    counted = ~np.isnan(each)
    if not counted.any():
        raise InvalidInput("no values to draw from: all are NaN or there are none")
    numbers = np.unique(labels[counted], return_inverse=True)[1]
    sums = np.bincount(numbers, each[counted]).astype(np.float64)
    return sums, np.bincount(numbers).astype(np.float64)


def _checked(repetitions: int, level: float) -> int:
    if repetitions < 1 or not 0 < level < 1:
        raise InvalidInput(
            f"{repetitions} repetitions at level {level}: give 1 or more, and 0 < level < 1"
        )
    return repetitions
