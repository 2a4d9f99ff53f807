from __future__ import annotations

import itertools

import numpy as np
import pytest

from likemark.retrieval.oneshot.tiles import OVERLAP, TILE, WHOLE, Level, levels, view

STEP = 28

SIZES = [(64, 64), (500, 375), (1000, 1000), (336, 20), (20_000, 600), (31, 4000)]


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_tiles_cover_every_px_of_every_level(width: int, height: int) -> None:
    for level in levels(width, height, step=STEP):
        seen = np.zeros((level.height, level.width), np.int64)
        for left, top, wide, tall in level.tiles():
            assert max(wide, tall) <= TILE
            assert wide % STEP == 0
            assert tall % STEP == 0
            assert left % 4 == 0
            assert top % 4 == 0
            assert left + wide <= level.width
            assert top + tall <= level.height
            seen[top : top + tall, left : left + wide] += 1
        assert seen.min() >= 1


@pytest.mark.parametrize(("width", "height"), SIZES)
def test_the_first_level_is_small_and_the_last_near_the_scene_itself(
    width: int, height: int
) -> None:
    found = levels(width, height, step=STEP)
    longest = [max(level.width, level.height) for level in found]
    assert longest[0] <= WHOLE
    assert longest == sorted(longest)
    assert longest[-1] >= 0.8 * max(width, height)
    assert all(later <= 3.2 * earlier for earlier, later in itertools.pairwise(longest))


def test_neighbouring_tiles_share_enough_for_a_mark_on_their_border() -> None:
    starts = sorted({(left, left + wide) for left, _, wide, _ in Level(2800, 280, STEP).tiles()})
    shared = [end - start for (_, end), (start, _) in itertools.pairwise(starts)]
    assert min(shared) >= OVERLAP - 4


def test_a_view_shows_its_tile_of_the_scene() -> None:
    scene = np.zeros((600, 600, 3), np.uint8)
    scene[300:, 300:] = 255
    level = Level(1120, 1120, STEP)
    for tile in level.tiles():
        left, top, wide, tall = tile
        shown = view(scene, level, tile)
        assert shown.shape == (tall, wide, 3)
        x, y = np.arange(left, left + wide) >= 560, np.arange(top, top + tall) >= 560
        wrong = np.abs(shown[..., 0] / 255.0 - np.outer(y, x)) > 0.5
        assert wrong.mean() < 0.02


def test_a_level_must_fit_patches_and_masks() -> None:
    with pytest.raises(ValueError, match="multiples of 28"):
        Level(300, 280, STEP)
