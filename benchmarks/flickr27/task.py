"""What is learnt from and what is asked, and an encoder's vectors of it. D dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Encoder, Pixels, Rows
from likemark.benchmarks.flickr27.layout import Flickr27, QueryPhoto, TrainingPhoto
from likemark.benchmarks.flickr27.photos import load_crops, load_photos
from likemark.benchmarks.flickr27.scores import Labels
from likemark.benchmarks.flickr27.training import Examples
from likemark.db.errors import InvalidInput

SUBSET = 2  # the official one with 10 photos of each brand


@dataclass(frozen=True, slots=True)
class Task:
    data: Flickr27
    training: tuple[TrainingPhoto, ...]  # 270 in the published data
    positives: tuple[QueryPhoto, ...]  # 135
    negatives: tuple[QueryPhoto, ...]  # 135

    def __post_init__(self) -> None:
        for name in ("training", "positives", "negatives"):
            if not getattr(self, name):
                raise InvalidInput(f"{self.data.folder}: its annotations leave no {name} photos")

    @classmethod
    def of(cls, data: Flickr27) -> Task:
        return cls(data, data.subset(SUBSET), data.positives, data.negatives)

    @property
    def labels(self) -> Labels:
        """(270,), of the training photos."""
        return self.labels_of(photo.brand for photo in self.training)

    @property
    def truth(self) -> Labels:
        """(135,), of the positives."""
        return self.labels_of(query.brand for query in self.positives if query.brand)

    def labels_of(self, brands: Iterable[str]) -> Labels:
        places = {brand: place for place, brand in enumerate(self.data.brands)}
        return np.array([places[brand] for brand in brands], np.int64)

    def photos(self) -> Iterator[Pixels]:
        """Every photo whole: the training ones, the positives, the negatives."""
        files = [photo.file for photo in self.training]
        files += [query.file for query in (*self.positives, *self.negatives)]
        return load_photos(self.data, files)

    def crops(self) -> Iterator[tuple[Pixels, str]]:
        """(pixels, brand) of the training photos' boxes."""
        return load_crops(self.data, self.training)


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What was made of `Task.photos`, taken apart."""

    training: NDArray[np.float32]  # (270, ...)
    positives: NDArray[np.float32]  # (135, ...)
    negatives: NDArray[np.float32]  # (135, ...)

    @classmethod
    def of(cls, task: Task, whole: NDArray[np.float32]) -> Parts:
        """whole: (540, ...), in the order of `Task.photos`."""
        first = len(task.training)
        second = first + len(task.positives)
        return cls(whole[:first], whole[first:second], whole[second:])


def encode_photos(task: Task, encoder: Encoder) -> Parts:
    """Each part (N, D) float32, unit rows; every photo is encoded once."""
    return Parts.of(task, _encode(encoder, task.photos()))


def encode_crops(task: Task, encoder: Encoder) -> Examples:
    """inputs: (N, D) float32, unit rows."""
    brands: list[str] = []

    def crops() -> Iterator[Pixels]:
        for pixels, brand in task.crops():
            brands.append(brand)
            yield pixels

    return Examples(_encode(encoder, crops()), task.labels_of(brands))


def _encode(encoder: Encoder, pictures: Iterable[Pixels]) -> Rows:
    given = 0

    def counted() -> Iterator[Pixels]:
        nonlocal given
        for picture in pictures:
            given += 1
            yield picture

    rows = list(encoder.encode(counted()))
    # A row too few would put every later one under another photo's brand.
    if len(rows) != given or any(row.shape != (encoder.dimension,) for row in rows):
        shapes = sorted({row.shape for row in rows})
        raise InvalidInput(
            f"{encoder.name}: {len(rows)} rows of shapes {shapes} for {given} pictures: "
            f"an encoder gives one of shape ({encoder.dimension},) for each"
        )
    return np.array(rows, np.float32).reshape(given, encoder.dimension)
