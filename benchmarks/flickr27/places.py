"""Photos looked at place by place, as `likemark locate` looks at them: marks found, then named.

What is learnt from are the boxes of the training photos, and, for the linear head, the places that
were found in these photos outside every box: they show no brand. A photo's answer is that of the
place that is surest of a brand. P places of a photo, N examples, D dimensions, C brands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.benchmarks.flickr27.knn import classify_by_neighbours
from likemark.benchmarks.flickr27.linear import train_head
from likemark.benchmarks.flickr27.photos import inside, load_photos
from likemark.benchmarks.flickr27.scores import Answers
from likemark.benchmarks.flickr27.task import Task
from likemark.benchmarks.flickr27.training import Examples, log_chances
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.oneshot.regions import Box, area, shared
from likemark.retrieval.pictures.normalise import flatten

_OUTSIDE = 0.1  # share of a place, or of a box, that both show at most where they have nothing
# in common


class Places(Protocol):
    """What finds places in photos."""

    @property
    def name(self) -> str: ...
    @property
    def fingerprint(self) -> str: ...

    def find(self, photo: Pixels) -> list[Box]:
        """Where any mark may be, in px; one place or more."""
        ...

    def rows(self, photo: Pixels, boxes: Sequence[Box]) -> Rows:
        """(P, D) float32, unit rows, of what these places show."""
        ...


class FinderPlaces:
    """Of the shipped networks: everything that they propose, and the whole photo."""

    def __init__(self, finder: Finder, fingerprint: str) -> None:
        self._finder, self.fingerprint = finder, fingerprint

    @property
    def name(self) -> str:
        return self._finder.card.name

    def find(self, photo: Pixels) -> list[Box]:
        scene = flatten(photo)
        whole: Box = (0, 0, scene.shape[1], scene.shape[0])
        found = self._finder.propose(scene, threshold=0.0)
        return list(dict.fromkeys([whole, *(each.region.box for each in found)]))

    def rows(self, photo: Pixels, boxes: Sequence[Box]) -> Rows:
        return self._finder.rows(flatten(photo), boxes)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found in the photos of a task."""

    boxes: Examples  # of the training photos, with their brands
    background: Rows  # (N, D): of places outside every box of these photos
    positives: tuple[Rows, ...]  # (P, D) of each query photo
    negatives: tuple[Rows, ...]

    @classmethod
    def of(cls, task: Task, places: Places) -> Seen:
        """Raises InvalidInput where a brand has no box."""
        own, none, brands = [], [], []
        files = [photo.file for photo in task.training]
        for photo, pixels in zip(task.training, load_photos(task.data, files), strict=True):
            boxes = list(inside(photo.boxes, pixels))
            own.append(places.rows(pixels, boxes))
            brands += [photo.brand] * len(boxes)
            found = places.find(pixels) if boxes else []
            outside = [box for box in found if not any(_meet(box, other) for other in boxes)]
            none.append(places.rows(pixels, outside))
        if set(brands) != set(task.data.brands):
            raise InvalidInput(f"{task.data.folder}: a brand has no box to learn from")
        return cls(
            Examples(np.concatenate(own), task.labels_of(brands)),
            np.concatenate(none),
            tuple(_all(task, places, [query.file for query in task.positives])),
            tuple(_all(task, places, [query.file for query in task.negatives])),
        )

    def by_neighbours(self) -> tuple[Answers, Answers]:
        """Of the positives and the negatives."""
        known = self.boxes

        def answer(rows: Rows) -> tuple[int, float]:
            named = classify_by_neighbours(known.inputs, known.labels, rows)
            best = int(named.confidences.argmax())
            return int(named.brands[best]), float(named.confidences[best])

        return _answers(answer, self.positives), _answers(answer, self.negatives)

    def by_head(self, classes: int, *, seed: int) -> tuple[Answers, Answers]:
        """The same. classes: C"""
        none = np.full(len(self.background), classes, np.int64)
        examples = Examples(
            np.concatenate([self.boxes.inputs, self.background]),
            np.concatenate([self.boxes.labels, none]),
        )
        head = train_head(examples, examples, classes + 1, seed=seed)

        def answer(rows: Rows) -> tuple[int, float]:
            chances = log_chances(head.network, head.scale.apply(rows))[:, :classes]
            place, brand = np.unravel_index(int(chances.argmax()), chances.shape)
            return int(brand), float(chances[place, brand])

        return _answers(answer, self.positives), _answers(answer, self.negatives)


def _all(task: Task, places: Places, files: Iterable[str]) -> Iterator[Rows]:
    for pixels in load_photos(task.data, files):
        yield places.rows(pixels, places.find(pixels))


def _answers(answer: Callable[[Rows], tuple[int, float]], photos: Sequence[Rows]) -> Answers:
    said = [answer(rows) for rows in photos]
    brands = np.array([brand for brand, _ in said], np.int64)
    return Answers(brands, np.array([sure for _, sure in said], np.float64))


def _meet(one: Box, other: Box) -> bool:
    return shared(one, other) > _OUTSIDE * min(area(one), area(other))
