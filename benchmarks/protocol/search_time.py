"""What a search can do with vectors that are already there, and what it costs.

Query views: the picture inverted, mirrored and as edges, beside itself. Blocks: the parts of its
layout, of which many a query has none; what they cost is the mean over the queries. PCA-whitening
(Jegou and Chum, ECCV 2012), learned on the collection. Alpha query expansion (Radenovic et al.,
TPAMI 2019).
Q: queries; N: gallery; D: dimensions; B: blocks of all queries.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.augment.appearance import invert
from likemark.augment.blocks import cut_blocks, find_blocks
from likemark.augment.geometry import mirror
from likemark.augment.pixels import Pixels
from likemark.benchmarks.encoders import Encoder, Rows
from likemark.benchmarks.metrics.bootstrap import Interval, bootstrap
from likemark.benchmarks.metrics.figures import Values
from likemark.benchmarks.metrics.measures import PerQuery, per_query
from likemark.benchmarks.metrics.scored import rank_blocks
from likemark.benchmarks.protocol.retrieval import judged
from likemark.benchmarks.protocol.run import Gallery
from likemark.retrieval.results import BLOCK_WEIGHT

ALPHA = 3.0
WEIGHTS = (1.0, BLOCK_WEIGHT)  # of a block's similarity beside the whole picture's
EXPANSIONS = (1, 3)
_BLOCK = 128  # queries scored at once
_LEAST = 1e-6  # of the largest variance: directions of less are dropped


@dataclass(frozen=True, slots=True)
class Way:
    name: str
    pictures: float  # that go through the network for one query, on average
    searches: float  # of the index for one query, on average
    seconds: float  # for one query's comparison with the whole gallery, on average
    map: float
    r_at_1: float
    gain: Interval  # of mAP over the first way, query by query; without it where 0 is inside


@dataclass(frozen=True, slots=True)
class SearchTime:
    queries: int
    distractors: int
    ways: tuple[Way, ...]  # the first: nothing added


Scores = Callable[[slice], Rows]  # queries to their (q, N) scores


def edges(pixels: Pixels) -> Pixels:
    """Dark outlines on white."""
    import cv2

    gradient = cv2.morphologyEx(pixels, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    strongest = np.asarray(gradient).max(axis=2, keepdims=True)
    return np.repeat(255 - strongest, 3, axis=2)


VIEWS: dict[str, Callable[[Pixels], Pixels]] = {
    "inverted": invert,
    "mirrored": mirror,
    "edges": edges,
}


@dataclass(frozen=True, slots=True)
class Plan:
    name: str
    pictures: float
    searches: float
    scores: Scores


def run_search_time(gallery: Gallery, model: Encoder) -> SearchTime:
    """Every way on the same vectors; its gain with an interval over the marks."""
    ways: list[Way] = []
    first: Values | None = None
    for plan in _plans(gallery, model):
        each, seconds = _measured(gallery, plan.scores)
        first = each.ap if first is None else first
        gallery.progress(f"{plan.name}: mAP {each.ap.mean():.3f}")
        ways.append(
            Way(
                name=plan.name,
                pictures=plan.pictures,
                searches=plan.searches,
                seconds=seconds,
                map=float(each.ap.mean()),
                r_at_1=float(each.hit_rate_at[1].mean()),
                gain=bootstrap(each.ap - first, gallery.benchmark.groups),
            )
        )
    count = len(gallery.benchmark.groups)
    return SearchTime(count, gallery.benchmark.distractors, tuple(ways))


def _plans(gallery: Gallery, model: Encoder) -> Iterator[Plan]:
    rows = np.asarray(gallery.rows(model))
    count = len(gallery.benchmark.groups)
    queries = rows[:count]
    yield Plan("as it is", 1, 1, _plain(rows, count))
    views = {name: _encoded(gallery, model, view) for name, view in VIEWS.items()}
    for names in (("inverted",), ("mirrored",), ("edges",), tuple(VIEWS)):
        asked = [queries, *(views[name] for name in names)]
        label = " and ".join(names)
        yield Plan(f"mean with {label}", len(asked), 1, _mean(asked, rows))
        yield Plan(f"best of it and {label}", len(asked), len(asked), _best(asked, rows))
    yield from _block_plans(gallery, model, rows)
    enough = gallery.benchmark.distractors > rows.shape[1]  # to tell all directions
    for dimension in sorted({rows.shape[1], rows.shape[1] // 2}, reverse=True) if enough else ():
        white = whitened(rows, rows[count:], dimension)
        yield Plan(f"PCA-whitening to {dimension}", 1, 1, _plain(white, count))
    for most in EXPANSIONS:
        label = f"query expansion, {most} best, alpha {ALPHA:g}"
        yield Plan(label, 1, 2, _expanded(rows, count, most))


def _encoded(gallery: Gallery, model: Encoder, view: Callable[[Pixels], Pixels]) -> Rows:
    pictures = gallery.benchmark.pictures
    count = len(gallery.benchmark.groups)
    return np.stack(list(model.encode(view(pictures[n]) for n in range(count))))


def _block_plans(gallery: Gallery, model: Encoder, rows: Rows) -> Iterator[Plan]:
    count = len(gallery.benchmark.groups)
    owners: list[int] = []
    blocks = list(model.encode(_cut_out(gallery, owners)))
    if not blocks:
        return
    each = 1 + round(len(blocks) / count, 2)
    for weight in WEIGHTS:
        label = "best of it and its blocks" + (f", these times {weight:g}" if weight != 1 else "")
        scores = with_blocks(rows, count, np.stack(blocks), np.array(owners), weight)
        yield Plan(label, each, each, scores)


def _cut_out(gallery: Gallery, owners: list[int]) -> Iterator[Pixels]:
    """The blocks of every query; the query that each is of goes into `owners`."""
    for query in range(len(gallery.benchmark.groups)):
        pixels = gallery.benchmark.pictures[query]
        for block in cut_blocks(pixels, find_blocks(pixels)):
            owners.append(query)
            yield block


def with_blocks(
    rows: Rows, count: int, blocks: Rows, owners: NDArray[np.int64], weight: float
) -> Scores:
    """The best of the whole and of its blocks. blocks: (B, D); owners: (B,), ascending"""

    def scores(part: slice) -> Rows:
        found = rows[:count][part] @ rows.T
        first, end = np.searchsorted(owners, (part.start, part.stop))
        parts = weight * (blocks[first:end] @ rows.T)
        for owner, found_by in zip(owners[first:end] - part.start, parts, strict=True):
            np.maximum(found[owner], found_by, out=found[owner])
        return found

    return scores


def _plain(rows: Rows, count: int) -> Scores:
    return lambda part: rows[:count][part] @ rows.T


def _mean(asked: Sequence[Rows], rows: Rows) -> Scores:
    together = _unit(np.sum(asked, axis=0))
    return lambda part: together[part] @ rows.T


def _best(asked: Sequence[Rows], rows: Rows) -> Scores:
    return lambda part: np.maximum.reduce([each[part] @ rows.T for each in asked])


def whitened(rows: Rows, sample: Rows, dimension: int) -> Rows:
    """(N, dimension) unit rows along the sample's main directions, each of the same variance.

    rows: (N, D); sample: (M, D), M above D
    """
    middle = sample.mean(axis=0)
    values, vectors = np.linalg.eigh(np.cov((sample - middle).T.astype(np.float64)))
    order = np.argsort(-values)[:dimension]
    order = order[values[order] > _LEAST * values.max()]
    return _unit((rows - middle) @ (vectors[:, order] / np.sqrt(values[order])).astype(np.float32))


def _expanded(rows: Rows, count: int, most: int) -> Scores:
    """Each query moved towards its best hits, weighted by a power of their similarity."""

    def scores(part: slice) -> Rows:
        asked = rows[:count][part]
        first = asked @ rows.T
        first[np.arange(len(asked)), np.arange(count)[part]] = -np.inf  # itself is no hit
        best = np.argpartition(-first, most, axis=1)[:, :most]
        weights = np.clip(np.take_along_axis(first, best, axis=1), 0, None) ** ALPHA
        moved = asked + np.einsum("qk,qkd->qd", weights, rows[best])
        return _unit(moved) @ rows.T

    return scores


def _unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


def _measured(gallery: Gallery, scores: Scores) -> tuple[PerQuery, float]:
    """Figures of each query, and seconds that one took on average."""
    groups = gallery.benchmark.groups
    relevant, own = judged(gallery.benchmark)
    spent = [0.0]

    def blocks() -> Iterator[tuple[slice, Rows]]:
        for start in range(0, len(groups), _BLOCK):
            part = slice(start, min(start + _BLOCK, len(groups)))
            began = time.perf_counter()
            found = scores(part)
            spent[0] += time.perf_counter() - began
            yield part, found

    each = per_query(rank_blocks(blocks(), relevant, own), k=(1,))
    return each, spent[0] / len(groups)
