"""pHash and dHash of the package ImageHash as vectors: 64 bits, ordered as by Hamming distance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.benchmarks.rivals.descriptor import DescriptorEncoder
from likemark.benchmarks.rivals.rival import RivalUnavailable

BITS = 64
SIZE = 224  # px; the hash itself scales it down
PHASH, DHASH = "pHash (64 bit)", "dHash (64 bit)"


def phash() -> DescriptorEncoder:
    """The signs of the 8 x 8 lowest frequencies about their median. Raises RivalUnavailable."""
    package = _imagehash()
    return _encoder(PHASH, f"phash, ImageHash {package.__version__}", package.phash)


def dhash() -> DescriptorEncoder:
    """The signs of 8 x 8 differences between neighbours in a row. Raises RivalUnavailable."""
    package = _imagehash()
    return _encoder(DHASH, f"dhash, ImageHash {package.__version__}", package.dhash)


def signed(bits: NDArray[np.bool_]) -> Rows:
    """Rows whose inner product is 1 - 2 h / 64, exactly, where h is the Hamming distance.

    bits: any shape, 64 in all
    result: (64,) float32 of +-1/8
    """
    return np.where(bits.reshape(BITS), np.float32(1 / 8), np.float32(-1 / 8))


def _encoder(name: str, recipe: str, hash_of: Callable[[Image.Image], Any]) -> DescriptorEncoder:
    def describe(pixels: Pixels) -> Rows:
        return signed(hash_of(Image.fromarray(pixels)).hash)

    return DescriptorEncoder(name, recipe, SIZE, BITS, describe)


def _imagehash() -> Any:
    try:
        import imagehash

        # Its own imports come with the first hash: here, not in several threads at once.
        imagehash.phash(Image.new("L", (SIZE, SIZE)))
    except ImportError as error:
        raise RivalUnavailable(
            f"needs the package ImageHash: pip install ImageHash ({error})"
        ) from error
    return imagehash
