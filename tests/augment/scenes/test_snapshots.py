"""A mark cut out of a photo again: whole, with a little round it, as a camera saw it."""

from __future__ import annotations

import numpy as np
import pytest
from support.drawings import badge, five_rings

from likemark.augment.marks import Mark
from likemark.augment.scenes.scene import Placed
from likemark.augment.scenes.snapshot import box_of, snapshot

GREY = np.full((200, 240, 3), 128, np.uint8)


def cuts(mark: Mark, count: int = 24, side: int = 96) -> list[np.ndarray]:
    found = (snapshot(GREY, mark, np.random.default_rng(n), side=side) for n in range(count))
    return [each for each in found if each is not None]


def test_nearly_every_draw_shows_the_mark_in_a_window_of_the_scene() -> None:
    found = cuts(Mark.of(badge()))
    assert len(found) >= 20
    assert all(each.shape[2] == 3 and each.dtype == np.uint8 for each in found)
    assert max(max(each.shape[:2]) for each in found) <= 96
    assert all(np.ptp(each.reshape(-1, 3), axis=0).max() > 40 for each in found)


def test_windows_are_of_many_sizes_and_not_all_tight() -> None:
    areas = [each.shape[0] * each.shape[1] for each in cuts(Mark.of(five_rings()))]
    assert max(areas) > 6 * min(areas)


def test_the_same_draw_gives_the_same_window() -> None:
    mark = Mark.of(badge())
    for one, two in zip(cuts(mark, 4), cuts(mark, 4), strict=True):
        np.testing.assert_array_equal(one, two)


def test_a_scene_without_room_for_a_mark_is_refused() -> None:
    with pytest.raises(ValueError, match="no room"):
        snapshot(GREY, Mark.of(badge()), np.random.default_rng(0), side=20)


def test_the_box_is_that_of_what_is_seen() -> None:
    mask = np.zeros((20, 30), np.uint8)
    quad = np.zeros((4, 2))
    assert box_of(Placed(0, mask, quad, 0.0)) is None
    mask[4:9, 11:25] = 200
    assert box_of(Placed(0, mask, quad, 1.0)) == (4, 9, 11, 25)
