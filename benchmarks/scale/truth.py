"""The true nearest of every query, by comparing all vectors, at every size and behind every filter.

One pass over the largest size serves all: the truth of the first n is complete when n have passed.
Q: queries; K: neighbours kept.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import BLOCK, FILTERS, KINDS, Filter, Ids, Vectors
from likemark.retrieval.files import whole_file

KEPT = 120  # neighbours: more than the 100 of recall@100, for ties
TIE = 1e-5  # scores this close are a tie: two ways to sum up differ in the last bits


@dataclass(frozen=True, slots=True, eq=False)
class Nearest:
    """Best first; below 0 where fewer are allowed."""

    ids: Ids  # (Q, K)
    scores: Rows  # (Q, K)

    @classmethod
    def none(cls, queries: int) -> Nearest:
        shape = (queries, KEPT)
        return cls(np.full(shape, -1, np.int64), np.full(shape, -np.inf, np.float32))

    def __getitem__(self, part: slice) -> Nearest:
        return Nearest(self.ids[part], self.scores[part])

    def joined(self, other: Nearest) -> Nearest:
        ids = np.concatenate([self.ids, other.ids], axis=1)
        scores = np.concatenate([self.scores, other.scores], axis=1)
        order = np.argsort(-scores, axis=1, kind="stable")[:, :KEPT]
        return Nearest(
            np.take_along_axis(ids, order, axis=1), np.take_along_axis(scores, order, axis=1)
        )

    def recall(self, found: Ids, k: int) -> NDArray[np.float64]:
        """(Q,): the share of the k nearest that are found, fewer where fewer are allowed.

        found: (Q, k); those that tie with the kth count as it does
        """
        there = self.ids >= 0
        wanted = np.minimum(there.sum(axis=1), k)
        last = np.take_along_axis(self.scores, np.maximum(wanted - 1, 0)[:, None], axis=1)
        right = there & (self.scores >= last - TIE)
        hits = [
            len(set(ids[good].tolist()) & set(row.tolist()))
            for ids, good, row in zip(self.ids, right, found[:, :k], strict=True)
        ]
        share = np.minimum(hits, wanted) / np.maximum(wanted, 1)
        return np.where(wanted > 0, share, 1.0)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """Of one size."""

    whole: Nearest  # of all queries
    filtered: dict[Filter, Nearest]  # of the first queries


def exact(
    vectors: Vectors, queries: Rows, sizes: Sequence[int], *, filtered: int, key: str,
    progress: Progress = lambda line: None,
) -> dict[int, Truth]:  # fmt: skip
    """The truth at each size, from the vectors' folder where it is there.

    filtered: so many of the queries are asked behind filters; key: what the queries are
    """
    paths = {size: vectors.folder / f"truth-{_digest(key)}-{size}.npz" for size in sizes}
    missing = sorted(size for size in sizes if not paths[size].exists())
    for size, truth in _compared(vectors, queries, missing, filtered, progress):
        _write(paths[size], truth)
    return {size: _read(paths[size]) for size in sizes}


def _compared(
    vectors: Vectors, queries: Rows, sizes: Sequence[int], filtered: int, progress: Progress
) -> Iterator[tuple[int, Truth]]:
    whole = Nearest.none(len(queries))
    behind = {each: Nearest.none(filtered) for each in FILTERS}
    done = 0
    for size in sizes:
        marks = vectors.marks(size)
        for ids, rows in vectors.stream(size, start=done):
            whole = whole.joined(_nearest(queries, ids, rows))
            for each in FILTERS:
                allowed = marks[ids, KINDS.index(each.kind)] < each.below
                if allowed.any():
                    near = _nearest(queries[:filtered], ids[allowed], rows[allowed])
                    behind[each] = behind[each].joined(near)
            if ids[-1] // (20 * BLOCK) != ids[0] // (20 * BLOCK) or ids[-1] + 1 == size:
                progress(f"exact search: {ids[-1] + 1:,} of {sizes[-1]:,} vectors")
        done = size
        yield size, Truth(whole, dict(behind))


def _nearest(queries: Rows, ids: Ids, rows: Rows) -> Nearest:
    import faiss

    k = min(KEPT, len(ids))
    scores, places = faiss.knn(
        queries, np.ascontiguousarray(rows), k, metric=faiss.METRIC_INNER_PRODUCT
    )
    return Nearest(ids[places], scores)


def _write(path: Path, truth: Truth) -> None:
    """All in two arrays: the whole's Q rows first, then those of each filter."""
    every = [truth.whole, *(truth.filtered[each] for each in FILTERS)]
    with whole_file(path) as file:
        np.savez(
            file,
            ids=np.concatenate([each.ids for each in every]),
            scores=np.concatenate([each.scores for each in every]),
            filtered=len(every[-1].ids),
        )


def _read(path: Path) -> Truth:
    with np.load(path, allow_pickle=False) as data:
        every, filtered = Nearest(data["ids"], data["scores"]), int(data["filtered"])
    first = len(every.ids) - filtered * len(FILTERS)
    starts = range(first, len(every.ids), filtered)
    behind = {
        each: every[start : start + filtered] for each, start in zip(FILTERS, starts, strict=True)
    }
    return Truth(every[:first], behind)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode()).hexdigest()[:12]
