"""Exact scores of candidates, by the vectors from where the truth is kept.

Sizes: Q queries, C candidates each, D dimensions.
"""

from __future__ import annotations

import numpy as np

from likemark.index.probing import faiss
from likemark.index.protocol import NO_ID, Ids, Rows, RowsOf


def exact_scores(queries: Rows, ids: Ids, rows_of: RowsOf) -> tuple[Ids, Rows]:
    """ids and scores, both (Q, C); what is not there any more becomes NO_ID.

    queries: (Q, D); ids: (Q, C), NO_ID where there is none
    """
    wanted, places = np.unique(ids, return_inverse=True)
    known, rows = rows_of(wanted[wanted != NO_ID])
    # Where in `rows` each wanted id is; FAISS passes over those that are nowhere.
    row_of = np.full(len(wanted), -1, np.int64)
    row_of[np.searchsorted(wanted, known)] = np.arange(len(known))
    places = row_of[places.reshape(ids.shape)]
    scores = np.full(ids.shape, -np.inf, np.float32)
    queries, rows = np.ascontiguousarray(queries), np.ascontiguousarray(rows)
    pointer = faiss.swig_ptr
    faiss.fvec_inner_products_by_idx(
        pointer(scores), pointer(queries), pointer(rows), pointer(places),
        queries.shape[1], *ids.shape,
    )  # fmt: skip
    return np.where(places >= 0, ids, NO_ID), scores


def every_score(queries: Rows, ids: Ids, rows_of: RowsOf) -> tuple[Ids, Rows]:
    """ids and scores, both (Q, C), of the same candidates for all queries; fewer if some are gone.

    queries: (Q, D); ids: (C,) ascending
    """
    known, rows = rows_of(ids)
    return np.broadcast_to(known, (len(queries), len(known))), queries @ rows.T


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
