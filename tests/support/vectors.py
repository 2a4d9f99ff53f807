"""Vectors whose inner products are exact, and the search that everything is held against."""

from __future__ import annotations

import numpy as np

from likemark.index.protocol import NO_ID, Found, Ids, Rows


def exact_rows(count: int, dimension: int, seed: int = 0) -> Rows:
    """(N, D) unit rows of ±1/√D; D is 4, 16 or 64, so that products carry no rounding at all.

    There are many equals among them.
    """
    assert dimension in (4, 16, 64)
    signs = np.random.default_rng(seed).choice([-1.0, 1.0], size=(count, dimension))
    return (signs / np.sqrt(dimension)).astype(np.float32)


def clustered_rows(
    count: int, dimension: int, *, clusters: int, spread: float = 0.3, seed: int = 0
) -> Rows:
    """(N, D) unit rows about random centres; row n belongs to cluster n % clusters."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((clusters, dimension))
    rows = centres[np.arange(count) % clusters] + spread * rng.standard_normal((count, dimension))
    return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def plain_search(ids: Ids, rows: Rows, queries: Rows, k: int, allowed: Ids | None = None) -> Found:
    """Every product, sorted by score and then by id."""
    if allowed is not None:
        keep = np.isin(ids, allowed)
        ids, rows = ids[keep], rows[keep]
    scores = queries @ rows.T
    order = np.lexsort((np.broadcast_to(ids, scores.shape), -scores), axis=1)[:, :k]
    found = Found(
        np.full((len(queries), k), NO_ID, np.int64),
        np.full((len(queries), k), -np.inf, np.float32),
    )
    found.ids[:, : order.shape[1]] = ids[order]
    found.scores[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
    return found


def same(one: Found, other: Found) -> bool:
    return np.array_equal(one.ids, other.ids) and np.array_equal(one.scores, other.scores)
