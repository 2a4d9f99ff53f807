"""How a mark lies, and a place for it that is free. H, W: px of a scene; units as in warps."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.augment.scenes.recipe import Pose
from likemark.augment.scenes.warps import Box, Cylinder, Warp, corners, sides
from likemark.augment.tables import Range

Half = tuple[float, float]  # units: half a width, half a height
Matrix = NDArray[np.float64]  # (3, 3)

_TRIES = 8  # places at one size
_LAST_TRIES = 200  # at the smallest
_SMALLER = 0.75  # times the size, after so many tries
_FOLDS = (4, 7)  # points across folds, by which they are drawn
_ALONG = (2, 3)  # points along them
_BEND = (-0.35, 0.35)  # units
_MOST_HIDDEN = 0.4  # of the smaller of two marks' boxes, where they may overlap


@dataclass(frozen=True, slots=True, eq=False)
class Lie:
    """A pose without its place: `turn` makes the quad's longer side 1 px."""

    turn: Matrix
    half: Half
    longer: float  # times the quad's shorter side
    cylinder: Cylinder | None = None
    folds: NDArray[np.float32] | None = None  # (rows, columns, 2): shares of the size

    def at(self, x: float, y: float, size: float) -> Warp:
        """With its middle at x, y, and a longer side of that many px."""
        place = np.array([[size, 0, x], [0, size, y], [0, 0, 1.0]])
        folds = None if self.folds is None else self.folds * np.float32(size)
        return Warp(place @ self.turn, self.cylinder, folds)


def draw_lie(rng: np.random.Generator, pose: Pose, half: Half) -> Lie:
    turn = _turned(_angle(rng, pose))
    if rng.random() < pose.perspective:
        turn = turn @ _leant(rng, pose)
    width, height = sides(Warp(turn).unfolded(corners(half)))
    one = np.diag([1 / max(width, height)] * 2 + [1.0])
    cylinder = _cylinder(rng, pose, half) if rng.random() < pose.cylinder else None
    folds = _folds(rng, pose) if rng.random() < pose.cloth else None
    return Lie(one @ turn, half, max(width, height) / min(width, height), cylinder, folds)


def draw_size(rng: np.random.Generator, pose: Pose, lie: Lie, shorter: int) -> float:
    """px: log-uniform, and larger where it would be too thin. shorter: px of the scene's side"""
    low, high = pose.least, max(pose.least, pose.most * shorter)
    size = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return min(max(size, pose.thinnest * lie.longer), high)


def find_place(
    rng: np.random.Generator,
    lie: Lie,
    size: float,
    scene: tuple[int, int],
    taken: Sequence[Box],
    *,
    outline: Half,
    least: float,
    outside: float = 0.0,
    overlap: bool = False,
) -> Warp | None:
    """A warp whose layer touches no other; smaller where there is no room, None below `least`.

    scene: H, W; outline: half extents of the layer; outside: share that the scene's edge cuts off
    """
    while True:
        there = lie.at(0, 0, size)
        own, whole = there.window(lie.half), there.window(outline)
        last = size <= least
        for _ in range(_LAST_TRIES if last else _TRIES):
            spot = _somewhere(rng, own, scene, outside)
            if spot is None:
                break
            box = moved(whole, *spot)
            if not any(_clash(box, other, overlap) for other in taken):
                return lie.at(*spot, size)
        if last:
            return None
        size = max(least, size * _SMALLER)


def moved(box: Box, across: int, down: int) -> Box:
    return box[0] + across, box[1] + down, box[2] + across, box[3] + down


def _somewhere(
    rng: np.random.Generator, box: Box, scene: tuple[int, int], outside: float
) -> tuple[int, int] | None:
    """px to move a box by, into the scene or partly out on one side; None where it does not fit."""
    left, top, right, bottom = box
    spans = [(-left, scene[1] - right), (-top, scene[0] - bottom)]
    if any(low > high for low, high in spans):
        return None
    spot = [int(rng.integers(low, high, endpoint=True)) for low, high in spans]
    if outside:
        axis, far = int(rng.integers(2)), int(rng.integers(2))
        length = (right - left, bottom - top)[axis]
        spot[axis] = spans[axis][far] + round(outside * length * (1 if far else -1))
    return spot[0], spot[1]


def _clash(one: Box, other: Box, overlap: bool) -> bool:
    """Whether two boxes touch; where they may, whether they hide too much of one another."""
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    if across <= 0 or down <= 0:
        return False
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return not overlap or across * down > _MOST_HIDDEN * min(areas)


def _angle(rng: np.random.Generator, pose: Pose) -> float:
    """Radians."""
    if rng.random() < pose.free:
        return float(rng.uniform(0, 2 * np.pi))
    if rng.random() < pose.tilt:
        return _within(rng, pose.degrees, np.pi / 180) * float(rng.choice((-1, 1)))
    return 0.0


def _turned(angle: float) -> Matrix:
    cosine, sine = np.cos(angle), np.sin(angle)
    return np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1.0]])


def _leant(rng: np.random.Generator, pose: Pose) -> Matrix:
    """A plane turned away from a pinhole camera about a random line through its middle."""
    away, line = _within(rng, pose.away, np.pi / 180), float(rng.uniform(0, 2 * np.pi))
    x, y = np.cos(line), np.sin(line)
    cosine, sine = np.cos(away), np.sin(away)
    far = 2 * _within(rng, pose.distance)
    shrink = 1 - cosine
    return np.array(
        [
            [cosine + x * x * shrink, x * y * shrink, 0],
            [x * y * shrink, cosine + y * y * shrink, 0],
            [-y * sine / far, x * sine / far, 1],
        ]
    )


def _cylinder(rng: np.random.Generator, pose: Pose, half: Half) -> Cylinder:
    lies = bool(rng.random() < 0.3)
    arc = _within(rng, pose.arc, np.pi / 180)
    return Cylinder(half[1] if lies else half[0], arc, _within(rng, _BEND), lies)


def _folds(rng: np.random.Generator, pose: Pose) -> NDArray[np.float32]:
    """(rows, columns, 2): smooth, mostly upright or mostly level, and nowhere more than drawn."""
    across, along = (int(rng.integers(*each, endpoint=True)) for each in (_FOLDS, _ALONG))
    shape = (along, across) if rng.random() < 0.5 else (across, along)
    moves = rng.uniform(-1, 1, (*shape, 2)) * _within(rng, pose.fold)
    return moves.astype(np.float32)


def _within(rng: np.random.Generator, bounds: Range, unit: float = 1.0) -> float:
    return float(rng.uniform(*bounds)) * unit
