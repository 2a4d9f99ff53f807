"""Places as the one-shot network finds them, with the px that are the mark's: what a tracer learns.

How the network would have found a place is made up from its true mask: coarse, with gaps filled
and parts lost, in a box that is somewhat off.

N: places; S: px of the square that a place is seen in.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from likemark.augment.scenes.recipe import SCENE_RECIPES
from likemark.augment.scenes.scene import enclosed, make_scene
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.regions import Box
from likemark.retrieval.oneshot.tracer import ROUND, SIDE
from likemark.retrieval.oneshot.tracing import seen_through, window_round
from likemark.retrieval.oneshot.training.config import SceneBatch
from likemark.retrieval.oneshot.training.material import Material
from likemark.retrieval.oneshot.training.sampling import size_of_scenes
from likemark.retrieval.training.task import Share

Pixels = NDArray[np.uint8]
Plane = NDArray[np.uint8]
Trace = tuple[Pixels, Plane, Plane]  # as in an item of `Traces`, without N
COVERED = 128  # of 255: coverage from which a px is the mark's
_VISIBLE = 0.25  # share of a mark that is seen, at least
_TURNS = 50  # batches without a mark, after which there will be none
_LEAST = 6  # px: the shorter side of a place, at least
_OFF = 0.14  # of a place's sides: how far each edge of its box is off, at most
_FAR = 0.3  # chance: twice as far
# A mask as it may be found, in places of a coarse grid:
_GRID = (4, 13)  # px of the square that are one place
_SOFT = (0.3, 1.6)  # places by which it is blurred
_NOISE = (0.0, 0.25)  # how much it is wrong, and
_WIDE = (0.6, 2.0)  # places that are wrong together
_CUT = (0.15, 0.6)  # coverage from which a place is in it
_HULL, _BOX, _LOST = 0.15, 0.1, 0.2  # chances: its hull, its whole box, or a piece is lost
_PIECE = (10, 50)  # px each way
_INNER = slice(round(SIDE * ROUND / (1 + 2 * ROUND)), round(SIDE * (1 + ROUND) / (1 + 2 * ROUND)))


@dataclass(slots=True)
class Traces(Dataset[tuple[torch.Tensor, ...]]):
    """Item n: places (N, S, S, 3), their masks as found (N, S, S), and the true ones (N, S, S), all
    uint8; 255 where the mark covers all of a px.

    N differs from item to item.
    """

    material: Material
    batch: SceneBatch
    seed: int
    share: Share = field(default_factory=Share)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, ...]:
        size = size_of_scenes(np.random.default_rng([self.seed, step]), self.batch, 1)
        for turn in range(_TURNS):  # all scenes of a batch may be empty
            found: list[Trace] = []
            for number in range(self.share.rank, 2 * self.batch.pairs, self.share.world):
                found += self._scene(np.random.default_rng([self.seed, step, number, turn]), size)
            if found:
                return tuple(torch.from_numpy(np.stack(part)) for part in zip(*found, strict=True))
        raise InvalidInput(
            f"{_TURNS} batches of scenes show no mark of {_LEAST} px: give larger scenes "
            f"(batch.size is {self.batch.size} px)"
        )

    def _scene(self, rng: np.random.Generator, size: tuple[int, int]) -> Iterator[Trace]:
        material, batch = self.material, self.batch
        count = int(rng.integers(1, batch.marks + 1))
        drawn = (material.draw(rng, brands=batch.brands, redrawn=0.0) for _ in range(count))
        marks = [material.mark(drawing) for drawing, _ in drawn]
        scene = make_scene(material.photo(rng), marks, rng, SCENE_RECIPES[batch.recipe], size=size)
        for placed in scene.placed:
            truth = enclosed(placed.mask)
            box = _box(truth)
            if box is not None and placed.visible >= _VISIBLE:
                yield trace(scene.pixels, truth, box, rng)


def trace(scene: Pixels, truth: Plane, box: Box, rng: np.random.Generator) -> Trace:
    """A place as it may be found. scene: (H, W, 3); truth: (H, W); box: px of what it covers"""
    left, top, right, bottom = box
    off = rng.uniform(-_OFF, _OFF, 4) * (2 if rng.random() < _FAR else 1)
    x, y = right - left, bottom - top
    moved = np.rint(np.array(box) + off * (x, y, x, y)).astype(int).tolist()
    window = window_round((moved[0], moved[1], moved[2], moved[3]))
    shown, mask = seen_through(window, scene), seen_through(window, truth, blank=True)
    return shown, as_found(mask, rng), mask


def as_found(mask: Plane, rng: np.random.Generator) -> Plane:
    """(S, S), 0 or 255: how the one-shot network might have it. mask: (S, S), 0 to 255"""
    places = SIDE // int(rng.integers(*_GRID)) + 1
    shares = cv2.resize(mask, (places, places), interpolation=cv2.INTER_AREA)
    grid = _soft(np.asarray(shares, np.float32) / np.float32(255), float(rng.uniform(*_SOFT)))
    white = np.asarray(rng.normal(0, 1, (places, places)), np.float32)
    noise = _soft(white, float(rng.uniform(*_WIDE)))
    grid += noise / (float(noise.std()) + 1e-6) * float(rng.uniform(*_NOISE))
    fine = cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    found: Plane = np.where(fine > rng.uniform(*_CUT), np.uint8(255), np.uint8(0))
    shape = rng.random()
    if shape < _HULL and found.any():
        hull = cv2.convexHull(cv2.findNonZero(found))
        found = np.asarray(cv2.fillConvexPoly(np.zeros_like(found), hull, (255,)), np.uint8)
    elif _HULL <= shape < _HULL + _BOX:
        found[:] = 0
        found[_INNER, _INNER] = 255
    if rng.random() < _LOST:
        tall, wide = (int(side) for side in rng.integers(*_PIECE, 2))
        top, left = int(rng.integers(SIDE - tall)), int(rng.integers(SIDE - wide))
        found[top : top + tall, left : left + wide] = 0
    return found


def _soft(grid: NDArray[np.float32], places: float) -> NDArray[np.float32]:
    return np.asarray(cv2.GaussianBlur(grid, (0, 0), places), np.float32)


def _box(truth: Plane) -> Box | None:
    """None of what is too small."""
    rows, columns = (np.flatnonzero((truth >= COVERED).any(axis=axis)) for axis in (1, 0))
    if not len(rows) or min(np.ptp(rows), np.ptp(columns)) + 1 < _LEAST:
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
