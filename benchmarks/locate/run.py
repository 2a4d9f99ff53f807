"""Locators asked every question, timed, and judged: the result of `likemark bench run locate`."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from pathlib import Path

import numpy as np

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.asks import Asked, Tasks
from likemark.benchmarks.locate.found import Found, Locator, Mask
from likemark.benchmarks.locate.journal import Line, adding, journal_path, read_lines
from likemark.benchmarks.locate.matches import Answer
from likemark.benchmarks.locate.standings import REPETITIONS, Standing, standings
from likemark.db.errors import InvalidInput

_REPORT = 50  # scenes between two lines of progress
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class LocateRow:
    """One locator."""

    name: str
    fingerprint: str
    # Decoding left out. Of the first query of a scene, and of those after it, for which a locator
    # may have kept what it made of the scene.
    seconds_per_megapixel: float | None
    seconds_per_megapixel_again: float | None  # None where no scene has two questions
    nothing_found: float  # share of the right questions without any found box
    standings: tuple[Standing, ...]


@dataclass(frozen=True, slots=True)
class LocateResult:
    data: str  # sha256, as `Tasks.data`
    seed: int  # of the bootstrap
    scenes: int
    scenes_without_brand: int
    queries: int
    questions: int
    megapixels: float  # of the scenes
    rows: tuple[LocateRow, ...]


def run_locate(
    tasks: Tasks,
    locators: Sequence[Locator],
    cache: Path,
    *,
    seed: int = 0,
    repetitions: int = REPETITIONS,
    progress: Progress = lambda line: None,
) -> LocateResult:
    """A row for each locator, in order; answers in the cache are not asked for again.

    cache: folder for the answers, made when missing
    seed, repetitions: of the bootstrap
    Raises LikemarkError when the cache cannot be written, PictureError, and what locators raise.
    """
    asked = tasks.asked
    rows = tuple(_row(tasks, each, cache, seed, repetitions, progress) for each in locators)
    return LocateResult(
        data=tasks.data,
        seed=seed,
        scenes=len(asked.scenes),
        scenes_without_brand=sum(scene.brand is None for scene in asked.scenes),
        queries=len({ask.query for ask in asked.asks}),
        questions=len(asked.asks),
        megapixels=sum(scene.megapixels for scene in asked.scenes),
        rows=rows,
    )


def answered(
    tasks: Tasks, locator: Locator, cache: Path, *, progress: Progress = lambda line: None
) -> list[Line]:
    """Every question's line, in order, from the cache or from the locator."""
    path = journal_path(cache, locator.fingerprint, tasks.data)
    lines = read_lines(path)
    asked = tasks.asked
    if any(asked.id(ask) not in lines for ask in asked.asks):
        with adding(path) as stream:
            for line in _asked_now(tasks, locator, set(lines), progress):
                text = line.to_json()
                # Rounded as it is read back: a run that was killed has the same figures.
                lines[line.id] = Line.of(json.loads(text))
                stream.write(f"{text}\n")
                stream.flush()
    return [lines[asked.id(ask)] for ask in asked.asks]


def _row(
    tasks: Tasks, locator: Locator, cache: Path, seed: int, repetitions: int, progress: Progress
) -> LocateRow:
    progress(f"{locator.name}: {len(tasks.asked.asks):,} questions")
    lines = answered(tasks, locator, cache, progress=progress)
    answers = [line.answer for line in lines]
    asked = tasks.asked
    right = [a for a, ask in zip(answers, asked.asks, strict=True) if asked.is_right(ask)]
    return LocateRow(
        locator.name,
        locator.fingerprint,
        _pace(asked, lines, is_first=True),
        _pace(asked, lines, is_first=False),
        sum(not answer.boxes for answer in right) / max(1, len(right)),
        standings(asked, answers, seed=seed, repetitions=repetitions),
    )


def _asked_now(
    tasks: Tasks, locator: Locator, done: set[str], progress: Progress
) -> Iterator[Line]:
    asked = tasks.asked
    queries: dict[int, Pixels] = {}
    groups = groupby(asked.asks, key=lambda ask: ask.scene)
    for count, (scene, asks) in enumerate(groups, 1):
        left = [ask for ask in asks if asked.id(ask) not in done]
        pixels = tasks.scene_pixels(scene) if left else None
        for number, ask in enumerate(left):
            assert pixels is not None  # there are questions left
            if ask.query not in queries:
                queries[ask.query] = tasks.query_pixels(ask.query)
            start = time.perf_counter()
            found = locator.locate(queries[ask.query], pixels)
            seconds = time.perf_counter() - start
            truth = tasks.truth(scene) if asked.is_right(ask) else None
            copies = len(asked.scenes[scene].boxes)
            answer = to_answer(locator, found, truth, copies)
            yield Line(asked.id(ask), answer, seconds, number == 0)
        if left and (count % _REPORT == 0 or count == len(asked.scenes)):
            progress(f"{locator.name}: {count:,} of {len(asked.scenes):,} scenes")


def to_answer(locator: Locator, found: Sequence[Found], truth: Mask | None, copies: int) -> Answer:
    """truth: (H, W), the px of `copies` copies of the mark; None: unknown, or a wrong question.

    Raises InvalidInput for answers that are not best first.
    """
    scores = [float(each.score) for each in found]
    if any(later > earlier for earlier, later in pairwise(scores)):
        raise InvalidInput(f"{locator.name}: scores {scores} are not best first")
    iou = None if truth is None else mask_iou(found[:copies], truth)
    return Answer(tuple(each.box for each in found), tuple(scores), iou)


def mask_iou(found: Sequence[Found], truth: Mask) -> float:
    """Of the union of found places with the true mask; a place without a mask is its whole box.

    found: as many of the best as there are copies; truth: (H, W), not empty
    """
    union = np.zeros_like(truth)
    for each in found:
        union |= each.mask if each.mask is not None else _filled(each, truth.shape)
    return float((union & truth).sum() / (union | truth).sum())


def _filled(found: Found, shape: tuple[int, ...]) -> Mask:
    mask = np.zeros(shape, np.bool_)
    left, top, width, height = found.box
    down, across = (
        slice(max(0, round(start)), max(0, round(start + length)))
        for start, length in ((top, height), (left, width))
    )
    mask[down, across] = True
    return mask


def _pace(asked: Asked, lines: Sequence[Line], *, is_first: bool) -> float | None:
    """Seconds per megapixel over all such questions."""
    pairs = [
        (line.seconds, asked.scenes[ask.scene].megapixels)
        for line, ask in zip(lines, asked.asks, strict=True)
        if line.is_first == is_first
    ]
    return sum(s for s, _ in pairs) / sum(m for _, m in pairs) if pairs else None
