"""The questions that the first locator answers worst, as a page shows them, with their pictures.

A document names pictures and places in them; the px come from the data set's folder, if it is at
hand, and from the folder of drawings.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from likemark.benchmarks.locate.drawings import kept_drawing
from likemark.benchmarks.pages.documents import Document, reading
from likemark.benchmarks.pages.failures import inside
from likemark.benchmarks.pages.tables import share, words
from likemark.db.errors import PictureError
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten

_QUERY, _PHOTO = 96, 420  # px of the longer side
_RIGHT, _WRONG = (0, 140, 60), (214, 30, 30)
_QUALITY = 82
Box = Sequence[float]  # left, top, width, height, px
ABOUT = {
    "missed": (
        "Marks that were missed",
        "Photos that show the query's brand, of which no place that was found is right; the surest "
        "wrong place first.",
    ),
    "false": (
        "Marks that are not there",
        "Photos of another brand, or of none, in which the query found something; the surest "
        "first. Annotations are of one brand a photo: a few of these marks may be there.",
    ),
}


@dataclass(frozen=True, slots=True)
class LocateFailure:
    number: int  # from 1, the worst
    query: str  # its id
    asked: str | None  # data address of the query's picture; None: it is not at hand
    scene: str  # its id
    photo: str | None  # data address, with places drawn into it
    places: tuple[str, ...]  # what was found, in words


@dataclass(frozen=True, slots=True)
class Gallery:
    name: str  # its anchor below the section's
    title: str
    about: str
    failures: tuple[LocateFailure, ...]


def locate_galleries(
    document: Document, *, photos: Path | None = None, drawings: Path | None = None
) -> list[Gallery]:
    """None of a document without failures.

    photos: the data set's folder; drawings: that of the npm packages; None: names alone
    Raises InvalidInput for a document of another version, or that names files outside the folder.
    """
    given = document.result.get("failures")
    if document.benchmark != "locate" or not given:
        return []
    with reading(document):
        return [
            Gallery(name, *about, tuple(_views(given[name], photos, drawings)))
            for name, about in ABOUT.items()
            if given[name]
        ]


def _views(
    failures: Sequence[Mapping[str, Any]], photos: Path | None, drawings: Path | None
) -> Iterator[LocateFailure]:
    for number, failure in enumerate(failures, 1):
        yield LocateFailure(
            number=number,
            query=words(failure["query"]),
            asked=_asked(failure, photos, drawings),
            scene=words(failure["scene"]),
            photo=_photo(failure, photos),
            places=tuple(
                f"{share(score)} at {', '.join(f'{side:.0f}' for side in box)}"
                for box, score in zip(failure["boxes"], failure["scores"], strict=True)
            ),
        )


def _asked(failure: Mapping[str, Any], photos: Path | None, drawings: Path | None) -> str | None:
    source = failure["asked"]
    if source["image"] is None:
        path = kept_drawing(drawings, failure["brand"]) if drawings else None
    else:
        path = inside(photos, source["image"]) if photos else None
    pixels = _pixels(path)
    if pixels is None:
        return None
    if source["box"] is not None:
        left, top, width, height = (round(side) for side in source["box"])
        pixels = pixels[top : top + height, left : left + width]
    return _address(Image.fromarray(np.ascontiguousarray(pixels)), _QUERY)


def _photo(failure: Mapping[str, Any], photos: Path | None) -> str | None:
    """With what was found in red, and in green what is there."""
    pixels = _pixels(inside(photos, failure["photo"]["image"]) if photos else None)
    if pixels is None:
        return None
    image = Image.fromarray(pixels)
    scale = min(1.0, _PHOTO / max(image.size))
    image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    draw = ImageDraw.Draw(image)
    for place, box in reversed(list(enumerate(failure["boxes"]))):
        _outline(draw, box, scale, _WRONG, 1 if place else 3)
    for box in failure["truth"]:
        _outline(draw, box, scale, _RIGHT, 2)
    return _address(image, _PHOTO)


def _outline(
    draw: ImageDraw.ImageDraw, box: Box, scale: float, colour: tuple[int, int, int], width: int
) -> None:
    left, top = box[0] * scale, box[1] * scale
    right, bottom = left + max(1.0, box[2] * scale), top + max(1.0, box[3] * scale)
    draw.rectangle((left - 1, top - 1, right, bottom), outline=colour, width=width)


def _pixels(path: Path | None) -> NDArray[np.uint8] | None:
    """(H, W, 3); None where there is no such picture, or it cannot be read."""
    if path is None:
        return None
    try:
        return flatten(load_picture(path))
    except PictureError:
        return None


def _address(image: Image.Image, side: int) -> str:
    image.thumbnail((side, side))
    stream = io.BytesIO()
    image.save(stream, "WEBP", quality=_QUALITY)
    return f"data:image/webp;base64,{base64.b64encode(stream.getvalue()).decode()}"
