"""Synthetic embeddings: unit vectors around random centres, the same for the same seed.

They tell speed and memory. Recall on them is a check that an approximate index works, no promise
for real marks. Sizes: N vectors, D dimensions, Q queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Rows = NDArray[np.float32]

CENTRES = 1000
# Length of a vector's part away from its centre, whose length is 1: cosines of 0.6 within one.
SPREAD = 0.8
# Rows made at once: little enough to vanish beside the smallest index that is weighed.
PART = 1000
# Scores this close are a tie: two ways to sum up a product differ in the last bits.
TIE = 1e-5
_QUERIES = 2**32 - 1  # in place of a part's number


def vectors(count: int, dimension: int, *, seed: int = 0) -> Iterator[tuple[Ids, Rows]]:
    """(ids, rows) of (PART,) and (PART, D) at most, N in all; ids ascend from 0.

    They are drawn independently: the first n are as even a sample as any.
    """
    centres = _centres(dimension, seed)
    for number, start in enumerate(range(0, count, PART)):
        size = min(PART, count - start)
        yield np.arange(start, start + size), _around(centres, size, (seed, 1, number))


def queries(count: int, dimension: int, *, seed: int = 0) -> Rows:
    """(Q, D): drawn like the vectors, and none of them."""
    return _around(_centres(dimension, seed), count, (seed, 1, _QUERIES))


def nearest(asked: Rows, parts: Iterator[tuple[Ids, Rows]], k: int) -> list[set[int]]:
    """The ids of the k nearest to each query by comparing all, and of those that tie with the kth.

    asked: (Q, D); parts: as `vectors` gives them
    """
    best_ids = np.empty((len(asked), 0), np.int64)
    best = np.empty((len(asked), 0), np.float32)
    for ids, rows in parts:
        best = np.concatenate([best, asked @ rows.T], axis=1)
        best_ids = np.concatenate([best_ids, np.broadcast_to(ids, (len(asked), len(ids)))], axis=1)
        order = np.argsort(-best, axis=1)[:, : 2 * k]  # the second half is for ties
        best = np.take_along_axis(best, order, axis=1)
        best_ids = np.take_along_axis(best_ids, order, axis=1)
    kth = best[:, min(k, best.shape[1]) - 1]
    return [
        set(row[scores >= least - TIE].tolist())
        for row, scores, least in zip(best_ids, best, kth, strict=True)
    ]


def recall(found: Ids, true: Sequence[set[int]]) -> float:
    """The share of hits that are among the true nearest. found: (Q, k)."""
    right = [
        len(true_ids.intersection(row)) for row, true_ids in zip(found.tolist(), true, strict=True)
    ]
    return sum(right) / found.size


def _centres(dimension: int, seed: int) -> Rows:
    rng = np.random.default_rng((seed, 0))
    return _unit(rng.standard_normal((CENTRES, dimension), dtype=np.float32))


def _around(centres: Rows, count: int, seed: tuple[int, ...]) -> Rows:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, centres.shape[1]), dtype=np.float32)
    rows *= SPREAD / np.sqrt(centres.shape[1])
    rows += centres[rng.integers(len(centres), size=count)]
    return _unit(rows)


def _unit(rows: Rows) -> Rows:
    unit: Rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return unit
