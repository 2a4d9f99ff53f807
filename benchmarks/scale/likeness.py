"""How like the real ones drawn vectors are: how near the nearest are, and in how many directions.

The local intrinsic dimension is that of Amsaleg et al., "Estimating local intrinsic
dimensionality", KDD 2015: the higher, the harder for an approximate index. Q: queries; K:
neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.mixture import Mixture, Rows

KINSHIPS = (0.0, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
CUTS = (5, 50, 95)  # percentiles
_FORETOLD = 8  # so many vectors are foretold from each
_PART = 20_000  # vectors drawn at once
_QUERIES = 400
_RANKS = (1, 10, 100)
_LEAST = 1e-6  # a distance of none would be infinitely near


@dataclass(frozen=True, slots=True)
class Likeness:
    """Of one gallery; each: percentiles as CUTS, over queries."""

    gallery: str  # what the vectors are
    vectors: int
    first: tuple[float, ...]  # cosine of the nearest
    tenth: tuple[float, ...]
    hundredth: tuple[float, ...]
    dimension: tuple[float, ...]  # local, intrinsic; over the 100 nearest


def likeness(gallery: str, vectors: int, scores: Rows) -> Likeness:
    """scores: (Q, K) cosines of the nearest, best first"""
    first, tenth, last = (_cuts(scores[:, min(rank, scores.shape[1]) - 1]) for rank in _RANKS)
    dimension = _cuts(local_dimension(scores[:, : _RANKS[-1]]))
    return Likeness(gallery, vectors, first, tenth, last, dimension)


def local_dimension(scores: Rows) -> Rows:
    """(Q,), by maximum likelihood. scores: (Q, K) cosines, best first, K of 2 or more"""
    away = np.sqrt(np.maximum(2 - 2 * scores.astype(np.float64), _LEAST**2))
    logs = np.log(away[:, :-1] / away[:, -1:]).mean(axis=1)
    found: Rows = (-1 / np.minimum(logs, -_LEAST)).astype(np.float32)
    return found


def calibrated(
    material: Material, *, seed: int = 0, progress: Progress = lambda line: None
) -> tuple[float, tuple[Likeness, Likeness]]:
    """The kinship of KINSHIPS that foretells the real vectors best from an eighth of them.

    So drawing many around few is what is judged: copies of the few would be found too near.
    Returns what the real ones are like, too, and what was drawn of their number.
    """
    count = len(material.known)
    few = Mixture.fit(material.known[: max(count // _FORETOLD, 2)], seed=seed)
    queries = material.queries(_QUERIES, seed=seed)
    real = _scores(queries, material.known)
    found: list[tuple[float, float, Likeness]] = []
    for number, kinship in enumerate(KINSHIPS):
        scores = drawn_scores(few, queries, count, (seed, 3, number), kinship)
        drawn = likeness(f"drawn around {len(few.real):,} of them", count, scores)
        found.append((_apart(real, scores), kinship, drawn))
        progress(f"kinship {kinship:g}: cosines are {found[-1][0]:.4f} off")
    _, kinship, best = min(found, key=lambda each: each[0])
    return kinship, (likeness("real", count, real), best)


def compared(mixture: Mixture, material: Material, kinship: float, *, seed: int = 0) -> Likeness:
    """As many drawn vectors as there are real ones, around all of these."""
    count = len(material.known)
    queries = material.queries(_QUERIES, seed=seed)
    scores = drawn_scores(mixture, queries, count, (seed, 4), kinship)
    return likeness("drawn around all", count, scores)


def drawn_scores(
    mixture: Mixture, queries: Rows, count: int, seed: tuple[int, ...], kinship: float
) -> Rows:
    """(Q, K) cosines of the nearest of `count` drawn vectors, best first"""
    best = np.empty((len(queries), 0), np.float32)
    for number, start in enumerate(range(0, count, _PART)):
        size = min(_PART, count - start)
        drawn = mixture.draw(size, (*seed, number), kinship=kinship)
        joined = np.concatenate([best, _scores(queries, drawn.rows)], axis=1)
        best = -np.sort(-joined, axis=1)[:, : _RANKS[-1]]
    return best


def _apart(real: Rows, drawn: Rows) -> float:
    """Mean difference of the ordered cosines, over the three ranks."""
    ranks = [min(rank, real.shape[1]) - 1 for rank in _RANKS]
    difference = np.sort(real[:, ranks], axis=0) - np.sort(drawn[:, ranks], axis=0)
    return float(np.abs(difference).mean())


def _scores(queries: Rows, rows: Rows) -> Rows:
    import faiss

    rows = np.ascontiguousarray(rows.astype(np.float16), np.float32)
    k = min(_RANKS[-1], len(rows))
    scores: Rows = faiss.knn(queries, rows, k, metric=faiss.METRIC_INNER_PRODUCT)[0]
    return scores


def _cuts(values: Rows) -> tuple[float, ...]:
    return tuple(round(float(value), 4) for value in np.percentile(values, CUTS))
