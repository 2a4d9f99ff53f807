"""Which drawings are copies of each other, by their signatures. N drawings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

# Correlation of shape or of shading from which two drawings of one brand are one artwork; found by
# looking at 200 pairs: above it lie recolourings and new line widths, below it other drawings.
SAME_ARTWORK = 0.90
# A silhouette that fills more of its square is a plate: what tells marks apart is on it.
_PLATE = 0.70
_INK = 127
_BITS = 2048  # px of both planes
_EMPTY = 1e-6
_BLOCK = 2048


@dataclass(frozen=True, slots=True, eq=False)
class Descriptors:
    shape: NDArray[np.float32]  # (N, 1024) zero-mean unit rows of the silhouettes, plates' are 0
    shading: NDArray[np.float32]  # (N, 1024) zero-mean unit rows of the luminance

    @classmethod
    def of(cls, signatures: NDArray[np.uint8]) -> Self:
        """signatures: (N, 2, 32, 32), as `render.signature` gives them."""
        shape, shading = (_unit_rows(signatures[:, i]) for i in (0, 1))
        shape[(signatures[:, 0] > _INK).mean(axis=(1, 2)) > _PLATE] = 0
        return cls(shape, shading)

    def likeness(self, other: Descriptors) -> NDArray[np.float32]:
        """How far two sets of drawings are the same artwork, whatever its colours.

        other: M drawings
        result: (N, M): the greater of the correlation of shapes and the absolute one of shadings,
        for black on white and white on black are one drawing
        """
        shading = self.shading @ other.shading.T
        np.abs(shading, out=shading)
        np.maximum(shading, self.shape @ other.shape.T, out=shading)
        return shading


def clusters(signatures: NDArray[np.uint8], *, threshold: float = SAME_ARTWORK) -> list[list[int]]:
    """Sets of copies by single linkage: greatest first, each in the order given.

    signatures: (N, 2, 32, 32)
    """
    found = Descriptors.of(signatures)
    linked = found.likeness(found) >= threshold
    groups: list[list[int]] = []
    left = list(range(len(signatures)))
    while left:
        group = _reach(linked, left[0])
        groups.append(group)
        left = [i for i in left if i not in set(group)]
    return sorted(groups, key=lambda group: (-len(group), group))


def _reach(linked: NDArray[np.bool_], start: int) -> list[int]:
    seen = np.zeros(len(linked), bool)
    seen[start] = True
    while (grown := linked[seen].any(axis=0) | seen).sum() > seen.sum():
        seen = grown
    return [int(i) for i in np.flatnonzero(seen)]


def distinct(signatures: NDArray[np.uint8], *, tolerance: int) -> NDArray[np.bool_]:
    """True for each drawing that is no near-copy of a kept one before it.

    signatures: (N, 2, 32, 32)
    tolerance: how many of the 2,048 bits of silhouette and shading may differ in a near-copy
    result: (N,)
    """
    bits = np.packbits(signatures.reshape(-1, _BITS) > _INK, axis=1)
    pairs = _near_pairs(bits, tolerance)
    later, earlier = pairs.max(axis=1), pairs.min(axis=1)
    keep = np.ones(len(bits), bool)
    for i in np.argsort(later, kind="stable"):
        keep[later[i]] &= not keep[earlier[i]]
    return keep


def _near_pairs(bits: NDArray[np.uint8], tolerance: int) -> NDArray[np.int64]:
    """Pairs of rows that differ in `tolerance` bits at most: (P, 2), each pair once."""
    import faiss

    lit = np.bitwise_count(bits).sum(axis=1, dtype=np.int64)
    order = np.argsort(lit, kind="stable")
    bits, lit = bits[order], lit[order]
    pairs = [np.empty((0, 2), np.int64)]
    for start in range(0, len(bits), _BLOCK):
        end = min(start + _BLOCK, len(bits))
        # Rows whose counts of lit bits differ by more cannot be near: most are never compared.
        last = int(np.searchsorted(lit, lit[end - 1] + tolerance, side="right"))
        index = faiss.IndexBinaryFlat(bits.shape[1] * 8)
        index.add(bits[start:last])
        limits, _, found = index.range_search(bits[start:end], tolerance + 1)
        rows = np.repeat(np.arange(end - start), np.asarray(limits[1:] - limits[:-1], np.int64))
        once = found > rows
        pairs.append(order[start + np.stack((rows[once], found[once]), axis=1)])
    return np.concatenate(pairs)


def near_copies(
    signatures: NDArray[np.uint8], of: NDArray[np.uint8], *, threshold: float = SAME_ARTWORK
) -> NDArray[np.bool_]:
    """True for each drawing that is the same artwork as one of the others.

    signatures: (N, 2, 32, 32); of: (M, 2, 32, 32)
    result: (N,)
    """
    others = Descriptors.of(of)
    found = np.zeros(len(signatures), bool)
    for start in range(0, len(signatures), _BLOCK):
        rows = Descriptors.of(signatures[start : start + _BLOCK])
        found[start : start + _BLOCK] = (rows.likeness(others) >= threshold).any(axis=1)
    return found


def _unit_rows(planes: NDArray[np.uint8]) -> NDArray[np.float32]:
    rows = planes.reshape(len(planes), -1).astype(np.float32)
    rows -= rows.mean(axis=1, keepdims=True)
    rows /= np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), _EMPTY)
    return rows
