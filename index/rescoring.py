"""Exact scores of candidates, by the vectors from where the truth is kept.

Sizes: Q queries, C candidates each, D dimensions.
"""

from __future__ import annotations

import numpy as np

from likemark.index.protocol import NO_ID, Ids, Rows, RowsOf

# Candidate rows (C, D) are gathered for so many queries at once: some 16 MB at D = 256, C = 64.
QUERIES = 256


def exact_scores(queries: Rows, ids: Ids, rows_of: RowsOf) -> tuple[Ids, Rows]:
    """ids and scores, both (Q, C); what is not there any more becomes NO_ID.

    queries: (Q, D); ids: (Q, C), NO_ID where there is none
    """
    known, rows = rows_of(np.unique(ids[ids != NO_ID]))
    if not len(known):
        return np.full_like(ids, NO_ID), np.full(ids.shape, -np.inf, np.float32)
    scores = np.empty(ids.shape, np.float32)
    places = np.minimum(np.searchsorted(known, ids), len(known) - 1)
    there = known[places] == ids
    for start in range(0, len(queries), QUERIES):
        part = slice(start, start + QUERIES)
        scores[part] = _products(queries[part], rows, places[part])
    return np.where(there, ids, NO_ID), np.where(there, scores, -np.inf)


def _products(queries: Rows, rows: Rows, places: Ids) -> Rows:
    if len(queries) * len(rows) <= 4 * places.size:  # many candidates in common
        return np.take_along_axis(queries @ rows.T, places, axis=1)
    products: Rows = np.einsum("qd,qcd->qc", queries, rows[places], optimize=True)
    return products


class Remembered:
    """Rows that were fetched once are not fetched again: for the same queries, asked many times."""

    def __init__(self, rows_of: RowsOf) -> None:
        self._rows_of = rows_of
        self._ids = np.empty(0, np.int64)
        self._rows = np.empty((0, 0), np.float32)

    def __call__(self, ids: Ids) -> tuple[Ids, Rows]:
        new, rows = self._rows_of(np.setdiff1d(ids, self._ids))
        if len(new):
            joined = np.concatenate([self._ids, new])
            order = np.argsort(joined)
            held = [self._rows] if len(self._ids) else []
            self._ids, self._rows = joined[order], np.concatenate([*held, rows])[order]
        there = np.isin(self._ids, ids)
        return self._ids[there], self._rows[there]
