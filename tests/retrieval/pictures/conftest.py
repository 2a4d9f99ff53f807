"""Files built by the tests themselves, and the shortest ways to decode them."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Picture, Request


@pytest.fixture
def encode() -> Callable[..., bytes]:
    """`encode(image, format, **options)`: the bytes of a saved file."""

    def run(image: Image.Image, kind: str, **options: Any) -> bytes:
        stream = io.BytesIO()
        image.save(stream, kind, **options)
        return stream.getvalue()

    return run


@pytest.fixture
def mark() -> Image.Image:
    """A red disc and a blue bar on white, 120 x 80 px, with a border on every side."""
    image = Image.new("RGB", (120, 80), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((20, 15, 60, 55), fill=(220, 20, 30))
    draw.rectangle((66, 30, 100, 60), fill=(20, 40, 200))
    return image


@pytest.fixture
def noise() -> Image.Image:
    """Pixels that no codec can shrink, so that a cut anywhere loses some."""
    return Image.fromarray(np.random.default_rng(7).integers(0, 256, (90, 130, 3), np.uint8))


@pytest.fixture
def see() -> Callable[..., Picture]:
    """`see(data)`: decode bytes in this process at S = 64."""

    def run(
        data: bytes, *, name: str = "test", size: int = 64, crop: Crop | None = None, **limits: Any
    ) -> Picture:
        return decode(Request(name, data, crop), size=size, limits=PictureLimits(**limits))

    return run


@pytest.fixture
def refuse(see: Callable[..., Picture]) -> Callable[..., PictureError]:
    """`refuse(data)`: the error that decoding ends with, after checks that hold for all."""

    def run(data: bytes, **options: Any) -> PictureError:
        with pytest.raises(PictureError) as caught:
            see(data, **options)
        message = str(caught.value)
        assert "\n" not in message
        assert message.startswith(f"{options.get('name', 'test')}: {caught.value.reason}: ")
        return caught.value

    return run


@pytest.fixture
def svg() -> Callable[..., bytes]:
    """`svg(body, attributes)`: an SVG file around a body."""

    def run(body: str, attributes: str = 'viewBox="0 0 100 50"', head: str = "") -> bytes:
        spaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
        return f"{head}<svg {spaces} {attributes}>{body}</svg>".encode()

    return run
