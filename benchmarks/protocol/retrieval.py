"""One system's figures on likemark-open, and the queries it does worst.

Each relevant drawing is a query once. The others of its group are relevant to it; itself is left
out; all else is not relevant. Ties count against the system. Q: queries; N: pictures.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.encoders import Rows
from likemark.benchmarks.metrics.bootstrap import Interval, bootstrap
from likemark.benchmarks.metrics.embedded import rank_embeddings
from likemark.benchmarks.metrics.lists import Lists, same_group
from likemark.benchmarks.metrics.measures import Measures, PerQuery, measures, per_query
from likemark.benchmarks.metrics.ranks import Ranks

K = (1, 5, 10, 100)
MANY = 3  # drawings in a group of the second table
WORST = 50
FOUND = 5


@dataclass(frozen=True, slots=True)
class Intervals:
    """95 %, by a bootstrap over groups."""

    map: Interval
    map_at_100: Interval
    r_at_1: Interval
    r_at_10: Interval


@dataclass(frozen=True, slots=True)
class Standing:
    """What one system reached."""

    all_groups: Measures
    intervals: Intervals  # of all groups
    many_drawings: Measures  # over the queries whose group has `MANY` drawings or more
    # Over the queries whose mark no shipped model was shown in training, under whatever name.
    unseen: Measures
    unseen_map: Interval


@dataclass(frozen=True, slots=True)
class Hit:
    id: str  # of the drawing
    image: str  # its path below the benchmark's folder
    group: str
    score: float  # inner product with the query's row


@dataclass(frozen=True, slots=True)
class Failure:
    """A query that one system does badly."""

    id: str
    image: str
    group: str
    ap: float
    found: tuple[Hit, ...]  # the first `FOUND`
    expected: tuple[Hit, ...]  # what is relevant, in the order of `ranks`
    ranks: tuple[int, ...]  # of the relevant, ascending


def rank_rows(benchmark: OpenBenchmark, rows: Rows) -> Ranks:
    """rows: (N, D) unit rows, in the order of the benchmark's pictures"""
    relevant, own = judged(benchmark)
    return rank_embeddings(rows[: len(own)], rows, relevant, own)


def judged(benchmark: OpenBenchmark) -> tuple[Lists, Lists]:
    """What is relevant to each query, and what is left out: itself."""
    own = Lists.of(np.arange(len(benchmark.groups))[:, None])
    return same_group(benchmark.groups, benchmark.groups).without(own), own


def standing(benchmark: OpenBenchmark, ranks: Ranks) -> Standing:
    each = per_query(ranks, k=K)
    many = ranks.take(ranks.relevant >= MANY - 1)
    unseen = benchmark.unseen
    unseen = unseen if unseen.any() else np.ones_like(unseen)
    return Standing(
        all_groups=measures(ranks, k=K),
        intervals=_intervals(benchmark, each),
        many_drawings=measures(many if len(many) else ranks, k=K),
        unseen=measures(ranks.take(unseen), k=K),
        unseen_map=bootstrap(each.ap[unseen], benchmark.groups[unseen]),
    )


def failures(benchmark: OpenBenchmark, rows: Rows, ranks: Ranks) -> tuple[Failure, ...]:
    """The `WORST` queries by average precision, the worst first."""
    relevant, _ = judged(benchmark)
    ap = per_query(ranks, k=K).ap
    worst = np.argsort(ap, kind="stable")[:WORST]
    return tuple(_failure(benchmark, rows, ranks, relevant, int(q), float(ap[q])) for q in worst)


def _failure(
    benchmark: OpenBenchmark, rows: Rows, ranks: Ranks, relevant: Lists, query: int, ap: float
) -> Failure:
    scores = rows @ rows[query]
    hit = _hits(benchmark, scores)
    scores[query] = -np.inf
    entry = benchmark.relevant[query]
    wanted = relevant.items[relevant.offsets[query] : relevant.offsets[query + 1]]
    return Failure(
        id=entry.id,
        image=entry.image,
        group=entry.group,
        ap=ap,
        found=tuple(hit(int(i)) for i in np.argsort(-scores, kind="stable")[:FOUND]),
        expected=tuple(hit(int(i)) for i in wanted[np.argsort(-scores[wanted], kind="stable")]),
        ranks=tuple(int(rank) for rank in ranks[query]),
    )


def _hits(benchmark: OpenBenchmark, scores: Rows) -> Callable[[int], Hit]:
    def hit(index: int) -> Hit:
        entry = benchmark.pictures.entries[index]
        return Hit(entry.id, entry.image, entry.group, float(scores[index]))

    return hit


def _intervals(benchmark: OpenBenchmark, each: PerQuery) -> Intervals:
    groups = benchmark.groups
    return Intervals(
        map=bootstrap(each.ap, groups),
        map_at_100=bootstrap(each.ap_at[100], groups),
        r_at_1=bootstrap(each.hit_rate_at[1], groups),
        r_at_10=bootstrap(each.hit_rate_at[10], groups),
    )
