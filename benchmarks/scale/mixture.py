"""Vectors drawn around real ones, any number of them, the same for the same seed.

A mixture of Gaussians, each with the spread of its own real vectors: the largest directions, and
what remains alike in all. Marks have kin (redrawn, recoloured, of one family), a Gaussian has none:
so every draw leans to a real vector of its part, by a share of which the part's mean and spread do
not depend. M: real vectors; C: parts; D: dimensions; R: directions.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput

Rows = NDArray[np.float32]

PARTS = 512  # at most
PER_PART = 150  # real vectors, or fewer parts
DIRECTIONS = 32
STEPS = 8  # of k-means
BINS = 1000  # of `Draw.place` and `Draw.lot`


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """n vectors, and two numbers of each that filters are made of."""

    rows: Rows  # (n, D) unit
    lot: NDArray[np.uint16]  # (n,) below BINS, alike for all, of nothing in the vector
    place: NDArray[np.uint16]  # (n,) below BINS; near vectors have near places


@dataclass(frozen=True, slots=True, eq=False)
class Mixture:
    real: Rows  # (M, D), sorted by part
    starts: NDArray[np.int64]  # (C + 1,): where a part begins in `real`
    means: Rows  # (C, D)
    directions: Rows  # (C, R, D), as long as the spread in them
    rest: Rows  # (C,): spread in every other direction
    order: NDArray[np.int64]  # (C,): the places of parts, drawn once

    @classmethod
    def fit(cls, rows: Rows, *, seed: int = 0) -> Mixture:
        """rows: (M, D) unit. Raises InvalidInput for fewer than 2."""
        from threadpoolctl import threadpool_limits

        if len(rows) < 2:
            raise InvalidInput(f"{len(rows)} real vectors are too few to draw others around them")
        with threadpool_limits(1):  # of matrices so small, threads do little but wait
            part = _part_of(rows, seed)
            real = rows[np.argsort(part, kind="stable")]
            sizes = np.bincount(part)
            sizes = sizes[sizes > 0]
            starts = np.concatenate([[0], np.cumsum(sizes)])
            spreads = [_spread(real[start:end]) for start, end in itertools.pairwise(starts)]
        means, directions, rest = (np.stack(each) for each in zip(*spreads, strict=True))
        order = np.random.default_rng(seed).permutation(len(sizes))
        return cls(real, starts, means, directions, rest.astype(np.float32), order)

    @property
    def parts(self) -> int:
        return len(self.means)

    @property
    def dimension(self) -> int:
        return int(self.real.shape[1])

    def draw(self, count: int, seed: tuple[int, ...], *, kinship: float) -> Draw:
        """kinship: 0: the Gaussians alone; the more, the nearer to a real vector"""
        rng = np.random.default_rng(seed)
        sizes = np.diff(self.starts)
        part = np.sort(rng.choice(self.parts, count, p=sizes / sizes.sum()))
        noise = self._noise(part, rng)
        lean = _leaning(count, kinship, rng)
        kin = self.starts[part] + (rng.random(count) * sizes[part]).astype(np.int64)
        rows = self.means[part] + lean * (self.real[kin] - self.means[part])
        rows += np.sqrt(1 - lean * lean) * noise
        rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)
        lot = rng.integers(BINS, size=count).astype(np.uint16)
        place = self._places(part, rng.random(count))
        mixed = rng.permutation(count)
        return Draw(rows[mixed].astype(np.float32), lot[mixed], place[mixed])

    def _noise(self, part: NDArray[np.int64], rng: np.random.Generator) -> Rows:
        """(n, D); part: (n,) ascending"""
        noise = rng.standard_normal((len(part), self.dimension), dtype=np.float32)
        noise *= self.rest[part, None]
        along = rng.standard_normal((len(part), self.directions.shape[1]), dtype=np.float32)
        bounds = np.searchsorted(part, np.arange(self.parts + 1))
        for number in np.unique(part):
            rows = slice(bounds[number], bounds[number + 1])
            noise[rows] += along[rows] @ self.directions[number]
        return noise

    def _places(self, part: NDArray[np.int64], within: NDArray[np.float64]) -> NDArray[np.uint16]:
        shares = np.diff(self.starts) / self.starts[-1]
        before = np.empty(self.parts)
        before[self.order] = np.cumsum(shares[self.order]) - shares[self.order]
        places = BINS * (before[part] + shares[part] * within)
        within_bins: NDArray[np.uint16] = np.minimum(places, BINS - 1).astype(np.uint16)
        return within_bins


def _leaning(count: int, kinship: float, rng: np.random.Generator) -> Rows:
    """(n, 1) from 0 to 1: the correlation of a draw with its real vector."""
    if kinship == 0:
        return np.zeros((count, 1), np.float32)
    lean = rng.random((count, 1), dtype=np.float32) ** np.float32(1 / kinship)
    return np.asarray(lean, np.float32)


def _part_of(rows: Rows, seed: int) -> NDArray[np.int64]:
    """(M,): the part of each, by k-means."""
    import faiss

    count = max(1, min(PARTS, len(rows) // PER_PART))
    kmeans = faiss.Kmeans(
        rows.shape[1], count, niter=STEPS, seed=seed, max_points_per_centroid=256,
        min_points_per_centroid=1,
    )  # fmt: skip
    rows = np.ascontiguousarray(rows)
    kmeans.train(rows)
    nearest: NDArray[np.int64] = kmeans.index.search(rows, 1)[1][:, 0]
    return nearest


def _spread(rows: Rows) -> tuple[Rows, Rows, float]:
    """Mean (D,), directions (R, D), and the deviation in each other direction."""
    mean = rows.mean(axis=0)
    away = (rows - mean) / np.sqrt(np.float32(max(len(rows) - 1, 1)))
    if len(away) < away.shape[1]:  # the same by the smaller of the two products
        values, across = np.linalg.eigh(away @ away.T)
        along = across.T @ away  # each as long as the spread in it
    else:
        values, vectors = np.linalg.eigh(away.T @ away)
        along = vectors.T * np.sqrt(np.maximum(values, 0))[:, None]
    along = along[::-1][:DIRECTIONS]
    directions = np.zeros((min(DIRECTIONS, away.shape[1]), away.shape[1]), np.float32)
    directions[: len(along)] = along[: len(directions)]
    rest = max(float((away**2).sum() - (directions**2).sum()), 0.0)
    return mean, directions, float(np.sqrt(rest / away.shape[1]))
