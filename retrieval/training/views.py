"""Batches of augmented views, each a function of the seed and the step alone. S: px of a view."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from likemark.augment.pixels import WHITE
from likemark.augment.recipe import Recipe
from likemark.augment.scenes.snapshot import snapshot
from likemark.augment.views import OPERATIONS, Mark, draw_plan, render
from likemark.db.errors import NotFound, PictureError
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten, ground_colour, prepared
from likemark.retrieval.report.text import counted
from likemark.retrieval.training.corpus import Corpus
from likemark.retrieval.training.fetching import Losing
from likemark.retrieval.training.sampler import Sampler, Slot
from likemark.retrieval.training.task import Share

Pixels = NDArray[np.uint8]
FINER = 1.25  # drawings are augmented at so many times the size of a view
_TRIES = 8
_KEPT = 256  # drawings whose segments a worker keeps
_PHOTO = 320  # px of a photo's longer side
_SCENE, _LEAST = 1.5, 64  # times a view's size, px: the side of a scene that a view is cut out of


@dataclass(slots=True)
class Views(Losing):
    """Item n is the batch of step n: (B, S, S, 3) uint8 RGB and the (B,) groups of its views.

    In training together each process gets the views at its rank, rank + world, and so on. A drawing
    that can be read no more gives way to another of its group; without one NotFound is raised.
    """

    corpus: Corpus
    sampler: Sampler
    recipe: Recipe
    size: int  # S
    seed: int
    plain: float  # share of the views of different drawings that stay as they are
    share: Share = field(default_factory=Share)
    photos: tuple[Path, ...] = ()  # what marks are laid on
    found: float = 0.0  # share of the other views that are cut out of scenes made of them
    _marks: dict[int, Mark] = field(default_factory=dict)
    _lost: list[str] = field(default_factory=list)

    def __getitem__(self, step: int) -> tuple[torch.Tensor, torch.Tensor]:
        slots = self.sampler.batch(step)
        numbers = range(self.share.rank, len(slots), self.share.world)
        views = [self.view(slots, number, step) for number in numbers]
        groups = [slots[number].group for number in numbers]
        return torch.from_numpy(np.stack(views)), torch.tensor(groups)

    def view(self, slots: list[Slot], number: int, step: int) -> Pixels:
        """(S, S, 3): the view in one place of a batch."""
        slot = slots[number]
        rng = np.random.default_rng([self.seed, step, number])
        drawing, mark = self._there(slot.drawing)
        copied = slot.copied or drawing != slot.drawing
        if not copied and rng.random() < self.plain:
            return prepared(mark.pixels, self.size)
        if self.found and rng.random() < self.found:
            return prepared(self._found(mark, rng), self.size)
        beside = self._beside({slot.group for slot in slots}, rng)
        behind = int(rng.integers(len(self.photos))) if self.photos else None
        plan = draw_plan(self.recipe, rng, with_photo=bool(self.photos))
        needed = any(OPERATIONS[name].needs_other for name in plan)
        other = self._there(beside)[1] if needed else None
        photo = None
        if behind is not None and any(OPERATIONS[name].needs_photo for name in plan):
            photo = self._photo(behind)
        view = render(mark, plan, self.recipe, rng, other=other, photo=photo)
        return prepared(view, self.size)

    def _found(self, mark: Mark, rng: np.random.Generator) -> Pixels:
        """The mark as it is found in a photo; as it is where it would hardly be seen."""
        photo = self._photo(int(rng.integers(len(self.photos))))
        cut = None
        if photo is not None:
            cut = snapshot(photo, mark, rng, side=max(_LEAST, round(_SCENE * self.size)))
        return mark.pixels if cut is None else cut

    def lost(self) -> tuple[str, ...]:
        told, self._lost = tuple(self._lost), []
        return told

    def _there(self, drawing: int) -> tuple[int, Mark]:
        """A drawing and its mark; of one that can be read no more, another of its group.

        Raises NotFound where there is none.
        """
        if (mark := self._tried(drawing)) is not None:
            return drawing, mark
        group = self.corpus.groups[drawing]
        every = np.flatnonzero(self.corpus.groups == group).tolist()
        for other in every:
            if other != drawing and (mark := self._tried(other)) is not None:
                return other, mark
        raise NotFound(
            f"{self.corpus.names[group]}: none of its {counted(len(every), 'drawing')} can be "
            f"read any more: {self._lost[-1]}; put the files back and train again: it goes on"
        )

    def _tried(self, drawing: int) -> Mark | None:
        """None, noted as lost, for one that cannot be read."""
        try:
            return self._mark(drawing)
        except PictureError as error:
            self._lost.append(str(error))
            return None

    def _mark(self, drawing: int) -> Mark:
        if drawing not in self._marks:
            while len(self._marks) >= _KEPT:
                del self._marks[next(iter(self._marks))]
            self._marks[drawing] = self._read(drawing)
        return self._marks[drawing]

    def _beside(self, groups: set[int], rng: np.random.Generator) -> int:
        """A drawing of no group of the batch, if there are others: it would be asked to rank below
        the mark that it stands beside."""
        drawing = 0
        for _ in range(_TRIES):
            drawing = int(rng.integers(len(self.corpus)))
            if int(self.corpus.groups[drawing]) not in groups:
                break
        return drawing

    def _photo(self, number: int) -> Pixels | None:
        """That photo, or the next one that can be read."""
        for ahead in range(len(self.photos)):
            try:
                photo = readable(self.photos[(number + ahead) % len(self.photos)])
            except PictureError:
                continue
            return shrunk(photo, _PHOTO)
        return None

    def _read(self, drawing: int) -> Mark:
        return read_mark(self.corpus.paths[drawing], round(self.size * FINER))


def read_mark(path: Path, side: int) -> Mark:
    """A drawing of a longer side of at most `side` px, on the ground that a search finds for it.

    Raises PictureError.
    """
    pixels = load_picture(path)
    rgb = flatten(pixels)
    ground = ground_colour(pixels, rgb)
    colour = WHITE if ground is None else (int(ground[0]), int(ground[1]), int(ground[2]))
    return Mark.of(shrunk(rgb, side), ground=colour)


def readable(path: Path) -> Pixels:
    """(H, W, 3), on a ground that keeps its ink visible. Raises PictureError."""
    return flatten(load_picture(path))


def shrunk(pixels: Pixels, side: int) -> Pixels:
    """A longer side of at most `side` px, in proportion."""
    import cv2

    height, width = pixels.shape[:2]
    scale = side / max(height, width)
    if scale >= 1:
        return pixels
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
