"""What of a picture is asked with: all of it, as `likemark query` asks, turned, and its halves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from likemark.augment.blocks import cut_blocks, find_blocks
from likemark.benchmarks.encoders import Pixels
from likemark.retrieval.engine import QUARTERS
from likemark.retrieval.pictures.views import halves, turned_by_eighths
from likemark.retrieval.results import BLOCK_WEIGHT, EIGHTH_WEIGHT, HALF_WEIGHT

Part = Literal["whole", "element", "turn", "eighth", "half"]


@dataclass(frozen=True, slots=True)
class Manner:
    """One way of asking: a gallery's picture counts as its best likeness with any of the parts."""

    name: str
    description: str
    parts: tuple[Part, ...]


WHOLE = Manner("whole", "the picture as it stands", ("whole",))
AS_QUERY = Manner("elements", "with each element of its layout, as `likemark query`", (
    "whole", "element",
))  # fmt: skip
TURNED = Manner("turned", "and turned by eighths, as `likemark query --turned`", (
    "whole", "element", "turn", "eighth",
))  # fmt: skip

PARTS = Manner(
    "parts",
    "and with its halves, and what is nearest looked into, as `likemark query --turned --parts`",
    (*TURNED.parts, "half"),
)
_WEIGHTS = {"element": BLOCK_WEIGHT, "eighth": EIGHTH_WEIGHT, "half": HALF_WEIGHT}


@dataclass(frozen=True, slots=True, eq=False)
class View:
    part: Part
    pixels: Pixels  # (H, W, 3 or 4)

    @property
    def weight(self) -> float:
        """Of the cosines that it finds, as `weighted` takes it."""
        return _WEIGHTS.get(self.part, 1.0)


def views_of(pixels: Pixels, *, by_parts: bool = False) -> list[View]:
    """The whole first. pixels: (H, W, 3 or 4); by_parts: with what only `PARTS` asks with"""
    elements = cut_blocks(pixels, find_blocks(pixels))
    return [
        View("whole", pixels),
        *(View("element", element) for element in elements),
        *(View("turn", np.rot90(pixels, turn // 90)) for turn in QUARTERS),
        *(View("eighth", turned) for turned in turned_by_eighths(pixels)),
        *(View("half", half) for _, half in (halves(pixels) if by_parts else ())),
    ]
