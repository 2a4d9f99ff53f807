"""The METU protocol's figures, as its authors' script defines them, and with the query left out.

Distance is squared L2 between L2-normalised rows. A query's relevant items are all of its group,
itself among them at distance 0. Of equal distances every item takes the last place, relevant ones
too: a copy in its group puts a query itself at rank 2, as it does the copy.
Q: queries; N: pictures, queries and pool; D: dimensions. R_i: rank of the i-th best of a query's
n relevant items.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.metrics.curve import LEVELS
from likemark.benchmarks.metrics.embedded import rank_embeddings
from likemark.benchmarks.metrics.figures import (
    average_precision,
    average_precision_at,
    hit_rate_at,
    mean_rank,
    normalised_rank,
)
from likemark.benchmarks.metrics.lists import same_group
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.db.errors import InvalidInput

K = (50, 100, 200, 400)


@dataclass(frozen=True, slots=True)
class Figures:
    """Means over the queries, each of the same weight."""

    map: float  # mean of AP, the sum of i / R_i divided by n
    map_at: dict[int, float]  # AP with the ranks strictly below K only, still divided by n
    nar: float  # (sum of R_i - n(n + 1) / 2) / (N n): 0 perfect, about 0.5 random
    mean_rank: float  # mean of each query's mean of R_i
    median_rank: float  # of all relevant items of all queries, taken together
    r_at_1: float  # share of queries with any relevant item at rank 1
    r_at_10: float  # share of queries with any relevant item in the first 10
    precision: tuple[float, ...]  # at recall 0, 0.1, ..., 1: see `precision_at_recall`

    def __post_init__(self) -> None:
        if len(self.precision) != LEVELS:
            raise InvalidInput(f"{len(self.precision)} levels of recall: there are {LEVELS}")


@dataclass(frozen=True, slots=True)
class MetuResult:
    """One run in both ways of counting; only the official one is comparable with Tursun's."""

    queries: int  # Q
    groups: int  # of alike queries
    pictures: int  # N
    official: Figures  # the query itself counts as a relevant item, mostly at rank 1
    self_excluded: Figures  # it is neither ranked nor counted: N - 1 pictures, n - 1 relevant

    def __post_init__(self) -> None:
        if not 0 < 2 * self.groups <= self.queries <= self.pictures:
            raise InvalidInput(
                f"{self.pictures} pictures, {self.queries} queries, {self.groups} groups: "
                "a group has two queries or more, and queries are pictures"
            )


def evaluate(
    features: NDArray[np.floating], groups: NDArray[np.integer], *, k: Sequence[int] = K
) -> MetuResult:
    """Raises InvalidInput for a pool smaller than the largest K, or a group of one.

    features: (N, D) float16 or float32, the queries first; may be memory-mapped
    groups: (Q,), the queries' groups
    k: 2 or more each, because the rank must be strictly below
    """
    if not k or min(k) < 2:
        raise InvalidInput(f"K of {list(k)}: only ranks below K count, so give 2 or more")
    pool = len(features) - len(groups)
    if pool < max(k):
        raise InvalidInput(f"a pool of {pool} pictures: mAP@{max(k)} needs {max(k)} or more")
    ranks = official_ranks(features, groups)
    return MetuResult(
        queries=len(ranks),
        groups=len(np.unique(groups)),
        pictures=len(features),
        official=figures(ranks, k=k),
        self_excluded=figures(without_self(ranks), k=k),
    )


def official_ranks(features: NDArray[np.floating], groups: NDArray[np.integer]) -> Ranks:
    """The queries' ranks with themselves counted, ties at their last place. As `evaluate`."""
    labels, sizes = np.unique(groups, return_counts=True)
    if (sizes < 2).any():
        alone = labels[sizes.argmin()]
        raise InvalidInput(f"group {alone} has one query: only itself would be relevant to it")
    relevant = same_group(groups, groups)
    return rank_embeddings(features[: len(groups)], features, relevant, ties="worst")


def without_self(ranks: Ranks) -> Ranks:
    """The same ranking without the query. Nothing is nearer, so all others move up by one."""
    kept = ranks.positions > 1
    offsets = ranks.offsets - np.arange(len(ranks.offsets))
    return Ranks(offsets, ranks.ranks[kept] - 1, ranks.sizes - 1)


def figures(ranks: Ranks, *, k: Sequence[int] = K) -> Figures:
    """ranks: each query with one relevant item or more; k: as in `evaluate`"""
    return Figures(
        map=float(average_precision(ranks).mean()),
        map_at={at: float(average_precision_at(ranks, at - 1).mean()) for at in k},
        nar=float(normalised_rank(ranks).mean()),
        mean_rank=float(mean_rank(ranks).mean()),
        median_rank=float(np.median(ranks.ranks)),
        r_at_1=float(hit_rate_at(ranks, 1).mean()),
        r_at_10=float(hit_rate_at(ranks, 10).mean()),
        precision=tuple(precision_at_recall(ranks).mean(axis=0).tolist()),
    )


def precision_at_recall(ranks: Ranks) -> NDArray[np.float64]:
    """Precision i / R_i where i is recall times n, rounded half up; 1 at recall 0.

    It is not interpolated.
    Two slips of the script are not repeated: it divides small integers, which rounds each query's
    precision to 0 or 1, and it stops at groups of four or fewer, where i would be 0. Here i is 1.
    result: (Q, 11)
    """
    curve = np.ones((len(ranks), LEVELS))
    tenths = LEVELS - 1
    for level in range(1, LEVELS):
        found = np.maximum((2 * level * ranks.relevant + tenths) // (2 * tenths), 1)
        curve[:, level] = found / ranks.ranks[ranks.offsets[:-1] + found - 1]
    return curve
