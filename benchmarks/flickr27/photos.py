"""The photos' bytes and pixels. H, W: px of a photo."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.flickr27.layout import QUERIES, TRAINING, Box, Flickr27, TrainingPhoto
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.pictures.load import load_picture


def load_photos(data: Flickr27, files: Iterable[str]) -> Iterator[Pixels]:
    """Each photo whole and upright: (H, W, 3), or (H, W, 4) of a transparent one.

    Raises PictureError for a photo that cannot be decoded.
    """
    for file in files:
        yield load_picture(data.path(file))


def load_crops(data: Flickr27, photos: Iterable[TrainingPhoto]) -> Iterator[tuple[Pixels, str]]:
    """(pixels, brand) of every box, photo by photo; a part outside the photo is cut off.

    A box that lies outside altogether is passed over.
    """
    for photo in photos:
        (pixels,) = load_photos(data, [photo.file])
        for left, top, right, bottom in inside(photo.boxes, pixels):
            yield np.ascontiguousarray(pixels[top:bottom, left:right]), photo.brand


def inside(boxes: Iterable[Box], photo: Pixels) -> Iterator[tuple[int, int, int, int]]:
    """Left, top, right and bottom of what each box has of the photo; none of one outside it."""
    for box in boxes:
        right, bottom = min(box.right, photo.shape[1]), min(box.bottom, photo.shape[0])
        if box.left < right and box.top < bottom:
            yield box.left, box.top, right, bottom


def hash_photos(data: Flickr27) -> dict[str, str]:
    """sha256 of every photo's file, by its name, 64 hexadecimal digits each."""
    return {file: file_sha256(data.path(file)) for file in data.files}


def hash_data(data: Flickr27, photos: dict[str, str]) -> str:
    """sha256 of both annotation files and of every photo under its name, 64 hexadecimal digits.

    photos: as `hash_photos` gives them
    """
    whole = hashlib.sha256()
    for name in (TRAINING, QUERIES):
        whole.update(hashlib.sha256((data.folder / name).read_bytes()).digest())
    for file, digest in sorted(photos.items()):
        whole.update(f"{file} {digest}\n".encode())
    return whole.hexdigest()


def count_repeated(
    data: Flickr27, training: Sequence[TrainingPhoto], hashes: dict[str, str]
) -> int:
    """How many positive queries are, byte for byte, among these training photos."""
    seen = {hashes[photo.file] for photo in training}
    return sum(hashes[query.file] in seen for query in data.positives)
