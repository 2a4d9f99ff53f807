"""Ranks from scores that somebody else computed: a re-ranker, a rival, a saved matrix."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.metrics.lists import Ints, Judged, Lists, as_lists
from likemark.benchmarks.metrics.ranks import Ranks, concatenate
from likemark.benchmarks.metrics.tally import Scores, Tally, Ties
from likemark.db.errors import InvalidInput

Rows = slice | NDArray[np.integer]


def rank_scores(
    scores: Scores, relevant: Judged, ignored: Judged | None = None, *, ties: Ties = "pessimistic"
) -> Ranks:
    """The ranks of the relevant items, higher scores first; raises InvalidInput on NaN.

    scores: (Q, N), any floating type; relevant, ignored: one list of items for each query. What
    is in both is ignored, so the query itself goes there when it stands in the gallery.
    ties: "pessimistic": of equal scores the irrelevant item stands first. "worst": every item
    takes the last place of its equals, other relevant items counted too.
    """
    if scores.ndim != 2:
        raise InvalidInput(f"scores: {scores.ndim} dimensions: give (queries, gallery)")
    queries, gallery = scores.shape
    junk = as_lists(ignored, queries=queries, gallery=gallery, what="ignored")
    wanted = as_lists(relevant, queries=queries, gallery=gallery, what="relevant").without(junk)
    tally = Tally(wanted, scores[wanted.rows, wanted.items])
    tally.add(0, scores)
    tally.drop(junk, scores[junk.rows, junk.items])
    return tally.ranks(gallery - junk.sizes, ties=ties)


def rank_blocks(
    blocks: Iterable[tuple[Rows, Scores]],
    relevant: Lists,
    ignored: Lists | None = None,
    *,
    ties: Ties = "pessimistic",
) -> Ranks:
    """As `rank_scores` without the whole matrix: the ranks stand in the order of the lists.

    blocks: (rows, scores): a slice or (q,) indices of queries, and their (q, N) scores against
    the whole gallery; each query comes once, in any order.
    """
    parts, order = [], []
    for rows, scores in blocks:
        chosen = np.arange(len(relevant))[rows]
        junk = None if ignored is None else ignored.take(chosen)
        parts.append(rank_scores(scores, relevant.take(chosen), junk, ties=ties))
        order.append(chosen)
    joined = np.concatenate([*order, np.empty(0, np.int64)])
    if not np.array_equal(np.sort(joined), np.arange(len(relevant))):
        raise InvalidInput(f"the blocks must hold each of the {len(relevant)} queries once")
    return concatenate(parts).take(_inverse(joined))


def _inverse(order: Ints) -> Ints:
    return np.argsort(order)
