from __future__ import annotations

import numpy as np
import pytest
from support.drawings import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    WHITE,
    Pixels,
    badge,
    disc,
    drawn,
    five_rings,
    gradient_disc,
)  # fmt: skip

from likemark.augment.edits import recolour_segments, remove_segments, rotate_segments
from likemark.augment.pixels import contrast, lay
from likemark.augment.segments import Segments, find_segments

CLEAR = (0, 0, 0, 0)
GROUNDS = pytest.mark.parametrize("ground", [WHITE, CLEAR], ids=["opaque", "clear"])


def label_of(segments: Segments, colour: tuple[int, int, int]) -> int:
    labels = range(1, len(segments) + 1)
    return min(labels, key=lambda label: contrast(segments.colour(label), colour))


def taken(pixels: Pixels) -> Segments:
    return find_segments(pixels)


def far_from(segments: Segments, label: int, px: int = 3) -> np.ndarray:
    """(H, W): what lies that many px and more from a segment."""
    near = segments.labels == label
    for _ in range(px):
        near = near | np.roll(near, 1, 0) | np.roll(near, -1, 0)
        near = near | np.roll(near, 1, 1) | np.roll(near, -1, 1)
    return ~near


@GROUNDS
def test_a_recoloured_segment_has_its_new_colour_and_the_rest_is_untouched(ground):
    pixels = badge(ground)
    segments = taken(pixels)
    square = label_of(segments, RED)
    result = recolour_segments(pixels, segments, {square: (250, 220, 40)})
    assert result.shape == pixels.shape
    assert result.dtype == np.uint8
    assert result[50, 60, :3].tolist() == [250, 220, 40]
    apart = far_from(segments, square)
    np.testing.assert_array_equal(result[apart], pixels[apart])


@GROUNDS
def test_a_recoloured_mark_is_the_one_drawn_in_that_colour_edges_and_all(ground):
    one, other = disc(ground, BLUE), disc(ground, (240, 180, 30))
    result = recolour_segments(one, taken(one), {1: (240, 180, 30)})
    assert np.abs(lay(result, BLACK).astype(int) - lay(other, BLACK)).max() <= 6


def test_a_recoloured_gradient_stays_one_unless_it_is_to_be_flat():
    pixels = gradient_disc()
    segments = taken(pixels)
    shaded = recolour_segments(pixels, segments, {1: (200, 90, 60)})
    assert shaded[60, 80, 0] - shaded[60, 45, 0] > 30
    flat = recolour_segments(pixels, segments, {1: (200, 90, 60)}, flat=True)
    assert np.ptp(flat[60, 30:90], axis=0).max() == 0


@GROUNDS
def test_removed_segments_are_gone_and_what_held_them_grows_over(ground):
    pixels = badge(ground)
    segments = taken(pixels)
    square, bar = label_of(segments, RED), label_of(segments, BLACK)
    result = remove_segments(pixels, segments, (square, bar))
    assert result is not None
    assert contrast(tuple(result[50, 60, :3].tolist()), GREEN) <= 4
    np.testing.assert_array_equal(result[107, 60], ground)
    left = find_segments(result)
    assert len(left) == 2
    apart = far_from(segments, square) & far_from(segments, bar)
    np.testing.assert_array_equal(result[apart], pixels[apart])


def test_what_would_leave_too_little_ink_is_not_removed():
    pixels = badge()
    segments = taken(pixels)
    share = segments.areas[0] / segments.ink
    assert remove_segments(pixels, segments, (1,), keep=1 - share + 0.01) is None
    assert remove_segments(pixels, segments, (1,), keep=1 - share - 0.01) is not None
    assert remove_segments(pixels, segments, (1, 2, 3, 4)) is None


def test_a_letter_and_the_counter_in_it_are_filled_as_one_hole():
    pixels = badge(CLEAR)
    segments = taken(pixels)
    inner = label_of(segments, GREEN), label_of(segments, RED)
    result = remove_segments(pixels, segments, inner)
    assert result is not None
    assert contrast(tuple(result[50, 60, :3].tolist()), BLUE) <= 2
    assert result[50, 60, 3] == 255


@GROUNDS
def test_a_rotated_segment_turns_in_place_and_leaves_the_others(ground):
    pixels = badge(ground)
    segments = taken(pixels)
    square = label_of(segments, RED)
    result = rotate_segments(pixels, segments, {square: 45})
    assert result.shape == pixels.shape
    assert contrast(tuple(result[50, 60, :3].tolist()), RED) <= 4
    assert contrast(tuple(result[50, 72, :3].tolist()), RED) <= 24  # a corner points there now
    assert contrast(tuple(result[42, 52, :3].tolist()), GREEN) <= 8  # and was here
    apart = far_from(segments, square, 8)
    np.testing.assert_array_equal(result[apart], pixels[apart])


def test_a_full_turn_changes_nothing_to_speak_of():
    pixels = five_rings()
    result = rotate_segments(pixels, taken(pixels), {1: 360.0, 3: -360.0})
    assert np.abs(result.astype(int) - pixels).max() <= 3


def test_the_canvas_grows_for_a_bar_that_is_stood_upright():
    pixels = drawn(
        lambda pen, f: pen.rectangle((10 * f, 20 * f, 110 * f, 30 * f), fill=BLACK), size=(120, 50)
    )
    result = rotate_segments(pixels, taken(pixels), {1: 90})
    assert result.shape[0] >= 100
    turned = find_segments(result)
    width, height = turned.boxes[0][2:] - turned.boxes[0][:2]
    assert height == pytest.approx(101, abs=2)
    assert width == pytest.approx(11, abs=2)


def test_labels_that_are_no_segments_are_refused():
    pixels = badge()
    with pytest.raises(ValueError, match="label 5 must be from 1 to 4"):
        remove_segments(pixels, taken(pixels), (5,))
    with pytest.raises(ValueError, match="label 0 must be from 1 to 4"):
        recolour_segments(pixels, taken(pixels), {0: RED})
