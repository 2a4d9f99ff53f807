from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, RED, WHITE, awkward, badge, disc, five_rings, lockup

from likemark.augment.geometry import crop, fit, mirror, resize, rotate, stretch, turn_planes
from likemark.augment.pixels import to_planes
from likemark.augment.segments import find_segments

CLEAR = (0, 0, 0, 0)


@pytest.mark.parametrize("name", awkward())
def test_quarter_turns_and_mirrors_are_exact_and_undo_themselves(name: str):
    pixels = awkward()[name]
    np.testing.assert_array_equal(mirror(mirror(pixels)), pixels)
    np.testing.assert_array_equal(rotate(rotate(pixels, 90), -90), pixels)
    np.testing.assert_array_equal(rotate(pixels, 180), pixels[::-1, ::-1])
    assert rotate(pixels, 90).shape == (pixels.shape[1], pixels.shape[0], pixels.shape[2])


def test_turning_is_counter_clockwise():
    pixels = np.full((41, 41, 3), 255, np.uint8)
    pixels[18:23, 30:38] = 0
    for degrees in (90, 89.9):
        rows, columns = np.nonzero(rotate(pixels, degrees)[..., 0] < 128)
        assert rows.mean() < 12
        assert columns.mean() == pytest.approx(20.5, abs=2)


@pytest.mark.parametrize("name", awkward())
def test_any_angle_gives_a_canvas_that_holds_everything(name: str):
    pixels = awkward()[name]
    result = rotate(pixels, 33)
    height, width = pixels.shape[:2]
    diagonal = np.hypot(height, width)
    assert result.shape[2] == pixels.shape[2]
    assert result.dtype == np.uint8
    assert max(result.shape[:2]) <= np.ceil(diagonal) + 1
    assert result.shape[0] * result.shape[1] >= height * width


@pytest.mark.parametrize("ground", [WHITE, BLACK, CLEAR])
def test_a_turned_mark_keeps_its_ink_and_its_ground_fills_the_corners(ground):
    pixels = badge(ground)
    result = rotate(pixels, 25)
    np.testing.assert_array_equal(result[0, 0], ground)
    assert find_segments(result).ink == pytest.approx(find_segments(pixels).ink, rel=0.02)


def test_turning_there_and_back_gives_the_mark_again():
    pixels = disc(CLEAR)
    back = turn_planes(turn_planes(to_planes(pixels), 30, (59.5, 59.5)), -30, (59.5, 59.5))
    assert np.abs(back - to_planes(pixels)).mean() < 1


def test_more_channels_than_four_turn_alike():
    planes = np.random.default_rng(0).random((20, 30, 5)).astype(np.float32)
    whole = turn_planes(planes, 40, (10, 8))
    for channel in range(5):
        alone = turn_planes(planes[..., channel : channel + 1], 40, (10, 8))
        np.testing.assert_allclose(whole[..., channel : channel + 1], alone, atol=1e-5)


def test_stretching_goes_one_way():
    assert stretch(badge(), 1.5).shape == (120, 180, 3)
    assert stretch(badge(), 1.5, upright=True).shape == (180, 120, 3)
    assert stretch(np.zeros((1, 1, 3), np.uint8), 0.1).shape == (1, 1, 3)


def test_fitting_keeps_the_proportions():
    assert fit(np.zeros((50, 200, 4), np.uint8), 100).shape == (25, 100, 4)
    assert fit(np.zeros((1, 400, 3), np.uint8), 32).shape == (1, 32, 3)
    with pytest.raises(ValueError, match="0 x 5 px"):
        resize(badge(), 0, 5)


def test_clear_px_lend_no_colour_to_what_shrinks():
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[..., :3] = (0, 255, 0)
    pixels[10:30, 10:30] = (*RED, 255)
    small = resize(pixels, 13, 13)
    assert (small[small[..., 3] > 40][:, 1] <= RED[1] + 4).all()


@pytest.mark.parametrize("seed", range(8))
def test_a_crop_is_a_window_of_a_quarter_with_ink_and_edges(seed: int):
    pixels = lockup()
    segments = find_segments(pixels)
    window = crop(pixels, segments, np.random.default_rng(seed))
    assert window is not None
    left, top, right, bottom = segments.box()
    area = (right - left) * (bottom - top)
    assert window.shape[0] * window.shape[1] == pytest.approx(area / 4, rel=0.03)
    assert (np.ptp(window.reshape(-1, 3), axis=0) > 100).any()
    places = [
        (y, x)
        for y in range(150 - window.shape[0] + 1)
        for x in range(180 - window.shape[1] + 1)
        if np.array_equal(pixels[y : y + len(window), x : x + window.shape[1]], window)
    ]
    assert places


def test_crops_differ_by_seed_alone():
    pixels = five_rings()
    segments = find_segments(pixels)
    one, same, other = (crop(pixels, segments, np.random.default_rng(s)) for s in (1, 1, 2))
    assert one is not None
    assert same is not None
    assert np.array_equal(one, same)
    assert other is None or not np.array_equal(one, other)


@pytest.mark.parametrize("name", ["one colour", "all clear", "one px", "tiny", "a line"])
def test_what_has_no_part_to_show_is_not_cropped(name: str):
    pixels = awkward()[name]
    assert crop(pixels, find_segments(pixels), np.random.default_rng(0)) is None
