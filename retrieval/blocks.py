"""What else to ask with: the blocks of a query picture's layout, each as a picture of its own.

H, W: px of the query; S: px of a network's input.
"""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray

from likemark.augment.blocks import cut_block, find_blocks
from likemark.db.errors import PictureError
from likemark.retrieval.pictures import raster, svg
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.pictures.picture import Crop, Picture, Request


def block_pictures(
    request: Request, picture: Picture, limits: PictureLimits
) -> list[tuple[NDArray[np.uint8], Crop]]:
    """(S, S, 3) of each block of the layout, and its box in px of the upright picture.

    picture: what a decoding process made of the request
    result: empty for a mark of one block, and for a file that has changed or gone since
    """
    pixels = _loaded(request, picture, limits)
    if pixels is None:
        return []
    left, top, cut = _cut(pixels, request.crop)
    size = len(picture.pixels)
    return [
        (
            prepared(cut_block(cut, (x, y, width, height)), size),
            Crop(left + x, top + y, width, height),
        )
        for x, y, width, height in find_blocks(cut)
    ]


def _loaded(request: Request, picture: Picture, limits: PictureLimits) -> NDArray[np.uint8] | None:
    """(H, W, 3 or 4), upright; None where the file has changed or gone since.

    In this process, which is safe: a process of its own has just decoded the same bytes.
    """
    try:
        data, kind = read_checked(request, limits)
        if hashlib.sha256(data).digest() != picture.content:
            return None
        if kind == "SVG":
            return np.asarray(svg.render(request.name, data, limits))
        return np.asarray(raster.load(request.name, data, kind, limits))
    except PictureError:
        return None


def _cut(pixels: NDArray[np.uint8], crop: Crop | None) -> tuple[int, int, NDArray[np.uint8]]:
    """The part of a picture within a crop that overlaps it, and its left and top in px."""
    if crop is None:
        return 0, 0, pixels
    left, top = max(crop.x, 0), max(crop.y, 0)
    return left, top, pixels[top : crop.y + crop.height, left : crop.x + crop.width]
