"""Photos looked at place by place, as `likemark locate` looks at them: marks found, then named.

What is learnt from are the training photos' boxes and the places found in them: those that show a
box show its brand, those outside every box show none. A photo's answer is that of the place that is
surest of a brand. P places of a photo, N examples, D dimensions, C brands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.benchmarks.flickr27.linear import train_head
from likemark.benchmarks.flickr27.photos import inside, load_photos
from likemark.benchmarks.flickr27.scores import Answers
from likemark.benchmarks.flickr27.task import Task
from likemark.benchmarks.flickr27.training import Examples, log_chances
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.oneshot.regions import Box, area, iou, shared
from likemark.retrieval.oneshot.windows import windows
from likemark.retrieval.pictures.normalise import flatten

_OUTSIDE = 0.1  # share of a place, or of a box, that both show at most where they have nothing
# in common
_SHOWS = 0.5  # intersection over union with a box, from which a place shows its brand
# Sizes of windows, and how many there are at the most: marks in photos are often small.
_SIZES, _WINDOWS = 3, 200
# Places without a brand that are nearest to an example say how near to it any place is. Chosen,
# as all of `by_neighbours`, by leaving one training photo out after the other.
_NEAREST = 5
_EVEN = 0.3  # of the background's mean variance: what is added to each direction's


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
    """Of the shipped networks: where any mark may be, and windows of the whole photo."""

    def __init__(self, finder: Finder, fingerprint: str) -> None:
        self._finder, self.fingerprint = finder, fingerprint

    @property
    def name(self) -> str:
        return self._finder.card.name

    def find(self, photo: Pixels) -> list[Box]:
        scene = flatten(photo)
        (found,) = self._finder.candidates(scene, [self._finder.anything()])
        around = windows(scene.shape[1], scene.shape[0], sizes=_SIZES, most=_WINDOWS)
        return list(dict.fromkeys([*around, *(each.region.box for each in found)]))

    def rows(self, photo: Pixels, boxes: Sequence[Box]) -> Rows:
        return self._finder.rows(flatten(photo), boxes)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What was found in the photos of a task."""

    boxes: Examples  # of the training photos, with their brands
    near: Examples  # places that show a box, with its brand
    background: Rows  # (N, D): of places outside every box of these photos
    positives: tuple[Rows, ...]  # (P, D) of each query photo
    negatives: tuple[Rows, ...]

    @classmethod
    def of(cls, task: Task, places: Places) -> Seen:
        """Raises InvalidInput where a brand has no box."""
        own, near, none = [], [], []
        brands, near_brands = [], []
        files = [photo.file for photo in task.training]
        for photo, pixels in zip(task.training, load_photos(task.data, files), strict=True):
            boxes = list(inside(photo.boxes, pixels))
            own.append(places.rows(pixels, boxes))
            brands += [photo.brand] * len(boxes)
            found = places.find(pixels) if boxes else []
            showing = [box for box in found if any(iou(box, one) >= _SHOWS for one in boxes)]
            near.append(places.rows(pixels, showing))
            near_brands += [photo.brand] * len(showing)
            outside = [box for box in found if not any(_meet(box, other) for other in boxes)]
            none.append(places.rows(pixels, outside))
        if set(brands) != set(task.data.brands):
            raise InvalidInput(f"{task.data.folder}: a brand has no box to learn from")
        return cls(
            Examples(np.concatenate(own), task.labels_of(brands)),
            Examples(np.concatenate(near), task.labels_of(near_brands)),
            np.concatenate(none),
            tuple(_all(task, places, [query.file for query in task.positives])),
            tuple(_all(task, places, [query.file for query in task.negatives])),
        )

    def by_neighbours(self) -> tuple[Answers, Answers]:
        """Of the positives and the negatives: the brand of the nearest example, by its cosine less
        the mean of those that it has with the background's nearest. An example that is near to
        everything says little by being near (Radovanovic et al., "Hubs in space", 2010). In what
        the background varies most, places differ whatever they show: cosines are taken where it
        varies alike in all directions (Hariharan et al., "Discriminative decorrelation for
        clustering and classification", ECCV 2012)."""
        even = Evened.of(self.background)
        known = even.rows(np.concatenate([self.boxes.inputs, self.near.inputs]))
        labels = np.concatenate([self.boxes.labels, self.near.labels])
        usual = _nearest_mean(known @ even.rows(self.background).T)

        def answer(rows: Rows) -> tuple[int, float]:
            ahead = even.rows(rows) @ known.T - usual
            _, example = np.unravel_index(int(ahead.argmax()), ahead.shape)
            return int(labels[example]), float(ahead.max())

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


@dataclass(frozen=True, slots=True, eq=False)
class Evened:
    """Rows moved and turned so that a background varies nearly alike in all directions."""

    mean: Rows  # (D,)
    ways: Rows  # (D, D): a direction in each column, divided by how much it varies

    @classmethod
    def of(cls, background: Rows) -> Evened:
        """background: (N, D); with fewer than two rows nothing is changed"""
        width = background.shape[1]
        if len(background) < 2:
            return cls(np.zeros(width, np.float32), np.eye(width, dtype=np.float32))
        mean = background.mean(axis=0)
        variances, ways = np.linalg.eigh(np.cov((background - mean).T.astype(np.float64)))
        spread = np.sqrt(variances.clip(min=0) + _EVEN * variances.mean() + 1e-12)
        return cls(mean, (ways / spread).astype(np.float32))

    def rows(self, rows: Rows) -> Rows:
        """(N, D), of length 1. rows: (N, D)"""
        turned = (rows - self.mean) @ self.ways
        unit: Rows = turned / np.linalg.norm(turned, axis=1, keepdims=True).clip(min=1e-12)
        return unit


def _all(task: Task, places: Places, files: Iterable[str]) -> Iterator[Rows]:
    for pixels in load_photos(task.data, files):
        yield places.rows(pixels, places.find(pixels))


def _answers(answer: Callable[[Rows], tuple[int, float]], photos: Sequence[Rows]) -> Answers:
    said = [answer(rows) for rows in photos]
    brands = np.array([brand for brand, _ in said], np.int64)
    return Answers(brands, np.array([sure for _, sure in said], np.float64))


def _nearest_mean(cosines: Rows) -> Rows:
    """(N,): of each row's highest; 0 where there are none. cosines: (N, background)"""
    if not cosines.shape[1]:
        return np.zeros(len(cosines), np.float32)
    most = min(_NEAREST, cosines.shape[1])
    mean: Rows = np.partition(cosines, -most, axis=1)[:, -most:].mean(axis=1)
    return mean


def _meet(one: Box, other: Box) -> bool:
    return shared(one, other) > _OUTSIDE * min(area(one), area(other))
