"""What a benchmark needs of a thing that turns a picture into a vector. D: its dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]  # (H, W, 3) RGB or (H, W, 4) RGBA, alpha not premultiplied
Rows = NDArray[np.float32]


class Encoder(Protocol):
    """A model or a rival. The inner product of two rows is the similarity, higher is closer."""

    @property
    def name(self) -> str:
        """Its row in the tables."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for encoders whose vectors are the same: 64 hexadecimal digits."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode(self, pictures: Iterable[Pixels]) -> Iterator[Rows]:
        """One (D,) float32 unit row for each picture, in order, as they become ready.

        pictures: of any sizes; each is flattened, trimmed and padded by the encoder itself
        """
        ...
