from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
import pytest
from support.flickr27 import STRANGERS

from likemark.benchmarks.locate.asks import Ask, Asked, Query, Scene
from likemark.benchmarks.locate.flickr import FlickrTasks
from likemark.benchmarks.locate.found import Found
from likemark.benchmarks.locate.run import answered, mask_iou, run_locate
from likemark.benchmarks.locate.standings import Standing
from likemark.db.errors import InvalidInput, LikemarkError


@dataclass
class ColourLocator:
    """Finds where a scene has the query's colour."""

    name: str = "colours"
    fingerprint: str = "c0" * 32
    most: int = 10**9  # questions before it breaks
    asked: int = 0
    scenes: list[int] = field(default_factory=list)  # ids of the arrays it saw

    def locate(self, query: np.ndarray, scene: np.ndarray) -> Sequence[Found]:
        if self.asked == self.most:
            raise KeyboardInterrupt
        self.asked += 1
        self.scenes.append(id(scene))
        ink = query[query[..., 3] > 0, :3] if query.shape[2] == 4 else query.reshape(-1, 3)
        near = np.abs(scene.astype(int) - np.median(ink, axis=0)).max(axis=2) < 40
        if near.sum() < 50:
            return []
        down, across = np.nonzero(near)
        left, top = float(across.min()), float(down.min())
        sides = float(across.max() + 1 - left), float(down.max() + 1 - top)
        return [Found((left, top, *sides), float(near.mean()))]


def standing(standings: Sequence[Standing], query: str, size: str = "all") -> Standing:
    (one,) = [each for each in standings if (each.query, each.size) == (query, size)]
    return one


def test_marks_that_a_locator_sees_are_counted_as_found(tasks: FlickrTasks, tmp_path: Path):
    lines: list[str] = []
    result = run_locate(
        tasks, [ColourLocator()], tmp_path / "cache", repetitions=20, progress=lines.append
    )
    (row,) = result.rows
    for query in ("drawing", "crop"):
        one = standing(row.standings, query)
        assert one.map_50.value == pytest.approx(1)
        assert one.swap_auroc.value == 1
        assert one.false_masks[-1].rate.value == 0
    assert standing(row.standings, "crop").brands == 3
    assert standing(row.standings, "drawing").brands == 2
    assert row.nothing_found == 0
    assert row.seconds_per_megapixel is not None
    assert result.scenes_without_brand == STRANGERS
    assert result.questions == len(tasks.asked.asks)
    assert lines == [
        f"colours: {len(tasks.asked.asks)} questions",
        f"colours: {len(tasks.asked.scenes)} of {len(tasks.asked.scenes)} scenes",
    ]
    text = json.dumps(asdict(result), allow_nan=False)
    assert str(tmp_path) not in text


def test_a_killed_run_goes_on_where_it_stopped(tasks: FlickrTasks, tmp_path: Path):
    whole = run_locate(tasks, [ColourLocator()], tmp_path / "whole", repetitions=0)
    cache = tmp_path / "cache"
    with pytest.raises(KeyboardInterrupt):
        answered(tasks, ColourLocator(most=30), cache)
    (path,) = cache.iterdir()
    path.write_text(path.read_text()[:-20])  # the last line is cut
    rest = ColourLocator()
    result = run_locate(tasks, [rest], cache, repetitions=0)
    assert rest.asked == len(tasks.asked.asks) - 29
    assert result.rows[0].standings == whole.rows[0].standings
    again = ColourLocator()
    assert run_locate(tasks, [again], cache, repetitions=0) == result
    assert again.asked == 0


def test_other_locators_and_other_data_share_no_answers(
    folder: Path, tasks: FlickrTasks, drawings: dict[str, np.ndarray], tmp_path: Path
):
    answered(tasks, ColourLocator(), tmp_path)
    other = ColourLocator(fingerprint="c1" * 32)
    answered(tasks, other, tmp_path)
    assert other.asked == len(tasks.asked.asks)
    inverted = {brand: 255 - drawing for brand, drawing in drawings.items()}
    changed = ColourLocator()
    answered(FlickrTasks.read(folder, inverted), changed, tmp_path)
    assert changed.asked == len(tasks.asked.asks)


def test_queries_of_a_scene_come_with_the_same_array(tasks: FlickrTasks, tmp_path: Path):
    locator = ColourLocator()
    lines = answered(tasks, locator, tmp_path)
    for (one, first), (other, second) in zip(
        zip(tasks.asked.asks, locator.scenes, strict=True),
        list(zip(tasks.asked.asks, locator.scenes, strict=True))[1:],
        strict=False,
    ):
        if one.scene == other.scene:
            assert first == second
    assert sum(line.is_first for line in lines) == len(tasks.asked.scenes)


class Muddled(ColourLocator):
    def locate(self, query: np.ndarray, scene: np.ndarray) -> Sequence[Found]:
        return [Found((0, 0, 5, 5), 0.1), Found((0, 0, 5, 5), 0.2)]


def test_answers_that_are_not_best_first_are_refused(tasks: FlickrTasks, tmp_path: Path):
    with pytest.raises(InvalidInput, match=r"colours: scores \[0.1, 0.2\] are not best first"):
        answered(tasks, Muddled(), tmp_path)


def test_a_cache_that_cannot_be_written_is_one_line(tasks: FlickrTasks, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LikemarkError, match="cannot be written"):
        answered(tasks, ColourLocator(), tmp_path / "file" / "cache")


class Masked:
    """One scene of two copies, whose masks are known."""

    data = "5c" * 32

    def __init__(self) -> None:
        boxes = ((0.0, 0.0, 4.0, 4.0), (10.0, 0.0, 4.0, 4.0))
        queries = (Query("q", "drawing", "a"), Query("r", "drawing", "b"))
        self.asked = Asked((Scene("s", 20, 10, "a", boxes),), queries, (Ask(0, 0), Ask(0, 1)))
        self.mask = np.zeros((10, 20), bool)
        self.mask[0:4, 0:4] = self.mask[0:4, 10:14] = True

    def scene_pixels(self, scene: int) -> np.ndarray:
        return np.zeros((10, 20, 3), np.uint8)

    def query_pixels(self, query: int) -> np.ndarray:
        return np.full((4, 4, 3), query, np.uint8)

    def truth(self, scene: int) -> np.ndarray:
        return self.mask


class Fixed(ColourLocator):
    def locate(self, query: np.ndarray, scene: np.ndarray) -> Sequence[Found]:
        half = np.zeros(scene.shape[:2], bool)
        half[0:4, 0:2] = True
        return [
            Found((0, 0, 2, 4), 0.9, half),
            Found((10, 0, 4, 4), 0.8),
            Found((0, 6, 4, 4), 0.7),  # one more than there are copies
        ]


def test_masks_are_held_against_all_copies_of_the_right_mark(tmp_path: Path):
    tasks = Masked()
    lines = answered(tasks, Fixed(), tmp_path)
    assert lines[0].answer.mask_iou == pytest.approx((8 + 16) / 32)
    assert lines[1].answer.mask_iou is None
    (row,) = run_locate(tasks, [Fixed()], tmp_path, repetitions=0).rows
    assert standing(row.standings, "drawing").mask_iou.value == pytest.approx(0.75)


def test_a_box_over_the_edge_is_cut_there():
    truth = np.zeros((10, 10), bool)
    truth[:5, :5] = True
    assert mask_iou([Found((-5, -5, 10, 10), 1.0)], truth) == 1
    assert mask_iou([], truth) == 0
