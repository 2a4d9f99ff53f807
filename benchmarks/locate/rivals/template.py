"""Multi-scale template matching: normalised cross-correlation at many sizes and a few turns.

The template is the query's grey picture, and the strength of its edges. Each is correlated (zero
mean, unit norm; Lewis, Vision Interface 1995) with the scene's; of grey the magnitude counts, so
that an inverted mark is the same. The score is how far the mean of both is from chance: Fisher's z
of it in standard errors, for as many independent px as the template has. By the correlation itself
the smallest templates would win everywhere. A large mark is looked for in a smaller scene, so that
all sizes cost about the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Found, Rect
from likemark.benchmarks.locate.rivals.shared import (
    Grey,
    Kept,
    best_places,
    clipped,
    recipe_hash,
    to_grey,
)
from likemark.db.errors import InvalidInput

NAME = "Template matching"
Plane = NDArray[np.float32]  # (H, W)

_FLAT = 6.0  # levels of deviation below which a place holds nothing
_MOST_ALIKE = 0.999  # where Fisher's z ends
_DECIMALS = 3  # of a score
_PEAKS = 12  # of one size and turn
_QUERIES = 64  # whose planes are kept
_LEAST_SIDE = 6  # px of a template's shorter side


@dataclass(frozen=True, slots=True)
class TemplateRecipe:
    smallest: float = 20.0  # px, longer side of the smallest mark looked for
    step: float = 1.2  # from one size to the next; the largest is the scene itself
    template: int = 40  # px, longer side from which on the scene is shrunk instead
    turns: tuple[float, ...] = (-12.0, 0.0, 12.0)  # degrees

    def __post_init__(self) -> None:
        if self.smallest < 8 or self.template < 8 or self.step <= 1 or not self.turns:
            raise InvalidInput(f"{self}: give 8 px or more, a step above 1, a turn or more")


@dataclass(frozen=True, slots=True)
class TemplateLocator:
    """See `Locator`."""

    recipe: TemplateRecipe = TemplateRecipe()
    name: str = NAME
    _scene: Kept[Grey] = field(default_factory=lambda: Kept(to_grey), repr=False, compare=False)
    _query: Kept[Grey] = field(
        default_factory=lambda: Kept(to_grey, most=_QUERIES), repr=False, compare=False
    )

    @property
    def fingerprint(self) -> str:
        import cv2

        settings = (_FLAT, _MOST_ALIKE, _DECIMALS, _PEAKS, _LEAST_SIDE, cv2.__version__)
        return recipe_hash("template matching 1", self.recipe, *settings)

    def locate(self, query: Pixels, scene: Pixels) -> Sequence[Found]:
        """See `Locator.locate`; the score is in standard errors, above 0."""
        grey, wanted = self._scene.of(scene), self._query.of(query)
        height, width = grey.shape
        boxes: list[Rect] = []
        scores: list[float] = []
        for small, scale, templates in self._sizes(grey, wanted):
            for template in templates:
                for x, y, score in peaks(response(small, template)):
                    sides = template.shape[1] / scale, template.shape[0] / scale
                    box = clipped((x / scale, y / scale, *sides), width, height)
                    if box is not None:
                        boxes.append(box)
                        scores.append(score)
        return best_places(boxes, scores)

    def _sizes(self, scene: Grey, query: Grey) -> Iterator[tuple[Grey, float, list[Grey]]]:
        """(scene, how much smaller it is, templates) of each size of mark."""
        size = self.recipe.smallest
        longest = max(query.shape)
        fit = longest * min(np.array(scene.shape) / query.shape)
        while size <= fit:
            scale = min(1.0, self.recipe.template / size)
            template = _resized(query, size * scale / longest)
            if min(template.shape) >= _LEAST_SIDE:
                small = _resized(scene, scale)
                turned = [_turned(template, degrees) for degrees in self.recipe.turns]
                yield small, small.shape[1] / scene.shape[1], turned
            size *= self.recipe.step


def response(scene: Grey, template: Grey) -> Plane:
    """How alike each place is, 0 or more; empty where the template does not fit.

    scene: (H, W); template: (h, w)
    result: (H - h + 1, W - w + 1)
    """
    import cv2

    if template.shape[0] > scene.shape[0] or template.shape[1] > scene.shape[1]:
        return np.empty((0, 0), np.float32)
    grey = cv2.matchTemplate(scene, template, cv2.TM_CCOEFF_NORMED)
    edges = cv2.matchTemplate(edge_strength(scene), edge_strength(template), cv2.TM_CCOEFF_NORMED)
    mean = np.minimum((np.abs(grey) + edges.clip(min=0)) / 2, _MOST_ALIKE)
    alike = np.arctanh(mean) * np.sqrt(template.size - 3)
    seen = (_deviation(scene, template.shape) >= _FLAT) & (template.std() >= _FLAT)
    # A place of one level has no correlation, whatever rounding makes of it.
    # The transforms behind it round in another order from run to run.
    return np.where(seen & np.isfinite(alike), alike, 0).round(_DECIMALS).astype(np.float32)


def peaks(plane: Plane) -> list[tuple[int, int, float]]:
    """(x, y, value) of the highest local maxima, highest first."""
    import cv2

    if not plane.size:
        return []
    highest = cv2.dilate(plane, np.ones((5, 5), np.uint8))
    down, across = np.nonzero((plane >= highest) & (plane > 0))
    values = plane[down, across]
    order = np.argsort(-values, kind="stable")[:_PEAKS]
    return [(int(across[i]), int(down[i]), float(values[i])) for i in order]


def edge_strength(grey: Grey) -> Plane:
    """(H, W): magnitude of the slope, in levels."""
    import cv2

    across, down = (cv2.Sobel(grey, cv2.CV_32F, x, 1 - x) for x in (1, 0))
    return np.asarray(cv2.magnitude(across, down), np.float32)


def _deviation(grey: Grey, window: tuple[int, ...]) -> Plane:
    """Standard deviation in every window that fits, in levels."""
    import cv2

    level = grey.astype(np.float64)
    height, width = window
    mean, square = (
        np.asarray(cv2.boxFilter(each, -1, (width, height), anchor=(0, 0)), np.float64)
        for each in (level, level * level)
    )
    rows, columns = grey.shape[0] - height + 1, grey.shape[1] - width + 1
    variance = (square - mean * mean)[:rows, :columns]
    deviation: Plane = np.sqrt(variance.clip(min=0)).astype(np.float32)
    return deviation


def _resized(grey: Grey, scale: float) -> Grey:
    import cv2

    size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
    if size == grey.shape[::-1]:
        return grey
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(grey, size, interpolation=way), np.uint8)


def _turned(grey: Grey, degrees: float) -> Grey:
    """Turned about its middle in a frame that holds all of it, which its border fills up."""
    import cv2

    if not degrees:
        return grey
    height, width = grey.shape
    turn = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1)
    cos, sin = abs(turn[0, 0]), abs(turn[0, 1])
    wide, tall = round(width * cos + height * sin), round(width * sin + height * cos)
    turn[:, 2] += (wide - width) / 2, (tall - height) / 2
    ring = np.concatenate((grey[0], grey[-1], grey[:, 0], grey[:, -1]))
    return np.asarray(
        cv2.warpAffine(grey, turn, (wide, tall), borderValue=float(np.median(ring))), np.uint8
    )
