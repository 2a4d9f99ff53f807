"""Every picture that a report shows, decoded once and kept small."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.pictures.pool import DecoderPool

# Flat artwork is smallest without loss; a photo above this many bytes is not.
_LOSSLESS_BYTES = 24_000
_QUALITY = 88


@dataclass(frozen=True, slots=True)
class Thumbnails:
    """Square pictures as WebP, those of the collection apart from those of the queries.

    Apart because a query may be a crop of a picture that is also a hit; a name that stands on one
    side alone is found from both.
    """

    size: int  # S, px
    pictures: Mapping[str, bytes]  # path -> WebP, of those that can be read
    queries: Mapping[str, bytes]  # a query's name -> WebP, of those that can be read

    def data_uri(self, path: str) -> str | None:
        """A hit's picture as an address that needs no file; None: it cannot be read any more."""
        return _data_uri(self.pictures.get(path) or self.queries.get(path))

    def query_uri(self, name: str) -> str | None:
        return _data_uri(self.queries.get(name) or self.pictures.get(name))

    def pixels(self, path: str) -> NDArray[np.uint8] | None:
        """result: (S, S, 3) RGB; None: the picture cannot be read any more."""
        return _pixels(self.pictures.get(path) or self.queries.get(path))

    def query_pixels(self, name: str) -> NDArray[np.uint8] | None:
        """result: (S, S, 3) RGB; None: the picture cannot be read any more."""
        return _pixels(self.queries.get(name) or self.pictures.get(name))


def load_thumbnails(
    paths: Iterable[str],
    *,
    size: int = 192,
    limits: PictureLimits | None = None,
    extra: Iterable[Request] = (),
) -> Thumbnails:
    """Decode every distinct picture once, safely.

    paths: of hits, which were read when they were indexed, whatever the limits were then
    size: S, px
    limits: of the queries
    extra: queries, looked up by their name: data and crop as they were searched
    """
    queries = {request.name: request for request in extra}
    limits = limits or PictureLimits()
    asked = _decoded(queries.values(), size, limits)
    # Of what is both, it is decoded once.
    done = {r.name: webp for r, webp in asked.items() if r.data is None and r.crop is None}
    others = [Request(path) for path in dict.fromkeys(paths) if path not in done]
    shown = {
        request.name: webp for request, webp in _decoded(others, size, limits.of_indexed()).items()
    }
    return Thumbnails(size, {**done, **shown}, {r.name: webp for r, webp in asked.items()})


def _decoded(requests: Iterable[Request], size: int, limits: PictureLimits) -> dict[Request, bytes]:
    """Of those that can be read."""
    wanted = list(requests)
    if not wanted:
        return {}
    with DecoderPool(size=size, limits=limits) as pool:
        return {
            request: _webp(result.pixels)
            for request, result in zip(wanted, pool.map(wanted), strict=True)
            if not isinstance(result, PictureError)
        }


def picture_uri(pixels: NDArray[np.uint8]) -> str:
    """(H, W, 3), of any shape, as an address that needs no file."""
    return _data_uri(_webp(pixels)) or ""


def _webp(pixels: NDArray[np.uint8]) -> bytes:
    image = Image.fromarray(pixels)
    exact = _encoded(image, lossless=True, quality=60)
    if len(exact) <= _LOSSLESS_BYTES:
        return exact
    return min(exact, _encoded(image, lossless=False, quality=_QUALITY), key=len)


def _encoded(image: Image.Image, *, lossless: bool, quality: int) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "WEBP", lossless=lossless, quality=quality)
    return stream.getvalue()


def _data_uri(webp: bytes | None) -> str | None:
    if webp is None:
        return None
    return "data:image/webp;base64," + base64.b64encode(webp).decode("ascii")


def _pixels(webp: bytes | None) -> NDArray[np.uint8] | None:
    if webp is None:
        return None
    with Image.open(io.BytesIO(webp)) as image:
        return np.asarray(image.convert("RGB"))
