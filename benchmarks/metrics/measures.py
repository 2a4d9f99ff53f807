"""All figures of one run, as a report prints them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likemark.benchmarks.metrics.curve import interpolated_precision
from likemark.benchmarks.metrics.figures import (
    Values,
    average_precision,
    average_precision_at,
    hit_rate_at,
    normalised_rank,
    precision_at,
    recall_at,
    reciprocal_rank,
)
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.db.errors import InvalidInput

K = (1, 5, 10, 100)


@dataclass(frozen=True, slots=True)
class PerQuery:
    """(Q,) float64 each; NaN for a query that nothing is relevant to."""

    ap: Values  # average precision over the whole ranking
    ap_at: dict[int, Values]  # AP@K, divided by all relevant items
    hit_rate_at: dict[int, Values]  # R@K: 1 if any relevant item is in the first K
    recall_at: dict[int, Values]  # share of the relevant items in the first K
    precision_at: dict[int, Values]  # relevant items in the first K, divided by K
    reciprocal_rank: Values  # of the first relevant item
    nar: Values  # normalised average rank: 0 perfect, about 0.5 random


@dataclass(frozen=True, slots=True)
class Measures:
    """Means over the queries that something is relevant to; each query weighs the same."""

    queries: int  # that something is relevant to: those the means are over
    without_relevant: int  # queries left out, because nothing is relevant to them
    relevant: int  # relevant items of all queries together
    map: float  # mean average precision over the whole ranking
    map_at: dict[int, float]  # mAP@K, divided by all relevant items
    hit_rate_at: dict[int, float]  # R@K: share of queries with any relevant item in the first K
    recall_at: dict[int, float]  # share of a query's relevant items in the first K
    precision_at: dict[int, float]  # share of the first K that is relevant
    mrr: float  # mean of 1 / rank of the first relevant item
    nar: float  # normalised average rank: 0 perfect, about 0.5 random
    median_rank: float  # of all relevant items of all queries, taken together
    interpolated_precision: tuple[float, ...]  # at recall 0, 0.1, ..., 1

    def __post_init__(self) -> None:
        if self.queries < 1 or self.relevant < self.queries:
            raise InvalidInput("no query has a relevant item: nothing can be measured")


def per_query(ranks: Ranks, *, k: Sequence[int] = K) -> PerQuery:
    """One value for each query, for confidence intervals and for the worst cases.

    k: the places to cut off at, each 1 or more
    """
    return PerQuery(
        ap=average_precision(ranks),
        ap_at={at: average_precision_at(ranks, at) for at in k},
        hit_rate_at={at: hit_rate_at(ranks, at) for at in k},
        recall_at={at: recall_at(ranks, at) for at in k},
        precision_at={at: precision_at(ranks, at) for at in k},
        reciprocal_rank=reciprocal_rank(ranks),
        nar=normalised_rank(ranks),
    )


def measures(ranks: Ranks, *, k: Sequence[int] = K) -> Measures:
    """Queries that nothing is relevant to are counted apart; InvalidInput if no other is left.

    k: the places to cut off at, each 1 or more
    """
    judged = ranks.take(ranks.relevant > 0)
    if not len(judged):
        raise InvalidInput(f"none of {len(ranks)} queries has a relevant item: nothing to measure")
    each = per_query(judged, k=k)
    return Measures(
        queries=len(judged),
        without_relevant=len(ranks) - len(judged),
        relevant=len(judged.ranks),
        map=float(each.ap.mean()),
        map_at=_means(each.ap_at),
        hit_rate_at=_means(each.hit_rate_at),
        recall_at=_means(each.recall_at),
        precision_at=_means(each.precision_at),
        mrr=float(each.reciprocal_rank.mean()),
        nar=float(each.nar.mean()),
        median_rank=float(np.median(judged.ranks)),
        interpolated_precision=tuple(interpolated_precision(judged).mean(axis=0).tolist()),
    )


def _means(at: dict[int, Values]) -> dict[int, float]:
    return {k: float(values.mean()) for k, values in at.items()}
