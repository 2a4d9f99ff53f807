"""Real embeddings split into those that vectors are drawn around and those that ask.

A query is a held-out embedding moved as far as two drawings of one mark are apart, in a direction
in which two such drawings differ. M: real vectors; Q: queries; D: dimensions.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.embedded import Progress, embedded
from likemark.benchmarks.encoders import Encoder
from likemark.benchmarks.scale.mixture import Rows
from likemark.db.errors import InvalidInput

HELD_OUT = 2000  # at most
_APART = 0.8  # cosine of two drawings where the data has no pair


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    known: Rows  # (M, D) unit: vectors are drawn around these
    held_out: Rows  # (H, D) unit
    differences: Rows  # (P, D): of one drawing to the nearest other drawing of its mark
    cosines: NDArray[np.float32]  # (P,): of those two
    digest: str  # of all of it

    @classmethod
    def of(cls, rows: Rows, groups: NDArray[np.int64], *, seed: int = 0) -> Material:
        """rows: the drawings with a group first, as in `OpenBenchmark`; groups: (G,).

        Raises InvalidInput where too few have none.
        """
        others = np.asarray(rows[len(groups) :], np.float32)
        if len(others) < 8:
            raise InvalidInput(f"scale: {len(others)} pictures of no group are too few; give more")
        mixed = others[np.random.default_rng(seed).permutation(len(others))]
        held = min(HELD_OUT, len(others) // 5)
        differences, cosines = _pairs(np.asarray(rows[: len(groups)], np.float32), groups)
        digest = hashlib.sha256(others.tobytes() + differences.tobytes() + bytes([seed]))
        return cls(mixed[held:], mixed[:held], differences, cosines, digest.hexdigest())

    def queries(self, count: int, *, seed: int = 0) -> Rows:
        """(Q, D) unit, none of them a real vector."""
        rng = np.random.default_rng((seed, 2))
        base = self.held_out[np.arange(count) % len(self.held_out)]
        pair = rng.integers(max(len(self.differences), 1), size=(2, count))
        if len(self.differences):
            away = self.differences[pair[0]] * rng.choice([-1, 1], (count, 1))
            near = np.clip(self.cosines[pair[1]], 0, 1)[:, None]
        else:
            away = rng.standard_normal(base.shape)
            near = np.full((count, 1), _APART)
        away = away - (away * base).sum(axis=1, keepdims=True) * base
        away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
        asked = near * base + np.sqrt(1 - near * near) * away
        asked /= np.linalg.norm(asked, axis=1, keepdims=True)
        return np.asarray(asked, np.float32)


def read_material(
    benchmark: OpenBenchmark, encoder: Encoder, cache: Path, *, progress: Progress
) -> Material:
    """Embeds what is not in the cache. Raises as `embedded` and `Material.of`."""
    rows = embedded(encoder, benchmark.pictures, cache, data=benchmark.data, progress=progress)
    return Material.of(rows, benchmark.groups)


def _pairs(rows: Rows, groups: NDArray[np.int64]) -> tuple[Rows, NDArray[np.float32]]:
    """Of each drawing with another in its group: the way to the nearest of them, and its cosine."""
    alike = rows @ rows.T
    alike[groups[:, None] != groups[None]] = -2
    np.fill_diagonal(alike, -2)
    nearest = alike.argmax(axis=1) if len(rows) else np.empty(0, np.int64)
    cosine = alike[np.arange(len(rows)), nearest]
    there = cosine > -2
    return rows[nearest[there]] - rows[there], cosine[there]
