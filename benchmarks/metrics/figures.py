"""Each query's figures from the ranks of its relevant items.

R_i: rank of its i-th best relevant item; n: number of its relevant items, however far down; N:
number of items ranked for it. Every function gives (Q,) float64, NaN where n is 0.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.metrics.ranks import Ranks
from likemark.db.errors import InvalidInput

Values = NDArray[np.float64]
# What AP@K is divided by: all n, so that no K can lift it to 1 alone, or min(K, n), so that K
# relevant items in the first K places are perfect.
Denominator = Literal["all", "min"]


def average_precision(ranks: Ranks) -> Values:
    """AP: the sum of i / R_i, divided by n; not interpolated."""
    return _per_relevant(ranks, ranks.positions / ranks.ranks)


def average_precision_at(ranks: Ranks, k: int, *, denominator: Denominator = "all") -> Values:
    """AP@K: the sum of i / R_i over R_i <= K, divided by n, or by min(K, n) for "min".

    "all" is trec_eval's `map_cut`.
    """
    summed = ranks.sums((ranks.positions / ranks.ranks) * _within(ranks, k))
    most = ranks.relevant if denominator == "all" else np.minimum(ranks.relevant, k)
    return _divided(summed, most)


def hit_rate_at(ranks: Ranks, k: int) -> Values:
    """R@K as image retrieval uses the name: 1 if any relevant item is in the first K, else 0."""
    return _where_answerable(ranks, ranks.sums(_within(ranks, k)) > 0)


def recall_at(ranks: Ranks, k: int) -> Values:
    """The share of the n relevant items that is in the first K: trec_eval's `recall`."""
    return _per_relevant(ranks, _within(ranks, k))


def precision_at(ranks: Ranks, k: int) -> Values:
    """Relevant items in the first K, divided by K even where N or n is less: trec_eval's `P`."""
    return _where_answerable(ranks, ranks.sums(_within(ranks, k)) / k)


def reciprocal_rank(ranks: Ranks) -> Values:
    """1 / R_1."""
    return _where_answerable(ranks, ranks.sums((ranks.positions == 1) / ranks.ranks))


def normalised_rank(ranks: Ranks) -> Values:
    """NAR: the sum of R_i less its least possible value n(n + 1) / 2, divided by N n.

    0: perfect; about 0.5: a random order. Mueller et al., Pattern Recognition Letters 22(5), 2001.
    """
    excess = ranks.sums((ranks.ranks - ranks.positions).astype(np.float64))
    return _divided(excess, ranks.relevant * ranks.sizes)


def mean_rank(ranks: Ranks) -> Values:
    """The mean of R_i."""
    return _per_relevant(ranks, ranks.ranks.astype(np.float64))


def _within(ranks: Ranks, k: int) -> Values:
    if k < 1:
        raise InvalidInput(f"K is {k}: it must be 1 or more")
    return (ranks.ranks <= k).astype(np.float64)


def _per_relevant(ranks: Ranks, values: Values) -> Values:
    return _divided(ranks.sums(values), ranks.relevant)


def _divided(sums: Values, by: NDArray[np.integer]) -> Values:
    values: Values = np.divide(sums, by, out=np.full(len(sums), np.nan), where=by > 0)
    return values


def _where_answerable(ranks: Ranks, values: NDArray[np.floating | np.bool_]) -> Values:
    return np.where(ranks.relevant > 0, values, np.nan)
