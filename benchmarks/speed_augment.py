"""How many views of a mark one core makes in a second, finding the mark's parts included.

`python -m likemark.benchmarks.speed_augment` prints one JSON document. Time is that of the
processor: other programs on the machine count only by what they do to its caches.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass

import numpy as np

from likemark.augment.marks import Mark
from likemark.augment.pixels import Pixels
from likemark.augment.recipe import RECIPES
from likemark.augment.views import make_view
from likemark.benchmarks.sample_builder import SAMPLE
from likemark.db.errors import InvalidInput

SIDE = 160  # px
LEAST_PER_SECOND = 400.0
WARM_UP = 8  # marks that are viewed before the clock runs


@dataclass(frozen=True, slots=True)
class ViewSpeed:
    recipe: str  # of `RECIPES`
    side: int  # px, the marks' longer side
    marks: int
    views: int  # of each
    seconds: float  # of one core, the marks' parts found once each

    @property
    def per_second(self) -> float:
        return self.marks * self.views / self.seconds

    @property
    def met(self) -> bool:
        return self.per_second >= LEAST_PER_SECOND


def measure_views(
    pictures: Sequence[Pixels], *, recipe: str = "default", views: int = 4, seed: int = 0
) -> ViewSpeed:
    """Each picture's views one after the other, beside the picture before it as another mark.

    pictures: (H, W, 3 or 4) each
    """
    if recipe not in RECIPES or len(pictures) < 2 or views < 1:
        raise InvalidInput(
            f"recipe {recipe!r}, {len(pictures)} pictures, {views} views: give one of "
            f"{', '.join(RECIPES)}, 2 pictures or more and 1 view or more"
        )
    with _one_thread():
        _view_all(pictures[:WARM_UP], recipe, 1, seed)
        start = time.process_time()
        _view_all(pictures, recipe, views, seed)
        seconds = time.process_time() - start
    return ViewSpeed(recipe, max(pictures[0].shape), len(pictures), views, seconds)


def sample_pictures(count: int, *, side: int = SIDE) -> list[Pixels]:
    """(h, w, 4) each: the bundled logos, drawn so that the longer side has that many px."""
    from likemark.retrieval.pictures.limits import PictureLimits
    from likemark.retrieval.pictures.svg import render

    logos = sorted((SAMPLE / "marks").glob("*.svg"))
    drawn = [
        np.asarray(render(str(path), path.read_bytes(), PictureLimits())) for path in logos[:count]
    ]
    return [_fitted(picture, side) for picture in drawn]


def _fitted(picture: Pixels, side: int) -> Pixels:
    from likemark.augment.geometry import fit

    return fit(picture, side)


def _view_all(pictures: Sequence[Pixels], recipe: str, views: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    marks = [Mark.of(picture) for picture in pictures]
    for mark, other in zip(marks, [marks[-1], *marks], strict=False):
        for _ in range(views):
            make_view(mark, RECIPES[recipe], rng, other=other)


@contextmanager
def _one_thread() -> Iterator[None]:
    import cv2

    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the views of the bundled logos.")
    parser.add_argument("--recipe", choices=[*RECIPES], default="default")
    parser.add_argument("--marks", type=int, default=200)
    parser.add_argument("--views", type=int, default=4, help="of each mark")
    parser.add_argument("--side", type=int, default=SIDE, help="px")
    given = parser.parse_args()
    pictures = sample_pictures(given.marks, side=given.side)
    speed = measure_views(pictures, recipe=given.recipe, views=given.views)
    document = {**asdict(speed), "per_second": speed.per_second, "met": speed.met}
    print(json.dumps(document, indent=2))


if __name__ == "__main__":
    main()
