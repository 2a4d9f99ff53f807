"""FlickrLogos-27 from its folder to the result, with drawings as queries where they can be had."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from likemark.benchmarks.flickr27.layout import SUBSETS
from likemark.benchmarks.locate.drawings import Drawings, read_choices, read_drawings
from likemark.benchmarks.locate.failures import Failures, worst
from likemark.benchmarks.locate.flickr import EMPTY, WRONG, FlickrTasks
from likemark.benchmarks.locate.found import Locator
from likemark.benchmarks.locate.run import LocateResult, answered, run_locate
from likemark.benchmarks.locate.standings import REPETITIONS
from likemark.db.errors import LikemarkError

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """What `likemark bench run locate` writes."""

    brands: tuple[str, ...]
    subset: int  # official subset whose photos are scenes
    wrong: int  # queries of another brand, of each kind, in a photo of a brand
    empty: int  # queries of each kind in a photo of none
    without_drawing: dict[str, str]  # why a brand is asked for by crops alone
    sampled: int | None  # questions at most, of scenes drawn from the subset's; None: all of them
    answers: LocateResult
    failures: Failures  # of the first locator


def locate_in_photos(
    folder: Path,
    locators: Sequence[Locator],
    *,
    cache: Path,
    packages: Path,
    npm: str = "npm",
    subset: int = SUBSETS[-1],
    questions: int | None = None,
    repetitions: int = REPETITIONS,
    progress: Progress = lambda line: None,
) -> PhotoResult:
    """Without the packages of drawings, crops alone are asked, and the result says so.

    folder: as `read_flickr27` takes it
    locators: one or more
    cache: keeps the answers; packages: keeps the npm packages and the drawings
    questions: of the subset's, at most so many; None: all
    Raises as `FlickrTasks.read` and `run_locate` do.
    """
    drawings = _drawings(packages, npm, progress)
    tasks = FlickrTasks.read(folder, drawings.pixels, subset=subset, questions=questions)
    missing = {
        brand: drawings.missing.get(brand, "none was chosen") for brand in tasks.without_drawing
    }
    answers = run_locate(tasks, locators, cache, repetitions=repetitions, progress=progress)
    own = [line.answer for line in answered(tasks, locators[0], cache)]  # by now from the cache
    return PhotoResult(
        tasks.flickr.brands, subset, WRONG, EMPTY, missing, questions, answers, worst(tasks, own)
    )


def _drawings(packages: Path, npm: str, progress: Progress) -> Drawings:
    try:
        return read_drawings(packages, npm=npm, progress=progress)
    except LikemarkError as error:
        progress(f"drawings: left out: {error}")
        reason = "the packages of drawings could not be had"
        return Drawings({}, {choice.brand: choice.missing or reason for choice in read_choices()})
