"""A likemark model as a benchmark sees it. D: its dimensions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.retrieval.devices import AUTO
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.normalise import prepared


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
