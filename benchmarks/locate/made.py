"""Marks of likemark-open in photos that no training has seen, from their folders to the result."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likemark.augment.scenes.recipe import SCENE_RECIPES
from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.locate.found import Locator
from likemark.benchmarks.locate.run import LocateResult, run_locate
from likemark.benchmarks.locate.standings import REPETITIONS
from likemark.benchmarks.locate.synthetic import SyntheticTasks
from likemark.retrieval.oneshot.training.material import split_photos
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.training.corpus import find_photos
from likemark.retrieval.training.views import shrunk

SCENES = 300
DRAWINGS = 400  # of marks that have two or more
HELD_OUT = 0.05  # share of the photos that likemark's own training leaves for this
_SIDE = 256  # px of a drawing before it is put into a scene
_PHOTO = 720  # px of a photo's longer side

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class MadeResult:
    """What `likemark bench run scenes` writes."""

    drawings: int
    marks: int
    photos: int
    answers: LocateResult


def locate_in_made_scenes(
    benchmark: OpenBenchmark,
    photos: Path,
    locators: Sequence[Locator],
    *,
    cache: Path,
    count: int = SCENES,
    seed: int = 0,
    repetitions: int = REPETITIONS,
    progress: Progress = lambda line: None,
) -> MadeResult:
    """photos: a folder, of which those are taken that training leaves out by their names' hash

    cache: keeps the answers
    Raises NotFound for fewer than two photos, PictureError, and as `run_locate` does.
    """
    _, held = split_photos(find_photos(str(photos), "--photos"), HELD_OUT)
    chosen = _chosen(benchmark, seed)
    drawings = [shrunk(benchmark.pictures[number], _SIDE) for number in chosen]
    grounds = [shrunk(flatten(load_picture(path)), _PHOTO) for path in held]
    groups = benchmark.groups[chosen]
    tasks = SyntheticTasks.make(
        drawings, groups, grounds, count=count, seed=seed, recipe=SCENE_RECIPES["default"]
    )
    answers = run_locate(tasks, locators, cache, repetitions=repetitions, progress=progress)
    return MadeResult(len(drawings), len(np.unique(groups)), len(grounds), answers)


def _chosen(benchmark: OpenBenchmark, seed: int) -> list[int]:
    """Drawings of whole marks, chosen at random, until there are enough."""
    order = np.random.default_rng(seed).permutation(int(benchmark.groups.max()) + 1)
    numbers: list[int] = []
    for group in order.tolist():
        if len(numbers) >= DRAWINGS:
            break
        numbers += np.flatnonzero(benchmark.groups == group).tolist()
    return numbers
