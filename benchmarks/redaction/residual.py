"""Whether a mark is still known after it was covered: its box, searched among marks and clutter.

The gallery has crops of every brand, of photos other than the one that is asked about, and crops
of photos that show no brand. A box whose brand comes first, or ties with what does, is known.
E: crops of brands; D: dimensions of a row.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Encoder, Pixels, Rows
from likemark.benchmarks.locate.asks import as_rgb
from likemark.benchmarks.locate.exemplars import drawn
from likemark.benchmarks.locate.flickr import FlickrTasks
from likemark.retrieval.pictures.load import load_picture

CLUTTER = 4  # crops of a photo without a brand


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    brands: tuple[str, ...]  # E
    digests: tuple[str, ...]  # E: sha256 of the photo that a crop is from
    rows: Rows  # (E, D), unit
    clutter: Rows  # (n, D), unit

    @classmethod
    def embed(cls, tasks: FlickrTasks, encoder: Encoder) -> Self:
        """Raises PictureError."""
        exemplars = tasks.exemplars
        crops = (tasks.query_pixels(number) for number in range(len(exemplars)))
        return cls(
            tuple(each.brand for each in exemplars),
            tuple(each.digest for each in exemplars),
            _rows(encoder, crops),
            _rows(encoder, clutter(tasks)),
        )

    def knows(self, row: NDArray[np.float32], brand: str, digest: str) -> bool:
        """row: (D,), unit, of a box of that brand; digest: of its photo, which is left out."""
        likenesses = self.rows @ row
        best = {True: -np.inf, False: float((self.clutter @ row).max(initial=-np.inf))}
        for likeness, name, photo in zip(likenesses, self.brands, self.digests, strict=True):
            if photo != digest:
                best[name == brand] = max(best[name == brand], float(likeness))
        return bool(np.isfinite(best[True]) and best[True] >= best[False])


def clutter(tasks: FlickrTasks) -> Iterator[Pixels]:
    """Crops of the photos that show no brand, shaped and placed as marks are in other photos."""
    known = [scene for scene in tasks.asked.scenes if scene.boxes]
    for photo in tasks.flickr.negatives:
        pixels = as_rgb(load_picture(tasks.flickr.path(photo.file)))
        height, width = pixels.shape[:2]
        for number in range(CLUTTER):
            scene = known[drawn("clutter", photo.file, str(number)) % len(known)]
            left, top, wide, tall = scene.boxes[0]
            across, down = width / scene.width, height / scene.height
            y, x = int(top * down), int(left * across)
            part = pixels[y : y + max(1, round(tall * down)), x : x + max(1, round(wide * across))]
            yield np.ascontiguousarray(part)


def _rows(encoder: Encoder, pictures: Iterator[Pixels]) -> Rows:
    rows: Sequence[NDArray[np.float32]] = list(encoder.encode(pictures))
    return np.stack(rows) if rows else np.empty((0, encoder.dimension), np.float32)
