"""Searching chosen inverted lists with FAISS. Sizes: Q queries, P lists a query, k hits."""

from __future__ import annotations

from typing import Any

import faiss as _faiss
import numpy as np

from likemark.index.protocol import NO_ID, Found, Ids, Rows

faiss: Any = _faiss  # its own type stubs lag behind what it has

# Bytes of one bit an id, which is the fastest look-up there is.
LARGEST_BITMAP = 2**24


def probe(
    engine: Any, queries: Rows, keys: Ids, nearness: Rows, reach: int, selector: Any
) -> tuple[Ids, Rows]:
    """ids and scores, both (Q, reach), of the best in lists keys (Q, P); -1 is no list.

    nearness: (Q, P) of each list's centre to the query, as the coarse quantiser gave it
    """
    scores = np.empty((len(queries), reach), np.float32)
    ids = np.empty((len(queries), reach), np.int64)
    effort = faiss.SearchParametersIVF(sel=selector, nprobe=keys.shape[1])
    keys, nearness = np.ascontiguousarray(keys), np.ascontiguousarray(nearness)
    pointer = faiss.swig_ptr
    # FAISS's own Python wrapper takes no parameters here.
    engine.search_preassigned_c(
        len(queries), pointer(queries), reach, pointer(keys), pointer(nearness),
        pointer(scores), pointer(ids), False, effort,
    )  # fmt: skip
    scores[ids == NO_ID] = -np.inf
    return ids, scores


def select(ids: Ids) -> Any:
    """FAISS's way of saying that only these ids are allowed."""
    largest = int(ids.max(initial=0))
    if largest // 8 >= max(LARGEST_BITMAP, 8 * len(ids)):  # few ids that lie far apart
        return faiss.IDSelectorBatch(ids)
    allowed = np.zeros(largest + 1, dtype=bool)
    allowed[ids] = True
    return faiss.IDSelectorBitmap(np.packbits(allowed, bitorder="little"))


def reject(ids: Ids) -> Any:
    """FAISS's way of saying that all but these ids are allowed."""
    return faiss.IDSelectorNot(select(ids)) if len(ids) else None


def empty(queries: int, k: int) -> Found:
    return Found(np.full((queries, k), NO_ID, np.int64), np.full((queries, k), -np.inf, np.float32))


def ordered(ids: Ids, scores: Rows, k: int) -> Found:
    """The k best of candidates (Q, n), best first; among equal scores the smaller id first."""
    found = empty(len(ids), k)
    scores = np.where(ids == NO_ID, -np.inf, scores).astype(np.float32)
    order = np.lexsort((ids, -scores), axis=1)[:, :k]
    found.ids[:, : order.shape[1]] = np.take_along_axis(ids, order, axis=1)
    found.scores[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
    return found
