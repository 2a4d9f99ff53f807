"""FlickrLogos-27 as questions: where in this photo is the mark of that query?

Scenes are the training photos with a box, once under each brand they show (809 of the published
data), and the query set's photos that show no brand (135). Nothing is trained on any of them.
A scene with a brand is asked with each kind of query:
  drawing  the brand's clean drawing, where there is one, and WRONG drawings of other brands;
  crop     a crop from another photo of the brand, and WRONG crops of other brands.
A scene without a brand is asked with EMPTY queries of each kind. Wrong brands are drawn by a hash
of the scene's name from all brands that are not annotated in the photo: the data set's annotations
are of one brand a photo, so a few "wrong" brands may be there unseen. That is about 4,900 questions
on 150 megapixels, mostly six in a photo, so that what is made of a photo serves several.
Sizes: by the share of the photo's area that the scene's largest box has.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from PIL import Image

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.flickr27.layout import (
    PICTURES,
    SUBSETS,
    Box,
    Flickr27,
    read_flickr27,
)
from likemark.benchmarks.flickr27.photos import hash_data, hash_photos
from likemark.benchmarks.locate.asks import Ask, Asked, Kind, Query, Scene, as_rgb
from likemark.benchmarks.locate.exemplars import Exemplar, drawn, exemplar_for, exemplars_of
from likemark.benchmarks.locate.failures import Source
from likemark.benchmarks.locate.found import Mask, Rect
from likemark.benchmarks.locate.sample import sampled
from likemark.db.errors import PictureError
from likemark.retrieval.pictures.load import load_picture

WRONG = 2  # queries of another brand, of each kind, in a scene
EMPTY = 1  # queries, of each kind, in a photo without a brand


@dataclass(frozen=True, slots=True, eq=False)
class FlickrTasks:
    """See `Tasks`. E: crops."""

    data: str  # sha256 of the photos, their annotations, and the drawings
    flickr: Flickr27
    asked: Asked
    files: tuple[str, ...]  # of the scenes
    exemplars: tuple[Exemplar, ...]  # E: the first queries
    drawings: Mapping[str, Pixels]  # by brand: the queries after them

    @classmethod
    def read(
        cls, folder: Path, drawings: Mapping[str, Pixels], *, subset: int = SUBSETS[-1],
        questions: int | None = None,
    ) -> Self:  # fmt: skip
        """folder: as `read_flickr27` takes it
        drawings: (h, w, 3 or 4) by brand; a brand without one is asked for by crops alone
        subset: the official one whose photos are scenes: 6 is all, 2 a third of them
        questions: of these at most so many, see `sampled`; None: all
        Raises NotFound, InvalidInput and PictureError.
        """
        flickr = read_flickr27(folder)
        digests = hash_photos(flickr)
        known = {brand: drawings[brand] for brand in flickr.brands if brand in drawings}
        asking = _Asking(flickr, {file: _size(flickr.path(file)) for file in flickr.files}, digests)
        files, asked, exemplars = asking.build(tuple(known), subset)
        if questions is not None:
            asked, kept = sampled(asked, questions)
            files = tuple(files[scene] for scene in kept)
        data = _hash(hash_data(flickr, digests), known)
        return cls(data, flickr, asked, files, exemplars, known)

    @property
    def without_drawing(self) -> tuple[str, ...]:
        """Brands that are asked for by crops alone."""
        return tuple(brand for brand in self.flickr.brands if brand not in self.drawings)

    def scene_pixels(self, scene: int) -> Pixels:
        return as_rgb(load_picture(self.flickr.path(self.files[scene])))

    def query_pixels(self, query: int) -> Pixels:
        if query >= len(self.exemplars):
            return self.drawings[self.asked.queries[query].brand]
        exemplar = self.exemplars[query]
        photo, box = load_picture(self.flickr.path(exemplar.file)), exemplar.box
        return np.ascontiguousarray(photo[box.top : box.bottom, box.left : box.right, :3])

    def truth(self, scene: int) -> Mask | None:
        return None

    def scene_source(self, scene: int) -> Source:
        return Source(f"{PICTURES}/{self.files[scene]}")

    def query_source(self, query: int) -> Source:
        if query >= len(self.exemplars):
            return Source(None)
        exemplar = self.exemplars[query]
        return Source(f"{PICTURES}/{exemplar.file}", _rect(exemplar.box))


class _Asking:
    """Puts scenes and queries together."""

    def __init__(
        self, flickr: Flickr27, sizes: Mapping[str, tuple[int, int]], digests: Mapping[str, str]
    ) -> None:
        self._flickr, self._sizes, self._digests = flickr, sizes, digests
        self._brands_in: dict[str, set[str]] = {}
        for photo in flickr.training:
            self._brands_in.setdefault(digests[photo.file], set()).add(photo.brand)

    def build(
        self, drawn_brands: Sequence[str], subset: int
    ) -> tuple[tuple[str, ...], Asked, tuple[Exemplar, ...]]:
        """(files of the scenes, what is asked, crops)."""
        flickr = self._flickr
        crops = {
            brand: exemplars_of(
                [photo for photo in flickr.training if photo.brand == brand],
                self._sizes,
                self._digests,
            )
            for brand in flickr.brands
        }
        exemplars = tuple(exemplar for each in crops.values() for exemplar in each)
        queries = [Query(_crop_id(e), "crop", e.brand) for e in exemplars]
        queries += [Query(f"drawing {brand}", "drawing", brand) for brand in drawn_brands]
        place = {query.id: number for number, query in enumerate(queries)}
        files, scenes = zip(*self._scenes(subset), strict=True)
        asks = tuple(
            Ask(number, place[query])
            for number, (file, scene) in enumerate(zip(files, scenes, strict=True))
            for query in self._queries(file, scene, crops, drawn_brands)
        )
        return files, Asked(scenes, tuple(queries), asks), exemplars

    def _scenes(self, subset: int) -> Iterator[tuple[str, Scene]]:
        for photo in self._flickr.subset(subset):
            boxes = tuple(_rect(box) for box in photo.boxes)
            if boxes:
                size = self._sizes[photo.file]
                yield photo.file, Scene(f"{photo.brand} {photo.file}", *size, photo.brand, boxes)
        for empty in self._flickr.negatives:
            yield empty.file, Scene(f"none {empty.file}", *self._sizes[empty.file], None, ())

    def _queries(
        self,
        file: str,
        scene: Scene,
        crops: Mapping[str, Sequence[Exemplar]],
        drawn_brands: Sequence[str],
    ) -> Iterator[str]:
        """Ids of what a scene is asked with: of each kind the right one first."""
        kinds: dict[Kind, Sequence[str]] = {"drawing": drawn_brands, "crop": self._flickr.brands}
        for kind, brands in kinds.items():
            right = [scene.brand] if scene.brand and scene.brand in brands else []
            wrong = self._wrong(file, scene, kind, brands)
            for brand in (*right, *wrong):
                if kind == "drawing":
                    yield f"drawing {brand}"
                elif exemplar := exemplar_for(file, self._digests[file], crops[brand]):
                    yield _crop_id(exemplar)

    def _wrong(self, file: str, scene: Scene, kind: Kind, brands: Sequence[str]) -> list[str]:
        there = self._brands_in.get(self._digests[file], set())
        others = [brand for brand in brands if brand not in there]
        others.sort(key=lambda brand: drawn(kind, file, str(scene.brand), brand))
        return others[: WRONG if scene.brand else EMPTY]


def _crop_id(exemplar: Exemplar) -> str:
    return f"crop {exemplar.brand} {exemplar.file}"


def _rect(box: Box) -> Rect:
    return box.left, box.top, box.right - box.left, box.bottom - box.top


def _size(path: Path) -> tuple[int, int]:
    """Width and height, px, as the photo is shown."""
    try:
        with Image.open(path) as image:
            turned = image.getexif().get(0x0112, 1) >= 5
            return (image.height, image.width) if turned else image.size
    except OSError as error:
        raise PictureError(str(path), "damaged", "unpack the data set's pictures anew") from error


def _hash(photos: str, drawings: Mapping[str, Pixels]) -> str:
    whole = hashlib.sha256(photos.encode())
    for brand, pixels in sorted(drawings.items()):
        whole.update(f"{brand} {pixels.shape}".encode() + np.ascontiguousarray(pixels).tobytes())
    return whole.hexdigest()
