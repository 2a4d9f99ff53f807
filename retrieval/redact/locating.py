"""What finds the marks of one file after another: a query, every mark, or what was found before."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.devices import AUTO
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.redact.regions import Locator, Pixels, Region
from likemark.retrieval.redact.shapes import joined

if TYPE_CHECKING:
    from likemark.retrieval.oneshot.finder import Ask, Finder

Locating = Callable[[Path], Locator]  # takes a file's name, before it is opened
# A mark that stays is worse than a place covered without need: nine times as bad where a mark is
# asked for, three times where any is. So a place is covered from a probability of 1 / (1 + 9), or
# 1 / (1 + 3), on, where `locate` names it from the network's own.
THRESHOLD, ANY_THRESHOLD = 0.1, 0.25


def locating_queries(
    queries: Sequence[Path],
    *,
    threshold: float = THRESHOLD,
    device: str = AUTO,
    limits: PictureLimits | None = None,
    card: Path | None = None,
) -> Locating:
    """What finds the marks that are shown, with the network.

    queries: pictures of marks, and folders of such
    threshold: probability from which a place counts, 0 to 1
    card: of the network; None: the one in the package
    Raises PictureError, InvalidInput where a picture shows no mark, NotFound, and as `Finder.load`.
    """
    from likemark.retrieval.pictures.load import load_picture

    check_threshold(threshold)
    pictures = [(path, load_picture(path, limits)) for path in _files(queries)]
    # After the pictures: torch need not be loaded to say that one is missing.
    from likemark.retrieval.oneshot.finder import Finder

    finder = Finder.load(device=device, card=card)
    asks = [finder.ask(pixels, name=str(path)) for path, pixels in pictures]

    return lambda path: lambda frame: found_in(frame, finder, asks, threshold)


def locating_all(
    *, threshold: float = ANY_THRESHOLD, device: str = AUTO, card: Path | None = None
) -> Locating:
    """What finds every mark, whichever it is; raises as `Finder.load`."""
    check_threshold(threshold)
    from likemark.retrieval.oneshot.finder import Finder

    finder = Finder.load(device=device, card=card)
    asks = [finder.anything()]
    return lambda path: lambda frame: found_in(frame, finder, asks, threshold)


def found_in(frame: Pixels, finder: Finder, asks: Sequence[Ask], threshold: float) -> list[Region]:
    """What is covered of a (H, W, 3) frame: each mark with what else was found of it, once."""
    found = finder.locate(np.ascontiguousarray(frame), asks, threshold=threshold)
    return each_once([reduce(joined, each.others, each.region) for each in found])


def each_once(found: Sequence[Region]) -> list[Region]:
    """Places that several queries have found, joined: each is one mark, all of which is covered.

    found: the surest first
    """
    from likemark.retrieval.oneshot.regions import is_same

    places: list[Region] = []
    for region in found:
        for number, surer in enumerate(places):
            if is_same(region.box, surer.box):
                places[number] = joined(surer, region)
                break
        else:
            places.append(region)
    return places


def check_threshold(threshold: float | None) -> None:
    if threshold is not None and not 0 <= threshold <= 1:
        raise InvalidInput(f"threshold {threshold}: a probability is 0 to 1")


def _files(queries: Sequence[Path]) -> list[Path]:
    from likemark.retrieval.scan import pictures

    files: list[Path] = []
    for query in queries:
        found = list(pictures(query)) if os.path.isdir(query) else [query]
        if not found:
            raise NotFound(f"{query}: holds no pictures")
        files += found
    return files
