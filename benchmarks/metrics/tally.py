"""Count, score block by score block, how many items stand before each relevant one.

Q: queries; N: gallery items; P: relevant items of all queries together.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.metrics.lists import Ints, Lists
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.db.errors import InvalidInput

Scores = NDArray[np.floating]
# "pessimistic": of equal scores the irrelevant item stands first, relevant ones in any order.
# "worst": every item takes the last of the places that its equals share, relevant or not.
Ties = Literal["pessimistic", "worst"]
# Up to here one comparison of all scores for each threshold is faster than a search.
FEW = 64


class Tally:
    """Wants every query's scores against every gallery item once, in blocks of any shape."""

    def __init__(self, relevant: Lists, relevant_scores: Scores) -> None:
        """relevant: without what is ignored; relevant_scores: (P,), as they stand in the blocks"""
        refuse_nan(relevant_scores)
        self._offsets = relevant.offsets
        order = np.lexsort((relevant_scores, relevant.rows))
        self._scores = relevant_scores[order]  # ascending within a query
        self._ahead = np.zeros(len(order), np.int64)

    def add(self, first: int, block: Scores) -> None:
        """Every item of the block counts. block: (q, n), of the queries from `first` on"""
        refuse_nan(block)
        for query, scores in enumerate(block, start=first):
            mine = slice(self._offsets[query], self._offsets[query + 1])
            if mine.start < mine.stop:
                self._ahead[mine] += at_least(scores, self._scores[mine])

    def drop(self, ignored: Lists, scores: Scores) -> None:
        """Take items back out of the count. scores: (number of ignored items,)"""
        refuse_nan(scores)
        for query in np.flatnonzero(ignored.sizes):
            mine = slice(self._offsets[query], self._offsets[query + 1])
            out = scores[ignored.offsets[query] : ignored.offsets[query + 1]]
            if mine.start < mine.stop:
                self._ahead[mine] -= at_least(out, self._scores[mine])

    def ranks(self, sizes: Ints, *, ties: Ties = "pessimistic") -> Ranks:
        """sizes: (Q,), how many items were counted for each query"""
        relevant = np.diff(self._offsets)
        ends = np.repeat(self._offsets[1:], relevant)
        # Scores ascend, so the best stands last and all from a place on are at least as good.
        place = np.arange(len(self._scores))
        if ties == "worst":
            ranks = self._ahead
        else:
            ranks = self._ahead - self._relevant_at_least() + (ends - place)
        best_first = np.repeat(self._offsets[:-1], relevant) + ends - 1 - place
        return Ranks(self._offsets, ranks[best_first], sizes)

    def _relevant_at_least(self) -> Ints:
        counts = np.zeros(len(self._scores), np.int64)
        for low, high in zip(self._offsets[:-1], self._offsets[1:], strict=True):
            mine = self._scores[low:high]
            counts[low:high] = len(mine) - np.searchsorted(mine, mine, side="left")
        return counts


def at_least(scores: Scores, thresholds: Scores) -> Ints:
    """How many scores reach each threshold.

    scores: (n,); thresholds: (r,), ascending, r > 0
    result: (r,)
    """
    if len(thresholds) <= FEW:
        each = [np.count_nonzero(scores >= threshold) for threshold in thresholds]
        return np.array(each, np.int64)
    reaching = scores[scores >= thresholds[0]]
    reached = np.searchsorted(thresholds, reaching, side="right")
    counts = np.bincount(reached, minlength=len(thresholds) + 1)
    return counts[:0:-1].cumsum()[::-1]


def refuse_nan(scores: Scores) -> None:
    if scores.size and np.isnan(scores.max()):
        raise InvalidInput("a score is not a number (NaN): it has no rank; look at the embeddings")
