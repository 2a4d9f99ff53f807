"""Scenes and the questions that are asked in them, each batch a function of the seed and its step.

Scenes come in pairs that show the same marks, on other photos, in other poses, and sometimes as
other drawings: a query is a clean drawing, or a crop from the other scene of the pair. Each scene
is asked for marks in it, for as many or more that are not (look-alikes, marks of other pairs), and
once for any mark at all.

B: scenes; Q: queries; A: questions; H, W: px of a scene; S: of a query; h, w: H / 4, W / 4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import Dataset

from likemark.augment.scenes.decoys import disguised
from likemark.augment.scenes.recipe import SCENE_RECIPES
from likemark.augment.scenes.scene import Placed, make_scene
from likemark.augment.scenes.snapshot import box_of
from likemark.retrieval.oneshot.network import STRIDE
from likemark.retrieval.oneshot.training.config import SceneBatch
from likemark.retrieval.oneshot.training.material import Material
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.task import Share

Pixels = NDArray[np.uint8]
Plane = NDArray[np.uint8]
ANY = -1  # in place of a query's number: any mark
_ASPECT = 4 / 3  # of a scene, at most
_LEAST = 20  # px: the shorter side of a crop that is asked with
_SEEN = 0.5  # share of a mark that a crop shows, at least
_LOOSE = 0.12  # of a crop's sides: how far it may be off, each


@dataclass(slots=True, eq=False)
class _Shown:
    """One scene on its way into a batch."""

    pixels: Pixels  # (H, W, 3)
    masks: dict[int, Plane]  # by group: (h, w)
    drawings: list[int]  # that were meant to be in it, its own marks
    decoy: int | None = None  # a drawing like one of them that is in it, disguised
    crops: dict[int, Pixels] = field(default_factory=dict)  # by group: (S, S, 3)


@dataclass(slots=True)
class Questions(Dataset[tuple[torch.Tensor, ...]]):
    """Item n: scenes (B, H, W, 3) uint8; queries (Q, S, S, 3) uint8; questions (A, 2) int64, the
    numbers of scene and query, or `ANY`; targets (A, h, w) uint8, 255 where the mark covers all."""

    material: Material
    batch: SceneBatch
    seed: int
    query: int  # S
    step: int  # px: a scene's sides are multiples of it
    share: Share = field(default_factory=Share)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, ...]:
        size = size_of_scenes(np.random.default_rng([self.seed, step]), self.batch, self.step)
        numbers = range(self.share.rank, self.batch.pairs, self.share.world)
        pairs = [self._pair(np.random.default_rng([self.seed, step, n]), size) for n in numbers]
        rng = np.random.default_rng([self.seed, step, self.batch.pairs + self.share.rank])
        return self._asked(pairs, rng)

    def _pair(self, rng: np.random.Generator, size: tuple[int, int]) -> tuple[_Shown, _Shown]:
        count = int(rng.integers(1, self.batch.marks + 1))
        mix = {"brands": self.batch.brands, "redrawn": self.batch.redrawn}
        drawn = [self.material.draw(rng, **mix) for _ in range(count)]
        return (
            self._scene([first for first, _ in drawn], rng, size),
            self._scene([second for _, second in drawn], rng, size),
        )

    def _scene(
        self, drawings: list[int], rng: np.random.Generator, size: tuple[int, int]
    ) -> _Shown:
        material = self.material
        there = [] if rng.random() < self.batch.empty else drawings
        marks = [material.mark(drawing) for drawing in there]
        groups = [material.group_of(drawing) for drawing in there]
        other = None
        if there and rng.random() < self.batch.decoy:
            other = material.alike(there[0], rng)
            marks.append(disguised(material.mark(other), marks[0]))
            groups.append(material.group_of(other))
        recipe = SCENE_RECIPES[self.batch.recipe]
        made = make_scene(material.photo(rng), marks, rng, recipe, size=size)
        shown = _Shown(made.pixels, {}, drawings, other)
        for number, group in enumerate(groups):
            mask = _coarse(made.place_of(number))
            shown.masks[group] = np.maximum(mask, shown.masks.get(group, 0))
        for placed in made.placed:
            crop = cut(made.pixels, placed, rng)
            if crop is not None:
                shown.crops.setdefault(groups[placed.mark], prepared(crop, self.query))
        return shown

    def _asked(
        self, pairs: list[tuple[_Shown, _Shown]], rng: np.random.Generator
    ) -> tuple[torch.Tensor, ...]:
        sheet = _Sheet(self.material, self.query)
        for number, pair in enumerate(pairs):
            others = [shown for n, other in enumerate(pairs) if n != number for shown in other]
            for side, shown in enumerate(pair):
                sheet.show(shown)
                sheet.ask_any()
                for turn in range(self.batch.right):
                    sheet.ask_own(pair[1 - side], turn, turn + side)
                for turn in range(self.batch.wrong):
                    if turn % 2 == 0:
                        sheet.ask_alike(pair[1 - side], turn, rng)
                    else:
                        sheet.ask_other(others[int(rng.integers(len(others)))], turn + side)
        return sheet.batch()


def size_of_scenes(rng: np.random.Generator, batch: SceneBatch, step: int) -> tuple[int, int]:
    """H, W, as the batch would have it, multiples of a step of some px."""
    aspect, larger = np.exp(rng.uniform(-1, 1, 2) * np.log([_ASPECT, batch.spread]))
    size = batch.size * float(larger)
    sides = (size * float(aspect) ** 0.5, size / float(aspect) ** 0.5)
    tall, wide = (max(4, round(side / step)) * step for side in sides)
    return tall, wide


class _Sheet:
    """Questions as they are written down, each query once."""

    def __init__(self, material: Material, query: int) -> None:
        self._material, self._query = material, query
        self._scenes: list[_Shown] = []
        self._queries: list[Pixels] = []
        self._places: dict[tuple[int, int], int] = {}
        self._asks: list[tuple[int, int]] = []
        self._targets: list[Plane] = []

    def show(self, shown: _Shown) -> None:
        self._scenes.append(shown)

    def ask_any(self) -> None:
        masks = self._scenes[-1].masks.values()
        self._add(ANY, np.maximum.reduce([self._nothing(), *masks]))

    def ask_own(self, twin: _Shown, turn: int, way: int) -> None:
        """For one of the marks that the scene was made with, as its twin in the pair has it."""
        self._ask(twin, twin.drawings[turn % len(twin.drawings)], way)

    def ask_alike(self, twin: _Shown, turn: int, rng: np.random.Generator) -> None:
        """For what looks like one of its marks: first as the twin shows it, if it does."""
        near = twin.decoy if turn == 0 else None
        if near is None:
            near = self._material.alike(int(rng.choice(self._scenes[-1].drawings)), rng)
        self._ask(twin, near, 1)

    def ask_other(self, other: _Shown, turn: int) -> None:
        self._ask(other, other.drawings[turn % len(other.drawings)], turn)

    def _ask(self, source: _Shown, drawing: int, way: int) -> None:
        """way: odd, as a crop of the source, if it has one; even, as the drawing itself."""
        group = self._material.group_of(drawing)
        crop = source.crops.get(group) if way % 2 else None
        key = (drawing, -1) if crop is None else (drawing, id(source))
        if key not in self._places:
            self._places[key] = len(self._queries)
            plain = crop is None
            pixels = prepared(self._material.mark(drawing).pixels, self._query) if plain else crop
            assert pixels is not None
            self._queries.append(pixels)
        self._add(self._places[key], self._scenes[-1].masks.get(group, self._nothing()))

    def _nothing(self) -> Plane:
        height, width = self._scenes[-1].pixels.shape[:2]
        return np.zeros((-(-height // STRIDE), -(-width // STRIDE)), np.uint8)

    def _add(self, query: int, target: Plane) -> None:
        self._asks.append((len(self._scenes) - 1, query))
        self._targets.append(target)

    def batch(self) -> tuple[torch.Tensor, ...]:
        return (
            torch.from_numpy(np.stack([shown.pixels for shown in self._scenes])),
            torch.from_numpy(np.stack(self._queries)),
            torch.tensor(self._asks),
            torch.from_numpy(np.stack(self._targets)),
        )


def cut(pixels: Pixels, placed: Placed, rng: np.random.Generator) -> Pixels | None:
    """A mark as somebody cuts it out of a photo, never quite exactly; None where little is seen."""
    sides = box_of(placed)
    if placed.visible < _SEEN or sides is None:
        return None
    top, bottom, left, right = sides
    if min(bottom - top, right - left) < _LEAST:
        return None
    moved = rng.uniform(-_LOOSE / 3, _LOOSE, 4) * [
        bottom - top,
        bottom - top,
        right - left,
        right - left,
    ]
    top, left = (
        max(0, round(float(edge - by))) for edge, by in ((top, moved[0]), (left, moved[2]))
    )
    bottom, right = round(float(bottom + moved[1])), round(float(right + moved[3]))
    return np.ascontiguousarray(pixels[top:bottom, left:right])


def _coarse(mask: Plane) -> Plane:
    """(H, W) to (h, w): the share that is covered."""
    import cv2

    size = -(-mask.shape[1] // STRIDE), -(-mask.shape[0] // STRIDE)
    return np.asarray(cv2.resize(mask, size, interpolation=cv2.INTER_AREA), np.uint8)
