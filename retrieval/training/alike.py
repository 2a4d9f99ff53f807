"""Which groups look like which, by their drawings' shapes: hard batches need them side by side.

Shapes are histograms of oriented gradients (likemark.retrieval.shape), thrown at random to fewer
dimensions (Johnson and Lindenstrauss, 1984), so that nothing has to be trained to compare them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
NEAR = 24  # groups that each group has as look-alikes, at most
SAME = 0.9  # similarity from which two groups may show one drawing under two names
DIMENSION = 256  # of a shape
_NEIGHBOURS = 40  # drawings looked up for each drawing
_BLOCK = 4096
_EXACT = 20_000  # rows up to which every pair is compared
_POINTS = 64  # rows for each list that the lists are found from
_PROBES = 24  # lists looked into


@dataclass(frozen=True, slots=True)
class Alike:
    near: tuple[tuple[int, ...], ...]  # for each group the groups that look like it
    same: tuple[tuple[int, ...], ...]  # for each group those too alike to be told apart


def thrown(rows: Rows) -> Rows:
    """(N, 256) of length 1, or 0, from N rows of any width."""
    matrix = np.random.default_rng(0).standard_normal((rows.shape[1], DIMENSION), np.float32)
    small = rows @ matrix
    return np.asarray(small / np.maximum(np.linalg.norm(small, axis=1, keepdims=True), 1e-9))


def find_alike(rows: Rows, groups: NDArray[np.int64]) -> Alike:
    """rows: (N, D) of length 1; groups: (N,), every number from 0 to the last."""
    best: list[dict[int, float]] = [{} for _ in range(int(groups.max()) + 1)]
    for place, places, scores in _nearest(rows):
        own = best[groups[place]]
        for other, score in zip(groups[places].tolist(), scores, strict=True):
            own[other] = max(own.get(other, 0.0), score)
    for group, found in enumerate(best):
        found.pop(group, None)
    ranked = [sorted(found.items(), key=lambda item: (-item[1], item[0])) for found in best]
    same = [[other for other, score in found if score >= SAME] for found in ranked]
    near = [[other for other, score in found if score < SAME][:NEAR] for found in ranked]
    return Alike(tuple(map(tuple, near)), tuple(map(tuple, _both_ways(same))))


def _nearest(rows: Rows) -> Iterator[tuple[int, NDArray[np.int64], list[float]]]:
    """Each row's place, its nearest rows' places, and how near they are; of many, nearly all."""
    import faiss

    width = rows.shape[1]
    index: Any = faiss.IndexFlatIP(width)
    if len(rows) > _EXACT:
        lists = 4 * round(len(rows) ** 0.5)
        index = faiss.IndexIVFFlat(index, width, lists, faiss.METRIC_INNER_PRODUCT)
        index.cp.max_points_per_centroid = _POINTS
        index.train(rows)
        index.nprobe = _PROBES
    index.add(rows)
    for start in range(0, len(rows), _BLOCK):
        scores, places = index.search(rows[start : start + _BLOCK], min(_NEIGHBOURS, len(rows)))
        for line, near in enumerate(places):
            found = near >= 0
            yield start + line, near[found], scores[line][found].tolist()


def _both_ways(links: list[list[int]]) -> list[list[int]]:
    sets = [set(linked) for linked in links]
    for one, linked in enumerate(links):
        for other in linked:
            sets[other].add(one)
    return [sorted(linked) for linked in sets]
