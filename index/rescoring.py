"""Exact scores of candidates, by the vectors from where the truth is kept.

Sizes: Q queries, C candidates each, D dimensions.
"""

from __future__ import annotations

import numpy as np

from likemark.index.ids import held
from likemark.index.probing import faiss
from likemark.index.protocol import NO_ID, Ids, Rows, RowsOf

REMEMBERED = 2**28  # bytes of rows at the most


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


class Remembered:
    """Rows that were fetched once are not fetched again: for the same queries, asked many times.

    The first that come are kept, as many as there is room for: the same queries in the same order
    would drive each other out of a memory of the latest.
    """

    def __init__(self, rows_of: RowsOf, *, most_bytes: int = REMEMBERED) -> None:
        self._rows_of = rows_of
        self._most_bytes = most_bytes
        self._ids = np.empty(0, np.int64)  # ascending
        self._places = np.empty(0, np.int64)  # of each one's row
        self._rows = np.empty((0, 0), np.float32)

    def __call__(self, ids: Ids) -> tuple[Ids, Rows]:
        ids = np.unique(ids)
        known = held(self._ids, ids)
        old = ids[known]
        rows = self._rows[self._places[np.searchsorted(self._ids, old)]]
        new, fetched = self._rows_of(ids[~known])
        if not len(new):
            return old, rows
        self._keep(new, fetched)
        if not len(old):
            return new, fetched
        joined = np.concatenate([old, new])
        order = np.argsort(joined)
        return joined[order], np.concatenate([rows, fetched])[order]

    def _keep(self, ids: Ids, rows: Rows) -> None:
        count = len(self._ids)
        if not count:  # the system gives memory to those rows only that are written
            self._rows = np.empty((self._most_bytes // rows[0].nbytes, rows.shape[1]), np.float32)
        ids = ids[: len(self._rows) - count]
        if not len(ids):
            return
        self._rows[count : count + len(ids)] = rows[: len(ids)]
        joined = np.concatenate([self._ids, ids])
        places = np.concatenate([self._places, np.arange(count, count + len(ids))])
        order = np.argsort(joined)
        self._ids, self._places = joined[order], places[order]
