"""likemark's own network as a locator."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

import numpy as np

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Found, Mask
from likemark.benchmarks.locate.rivals.shared import Kept
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.redact.regions import Region

_QUERIES = 64  # that are kept ready


class OneShotLocator:
    """See `Locator`."""

    def __init__(self, finder: Finder) -> None:
        self.finder = finder
        self._query = Kept(finder.ask, most=_QUERIES)

    @property
    def name(self) -> str:
        return self.finder.card.name

    @property
    def fingerprint(self) -> str:
        model = self.finder.embedder.card.fingerprint
        card = {k: v for k, v in asdict(self.finder.card).items() if k not in _FOR_PEOPLE}
        text = json.dumps(["one-shot 7", card, model, self.finder.tracer], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def locate(self, query: Pixels, scene: Pixels) -> Sequence[Found]:
        """See `Locator.locate`; the score is a probability."""
        try:
            ask = self._query.of(query)
        except InvalidInput:  # of one colour
            return []
        return [
            Found(_rect(each.region), each.region.score, _whole(each.region, scene.shape))
            for each in self.finder.locate(scene, [ask], threshold=0.0)
        ]


_FOR_PEOPLE = ("about", "provenance", "licence", "threshold")


def _rect(region: Region) -> tuple[float, float, float, float]:
    left, top, right, bottom = region.box
    return float(left), float(top), float(right - left), float(bottom - top)


def _whole(region: Region, shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape[:2], np.bool_)
    height, width = region.mask.shape
    mask[region.top : region.top + height, region.left : region.left + width] = region.mask > 0
    return mask
