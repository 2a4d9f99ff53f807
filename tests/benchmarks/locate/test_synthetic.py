from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.corpus import draw_mark

from likemark.benchmarks.locate.found import Found
from likemark.benchmarks.locate.run import run_locate
from likemark.benchmarks.locate.synthetic import SIDE, SyntheticTasks
from likemark.db.errors import InvalidInput

DRAWINGS = [np.asarray(draw_mark(number)) for number in range(4)]
GROUPS = np.array([0, 0, 1, 2])


@pytest.fixture(scope="module")
def photos() -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (300, 320, 3)).astype(np.uint8) for _ in range(2)]


@pytest.fixture(scope="module")
def tasks(photos: list[np.ndarray]) -> SyntheticTasks:
    return SyntheticTasks.make(DRAWINGS, GROUPS, photos, count=8, seed=1)


def test_each_scene_is_asked_with_its_mark_and_with_another(tasks: SyntheticTasks):
    asked = tasks.asked
    for place in range(len(asked.scenes)):
        right, wrong = asked.asks[2 * place : 2 * place + 2]
        assert asked.is_right(right)
        assert not asked.is_right(wrong)
        assert right.scene == wrong.scene == place


def test_boxes_hold_the_mask_of_all_copies(tasks: SyntheticTasks):
    for place, scene in enumerate(tasks.asked.scenes):
        mask = tasks.truth(place)
        assert mask is not None
        assert mask.shape == (SIDE, SIDE)
        held = np.zeros_like(mask)
        for left, top, width, height in scene.boxes:
            held[int(top) : int(top + height), int(left) : int(left + width)] = True
        assert mask.any()
        assert not (mask & ~held).any()


def test_the_seed_decides_the_scenes(photos: list[np.ndarray], tasks: SyntheticTasks):
    again = SyntheticTasks.make(DRAWINGS, GROUPS, photos, count=8, seed=1)
    assert (again.data, again.asked) == (tasks.data, tasks.asked)
    assert SyntheticTasks.make(DRAWINGS, GROUPS, photos, count=8, seed=2).data != tasks.data


class Knowing:
    """Finds what there is, in any scene, whatever the query."""

    name = "knowing"
    fingerprint = "0b" * 32

    def __init__(self, tasks: SyntheticTasks) -> None:
        self.truths = {id(made.pixels): made for made in tasks.made}

    def locate(self, query: np.ndarray, scene: np.ndarray) -> list[Found]:
        made = self.truths[id(scene)]
        return [Found(made.boxes[0], 0.9, made.mask)]


def test_a_true_mask_is_a_whole_one(tasks: SyntheticTasks, tmp_path: Path):
    (row,) = run_locate(tasks, [Knowing(tasks)], tmp_path, repetitions=0).rows
    assert row.standings[0].mask_iou.value == 1
    assert row.standings[0].swap_auroc.value == 0.5


def test_scenes_need_two_marks_and_a_photo(photos: list[np.ndarray]):
    with pytest.raises(InvalidInput, match="two marks or more"):
        SyntheticTasks.make(DRAWINGS[:2], GROUPS[:2], photos, count=1)
    with pytest.raises(InvalidInput, match="a photo"):
        SyntheticTasks.make(DRAWINGS, GROUPS, [], count=1)
