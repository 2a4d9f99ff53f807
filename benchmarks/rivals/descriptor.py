"""An encoder from a function of one picture. S: px of the square it sees; D: its dimensions."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.benchmarks.rivals.pool import worked
from likemark.db.errors import InvalidInput
from likemark.retrieval.cards import PICTURE_RULES
from likemark.retrieval.pictures.normalise import prepared


@dataclass(frozen=True, slots=True)
class DescriptorEncoder:
    name: str  # its row in the tables
    recipe: str  # method, parameters and version of the code: two recipes, two fingerprints
    size: int  # S
    dimension: int  # D
    describe: Callable[[Pixels], Rows]  # (S, S, 3) -> (D,) float32 of length 1

    def __post_init__(self) -> None:
        if min(self.size, self.dimension) < 1:
            raise InvalidInput(f"{self.name}: size and dimension must be 1 or more")

    @property
    def fingerprint(self) -> str:
        return recipe_hash(self.recipe, self.size)

    def encode(self, pictures: Iterable[Pixels]) -> Iterator[Rows]:
        """See `Encoder.encode`."""
        return worked(lambda pixels: self.describe(prepared(pixels, self.size)), pictures)


def recipe_hash(recipe: str, size: int) -> str:
    """64 hexadecimal digits: of what is computed, and of the rules that pad a picture to S px."""
    text = json.dumps({"recipe": recipe, "size": size, "picture_rules": PICTURE_RULES})
    return hashlib.sha256(text.encode()).hexdigest()
