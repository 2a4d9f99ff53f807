"""What says where a mark is: the network, asked for it or for any mark, and the truth."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Rect
from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import AUTO
from likemark.retrieval.redact.locating import ANY_THRESHOLD, THRESHOLD, found_in
from likemark.retrieval.redact.regions import Region, region_of_box

if TYPE_CHECKING:
    from likemark.retrieval.oneshot.finder import Finder


class Finding(Protocol):
    """Finds a query's mark in a scene."""

    @property
    def name(self) -> str:
        """Its rows in the table."""
        ...

    @property
    def network(self) -> str:
        """What it is, by name and weights."""
        ...

    def find(self, query: Pixels, scene: Pixels) -> Sequence[Region]:
        """query: (h, w, 3 or 4), cut to the mark; scene: (H, W, 3), upright."""
        ...

    def find_any(self, scene: Pixels) -> Sequence[Region]:
        """Every mark, whichever it is. scene: (H, W, 3), upright."""
        ...


class NetworkFinding:
    """The finder that is shipped, from the probabilities on that `likemark redact` covers."""

    name = "found"

    def __init__(self, finder: Finder) -> None:
        self._finder = finder

    @classmethod
    def load(cls, *, device: str = AUTO) -> NetworkFinding:
        """Raises as `Finder.load`."""
        from likemark.retrieval.oneshot.finder import Finder

        return cls(Finder.load(device=device))

    @property
    def network(self) -> str:
        card, tracer = self._finder.card, self._finder.tracer
        return f"{card.name} {card.sha256[:12]}" + (f", traced by {tracer[:12]}" if tracer else "")

    def find(self, query: Pixels, scene: Pixels) -> Sequence[Region]:
        try:
            ask = self._finder.ask(query)
        except InvalidInput:  # a crop without ink asks for nothing
            return []
        return found_in(scene, self._finder, [ask], THRESHOLD)

    def find_any(self, scene: Pixels) -> Sequence[Region]:
        return found_in(scene, self._finder, [self._finder.anything()], ANY_THRESHOLD)


def true_regions(boxes: Sequence[Rect]) -> list[Region]:
    """boxes: left, top, width, height, px"""
    regions = []
    for left, top, width, height in boxes:
        x, y = round(left), round(top)
        right, bottom = max(round(left + width), x + 1), max(round(top + height), y + 1)
        regions.append(region_of_box(x, y, right - x, bottom - y))
    return regions
