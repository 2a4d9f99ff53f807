"""Precision at eleven levels of recall: 0, 0.1, ..., 1."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.metrics.ranks import Ranks

LEVELS = 11


def interpolated_precision(ranks: Ranks) -> NDArray[np.float64]:
    """The highest precision at that recall or any higher one: trec_eval's `iprec_at_recall`.

    Recall r is reached with the first r n relevant items, rounded up. n: a query's relevant items.
    result: (Q, 11), NaN rows for queries that nothing is relevant to; the curve is the mean of
    the other rows
    """
    curve = np.full((len(ranks), LEVELS), np.nan)
    answerable = ranks.relevant > 0
    starts, ends = ranks.offsets[:-1][answerable], ranks.offsets[1:][answerable]
    # One more entry, because reduceat takes no end behind the last.
    precision = np.append(ranks.positions / ranks.ranks, 0.0)
    for tenth in range(LEVELS):
        needed = np.maximum(-(-tenth * (ends - starts) // (LEVELS - 1)), 1)
        spans = np.stack([starts + needed - 1, ends], axis=1).ravel()
        curve[answerable, tenth] = np.maximum.reduceat(precision, spans)[::2]
    return curve
