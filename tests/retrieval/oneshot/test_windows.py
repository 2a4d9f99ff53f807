from __future__ import annotations

import numpy as np
import pytest

from likemark.retrieval.oneshot.regions import SAME, iou
from likemark.retrieval.oneshot.windows import is_round, likest, spot_of, windows

SIZES = [(640, 480), (480, 640), (300, 300), (20_000, 400), (3, 3), (900, 20), (1, 200), (200, 2)]


@pytest.mark.parametrize("size", SIZES, ids=str)
def test_windows_are_parts_of_the_scene_and_a_few_dozen_at_most(size: tuple[int, int]) -> None:
    boxes = windows(*size)
    assert boxes[0] == (0, 0, *size)
    assert len(set(boxes)) == len(boxes) <= 48
    for left, top, right, bottom in boxes:
        assert 0 <= left < right <= size[0]
        assert 0 <= top < bottom <= size[1]


@pytest.mark.parametrize("size", SIZES[:3], ids=str)
def test_a_large_mark_anywhere_has_a_window_that_is_much_the_same(size: tuple[int, int]) -> None:
    boxes, rng = windows(*size), np.random.default_rng(0)
    best = []
    for _ in range(300):
        side = min(size) * rng.uniform(0.6, 1.0)
        left, top = (round(rng.uniform(0, length - side)) for length in size)
        mark = left, top, left + round(side), top + round(side)
        best.append(max(iou(box, mark) for box in boxes))
    assert np.mean(np.array(best) >= SAME) > 0.9


def test_the_likest_windows_come_first_and_none_twice() -> None:
    boxes = [(0, 0, 10, 10), (0, 0, 9, 10), (20, 0, 30, 10), (40, 0, 50, 10)]
    chosen = likest(boxes, np.array([0.5, 0.9, 0.7, 0.1], np.float32), 2)
    assert chosen == [boxes[1], boxes[2]]


@pytest.mark.parametrize("box", [(0, 0, 400, 300), (390, 290, 400, 300), (100, 60, 300, 180)])
def test_a_window_reads_the_logits_that_lie_in_it(box: tuple[int, int, int, int]) -> None:
    logits = np.zeros((75, 100), np.float32)
    logits[box[1] // 4 : -(-box[3] // 4), box[0] // 4 : -(-box[2] // 4)] = 2.0
    spot = spot_of(box, (300, 400), logits)
    assert spot.region.box == box
    assert spot.read(logits)[0] == pytest.approx(2.0)
    assert spot.side == pytest.approx(((box[2] - box[0]) * (box[3] - box[1])) ** 0.5)


def test_a_window_round_a_small_place_is_told_from_one_that_it_fills() -> None:
    window = (0, 85, 278, 363)
    assert is_round(window, (121, 290, 223, 382))
    assert not is_round(window, (20, 100, 260, 350))
    assert not is_round(window, (300, 290, 400, 382))
