"""A likemark model as a benchmark sees it. D: its dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.retrieval.devices import AUTO
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.normalise import flatten, ground_colour, square, trim


@dataclass(frozen=True, slots=True)
class ModelEncoder:
    embedder: Embedder
    label: str  # its row in the tables

    @classmethod
    def load(cls, found: FoundModel, *, device: str = AUTO, name: str | None = None) -> Self:
        """name: what the tables call it, else its card's name. Raises as `Embedder.load`."""
        return cls(Embedder.load(found, device=device), name or found.card.name)

    @property
    def name(self) -> str:
        return self.label

    @property
    def fingerprint(self) -> str:
        return self.embedder.card.fingerprint

    @property
    def dimension(self) -> int:
        return self.embedder.dimension

    def encode(self, pictures: Iterable[Pixels]) -> Iterator[Rows]:
        """See `Encoder.encode`."""
        size = self.embedder.size
        for _, row in self.embedder.stream(pictures, lambda pixels: prepared(pixels, size)):
            assert row is not None  # every picture has pixels
            yield row


def prepared(pixels: Pixels, size: int) -> Pixels:
    """By the rules that indexing follows: flattened, trimmed, padded to a square.

    pixels: (H, W, 3 or 4)
    result: (size, size, 3)
    """
    pixels = np.ascontiguousarray(pixels)
    rgb = flatten(pixels) if pixels.shape[2] == 4 else pixels
    ground = ground_colour(pixels, rgb)
    return square(trim(rgb, ground), size, ground)
