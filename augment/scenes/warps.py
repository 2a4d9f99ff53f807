"""From a mark's own plane to a scene: round a cylinder, in perspective, over folds.

A plane's unit is half of the mark's longer side, its origin the mark's middle. Points in a scene
are px, x before y, and the middle of the first px is (0, 0). n: points; h, w: px of a window.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]  # (n, 2)
Levels = NDArray[np.float32]  # (h, w)
Box = tuple[int, int, int, int]  # left, top, right, bottom in px of a scene

_NOWHERE = np.float32(-1e4)  # px of a layer that are none
_EDGE_ON = 0.995  # sine from which on a cylinder's surface turns away
_OUTLINE = 9  # points on each side of an outline
_OVERSHOOT = 1.3  # times: what cubic interpolation may add to a fold
_ROUNDS = 12  # a fold is undone by so many steps
_FLAT = 0.92  # the light on cloth where it is flat
_RELIEF = 1.4  # times the slope of a fold: how much lighter or darker it is


@dataclass(frozen=True, slots=True)
class Cylinder:
    half: float  # the mark's half width, or height where it lies
    arc: float  # radians from its middle to its end
    bend: float  # units by which its middle is off the line between its ends
    lies: bool  # its axis goes from left to right

    def seen(self, points: Points) -> Points:
        """Where points of the flat mark come to lie."""
        along, across = (points.T[::-1] if self.lies else points.T).copy()
        angle = np.clip(along / self.half * self.arc, -1.5, 1.5)
        there = np.sin(angle) / np.sin(self.arc) * self.half
        off = across + self.bend * (np.cos(angle) - np.cos(self.arc))
        return np.stack([off, there] if self.lies else [there, off], axis=1)

    def flat(self, x: Levels, y: Levels) -> tuple[Levels, Levels, Levels]:
        """Where seen points are on the flat mark, and how much they face the camera, 0 to 1."""
        along, across = (y, x) if self.lies else (x, y)
        sine = along * np.float32(np.sin(self.arc) / self.half)
        hidden = np.abs(sine) > _EDGE_ON
        sine = np.clip(sine, -_EDGE_ON, _EDGE_ON)
        facing = np.asarray(np.sqrt(1 - sine * sine), np.float32)
        there = np.asarray(np.arcsin(sine) * np.float32(self.half / self.arc), np.float32)
        there[hidden] = _NOWHERE
        rise = np.float32(self.bend) * (facing - np.float32(np.cos(self.arc)))
        off = np.asarray(across - rise, np.float32)
        return (off, there, facing) if self.lies else (there, off, facing)


@dataclass(frozen=True, slots=True, eq=False)
class Warp:
    matrix: NDArray[np.float64]  # (3, 3): from the plane, after the cylinder, to the scene
    cylinder: Cylinder | None = None
    folds: NDArray[np.float32] | None = None  # (rows, columns, 2): px, over a window round it all

    def forward(self, points: Points, outline: tuple[float, float]) -> Points:
        """Where points of the plane are in the scene. outline: half extents of the whole layer"""
        there = self.unfolded(points)
        if self.folds is None:
            return there
        window = self.window(outline)
        moves, found = _moves(self.folds, window), there
        for _ in range(_ROUNDS):
            found = there - _sampled(moves, found - window[:2])
        return found

    def unfolded(self, points: Points) -> Points:
        """The same without folds."""
        bent = self.cylinder.seen(points) if self.cylinder else points
        whole = np.column_stack([bent, np.ones(len(bent))]) @ self.matrix.T
        return whole[:, :2] / whole[:, 2:]

    def window(self, outline: tuple[float, float]) -> Box:
        """The px that a layer of these half extents may touch."""
        points = self.unfolded(_edge(outline))
        room = 2 + (0 if self.folds is None else _OVERSHOOT * float(np.abs(self.folds).max()))
        left, top = np.floor(points.min(axis=0) - room).astype(int).tolist()
        right, bottom = np.ceil(points.max(axis=0) + room).astype(int).tolist()
        return left, top, right + 1, bottom + 1

    def backward(self, window: Box) -> tuple[Levels, Levels, Levels | None]:
        """(h, w) each: x, y on the plane, and what a bent surface does to the light."""
        left, top, right, bottom = window
        x, y = np.meshgrid(
            np.arange(left, right, dtype=np.float32), np.arange(top, bottom, dtype=np.float32)
        )
        light = None
        if self.folds is not None:
            moves = _moves(self.folds, window)
            x, y = x + moves[..., 0], y + moves[..., 1]
            light = _folded(moves)
        x, y = self._on_plane(x, y)
        if self.cylinder is not None:
            x, y, facing = self.cylinder.flat(x, y)
            light = (np.float32(0.35) + np.float32(0.65) * facing) * (1 if light is None else light)
        return x, y, light

    def _on_plane(self, x: Levels, y: Levels) -> tuple[Levels, Levels]:
        m = np.linalg.inv(self.matrix).astype(np.float32)
        depth = m[2, 0] * x + m[2, 1] * y + m[2, 2]
        depth[np.abs(depth) < 1e-9] = 1e-9
        across = (m[0, 0] * x + m[0, 1] * y + m[0, 2]) / depth
        return across, (m[1, 0] * x + m[1, 1] * y + m[1, 2]) / depth


def corners(half: tuple[float, float]) -> Points:
    """(4, 2): of a box round the origin, clockwise from the upper left."""
    return np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * half


def sides(quad: Points) -> tuple[float, float]:
    """Width and height of (4, 2) corners, each the mean of two opposite sides."""
    lengths = np.linalg.norm(quad - np.roll(quad, -1, axis=0), axis=1)
    return float(lengths[::2].mean()), float(lengths[1::2].mean())


def _moves(folds: NDArray[np.float32], window: Box) -> NDArray[np.float32]:
    """(h, w, 2): px by which a fold moves what is seen here."""
    import cv2

    size = window[2] - window[0], window[3] - window[1]
    return np.asarray(cv2.resize(folds, size, interpolation=cv2.INTER_CUBIC), np.float32)


def _folded(moves: NDArray[np.float32]) -> Levels:
    """(h, w): the light on folds. moves: (h, w, 2)"""
    slope = np.diff(moves[..., 0], axis=1, append=moves[:, -1:, 0])
    slope += np.diff(moves[..., 1], axis=0, append=moves[-1:, :, 1])
    light = np.clip(np.float32(_FLAT) + np.float32(_RELIEF) * slope, 0.4, 1.2)
    return np.asarray(light, np.float32)


def _edge(half: tuple[float, float]) -> Points:
    """(36, 2): points along a box round the origin."""
    side = np.linspace(-1, 1, _OUTLINE)
    ends = np.ones(_OUTLINE)
    rows = np.concatenate([-ends, ends, side, side])
    return np.stack([np.concatenate([side, side, -ends, ends]), rows], axis=1) * half


def _sampled(field: NDArray[np.float32], points: Points) -> Points:
    """(n, 2): the field at points between its px."""
    import cv2

    x, y = points.astype(np.float32).T[..., None]
    found = cv2.remap(field, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(found, np.float64).reshape(-1, 2)
