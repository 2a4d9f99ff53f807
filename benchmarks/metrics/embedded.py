"""Ranks from embeddings, without ever holding all scores at once.

Q: queries; N: gallery items; D: dimensions.
"""

from __future__ import annotations

import numpy as np

from likemark.benchmarks.metrics.closeness import (
    Exact,
    Rows,
    as_gallery,
    as_query,
    block_closeness,
    pair_closeness,
)
from likemark.benchmarks.metrics.lists import Judged, Lists, as_lists
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.benchmarks.metrics.tally import Tally, Ties
from likemark.db.errors import InvalidInput

# Rows at once: 34 MB of the gallery and 34 MB of scores at D = 256.
GALLERY_ROWS = 16384
QUERY_ROWS = 256


def rank_embeddings(
    queries: Rows,
    gallery: Rows,
    relevant: Judged,
    ignored: Judged | None = None,
    *,
    ties: Ties = "pessimistic",
    gallery_rows: int = GALLERY_ROWS,
) -> Ranks:
    """The ranks of the relevant items by exact search, nearest first.

    The order is that of squared distance between L2-normalised rows, which is the order of their
    inner product. It is computed without rounding: copies tie, and the block sizes change nothing.
    Raises InvalidInput for a row that is zero or holds NaN.

    queries: (Q, D), gallery: (N, D): float16 or float32, unit rows or to be normalised; the
    gallery may be memory-mapped, it is read once from end to end
    relevant, ignored, ties: as in `rank_scores`
    gallery_rows: how many are compared at once
    """
    _check(queries, gallery)
    asked, size = as_query(queries), len(gallery)
    junk = as_lists(ignored, queries=len(asked), gallery=size, what="ignored")
    wanted = as_lists(relevant, queries=len(asked), gallery=size, what="relevant").without(junk)
    tally = Tally(wanted, _listed(asked, gallery, wanted))
    for start in range(0, size, gallery_rows):
        end = min(start + gallery_rows, size)
        part = as_gallery(gallery[start:end], range(start, end))
        for first in range(0, len(asked), QUERY_ROWS):
            tally.add(first, block_closeness(asked[first : first + QUERY_ROWS], part))
    tally.drop(junk, _listed(asked, gallery, junk))
    return tally.ranks(size - junk.sizes, ties=ties)


def _listed(asked: Exact, gallery: Rows, lists: Lists) -> Exact:
    """(P,): the closeness of each listed item to its query."""
    closeness = np.empty(len(lists.items))
    rows = lists.rows
    for start in range(0, len(rows), GALLERY_ROWS):
        now = slice(start, start + GALLERY_ROWS)
        items, places = np.unique(lists.items[now], return_inverse=True)
        closeness[now] = pair_closeness(asked[rows[now]], as_gallery(gallery[items], items)[places])
    return closeness


def _check(queries: Rows, gallery: Rows) -> None:
    for name, rows in (("queries", queries), ("gallery", gallery)):
        if rows.ndim != 2 or not np.issubdtype(rows.dtype, np.floating):
            raise InvalidInput(f"{name}: {rows.dtype} {rows.shape}: give floating point (rows, D)")
    if queries.shape[1] != gallery.shape[1]:
        raise InvalidInput(
            f"queries have {queries.shape[1]} dimensions, the gallery {gallery.shape[1]}: "
            "embed both with one model"
        )
