"""What a locator answers. H, W: px of a scene; h, w: px of a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Pixels
from likemark.db.errors import InvalidInput

Rect = tuple[float, float, float, float]  # left, top, width, height, px
Mask = NDArray[np.bool_]  # (H, W)


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """One place in a scene where the query's mark may stand."""

    box: Rect  # of it, at any fraction of a px, width and height above 0
    score: float  # higher is surer, on one scale for all queries and scenes
    mask: Mask | None = None  # its px; None of what finds boxes only

    def __post_init__(self) -> None:
        if not np.isfinite((*self.box, self.score)).all() or min(self.box[2:]) <= 0:
            raise InvalidInput(
                f"found {self.box} with score {self.score}: give finite numbers, and a width and "
                "height above 0"
            )
        if self.mask is not None and (self.mask.ndim != 2 or self.mask.dtype != np.bool_):
            raise InvalidInput(f"a mask of {self.mask.dtype} {self.mask.shape} must be bool (H, W)")


class Locator(Protocol):
    """A network, or a rival of it. The same pictures give the same answer, but for rounding."""

    @property
    def name(self) -> str:
        """Its row in the tables."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for locators that answer alike: 64 hexadecimal digits."""
        ...

    def locate(self, query: Pixels, scene: Pixels) -> Sequence[Found]:
        """Any number of places, best first; none where it sees nothing.

        query: (h, w, 3) or (h, w, 4), cut to the mark; scene: (H, W, 3)
        Queries of one scene come one after the other, with the same array: what is made of it
        may be kept for the next.
        """
        ...


def overlap(one: Rect, others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Intersection over union of a box with each of N, as areas of the plane.

    others: (N, 4): left, top, width, height
    result: (N,), 0 to 1
    """
    left, top, width, height = one
    across = np.minimum(left + width, others[:, 0] + others[:, 2]) - np.maximum(left, others[:, 0])
    down = np.minimum(top + height, others[:, 1] + others[:, 3]) - np.maximum(top, others[:, 1])
    shared = across.clip(min=0) * down.clip(min=0)
    result: NDArray[np.float64] = shared / (width * height + others[:, 2] * others[:, 3] - shared)
    return result
