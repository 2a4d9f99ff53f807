from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.drawings import (
    BLACK,
    RED,
    RINGS,
    WHITE,
    Pixels,
    awkward,
    badge,
    disc,
    drawn,
    five_rings,
    gradient_disc,
    lockup,
)

from likemark.augment.capture import jpeg
from likemark.augment.parts import MOST_PARTS, Parts, laid, merged, of_cover
from likemark.augment.pixels import lay
from likemark.augment.quick import find_parts
from likemark.augment.segments import find_segments


def opaque_ones() -> dict[str, Pixels]:
    return {name: lay(pixels, WHITE) for name, pixels in awkward().items()}


@pytest.mark.parametrize("ground", [WHITE, BLACK, (120, 130, 140)])
def test_a_disc_with_a_smooth_edge_is_one_part(ground: tuple[int, int, int]):
    parts = find_parts(disc(ground))
    assert len(parts) == 1
    assert parts.ground() == ground
    assert parts.areas()[1] == pytest.approx(np.pi * 40**2, rel=0.02)
    assert np.abs(parts.palette[1].astype(int) - RED).max() <= 2


@pytest.mark.parametrize("pixels", [badge(), five_rings(), lockup(), gradient_disc()])
def test_the_quick_parts_are_the_segments(pixels: Pixels):
    parts, segments = find_parts(pixels), find_segments(pixels)
    assert len(parts) == pytest.approx(len(segments), abs=1)
    agree = (parts.labels > 0) == (segments.labels > 0)
    assert agree.mean() > 0.98


def test_five_rings_are_five_parts_of_their_colours():
    parts = find_parts(five_rings())
    assert len(parts) == 5
    for colour in RINGS:
        assert np.abs(parts.palette[1:].astype(int) - colour).max(axis=1).min() <= 6


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_jpeg_noise_does_not_shatter_a_mark(quality: int):
    assert len(find_parts(jpeg(badge(), quality))) == 4


def test_a_gradient_stays_one_part_and_comes_back_as_texture():
    parts = find_parts(gradient_disc())
    assert len(parts) == 1
    assert parts.texture is not None
    assert np.abs(parts.pixels().astype(int) - gradient_disc()).max() <= 1


def test_thin_strokes_hold_together():
    def draw(pen, f):
        pen.line((15 * f, 20 * f, 105 * f, 95 * f), fill=BLACK, width=int(1.6 * f))
        pen.arc((20 * f, 20 * f, 100 * f, 100 * f), 100, 200, fill=RED, width=int(2 * f))

    parts = find_parts(drawn(draw))
    areas = parts.areas()[1:]
    assert len(parts) <= 4
    assert areas[:2].sum() > 0.85 * areas.sum()


def test_strokes_that_touch_by_corners_alone_are_one_part():
    pixels = np.full((40, 40, 3), 255, np.uint8)
    for place in range(5, 35):
        pixels[place, place] = 0
    assert len(find_parts(pixels)) == 1


@pytest.mark.parametrize("name", opaque_ones())
def test_any_picture_is_taken_apart_and_put_together_again(name: str):
    pixels = opaque_ones()[name]
    parts = find_parts(pixels)
    assert parts.labels.shape == pixels.shape[:2]
    assert parts.labels.max() <= len(parts) <= MOST_PARTS
    if name not in ("noise", "tiny", "a line", "a tall line", "photo"):
        assert np.abs(parts.pixels().astype(int) - pixels).mean() < 2


def test_a_given_ground_is_taken_though_the_edge_says_otherwise():
    pixels = np.zeros((60, 60, 3), np.uint8)
    pixels[20:40, 20:40] = 255
    parts = find_parts(pixels, ground=WHITE)
    assert parts.labels[30, 30] == 0
    assert parts.labels[5, 5] == 1


def test_transparency_is_refused():
    with pytest.raises(ValueError, match="lay the picture on a page first"):
        find_parts(badge((0, 0, 0, 0)))


@settings(max_examples=25, deadline=None)
@given(arrays(np.uint8, st.tuples(st.integers(1, 12), st.integers(1, 12), st.just(3))))
def test_labels_are_always_within_the_palette(pixels: Pixels):
    parts = find_parts(pixels)
    assert max(parts.labels.max(), parts.other.max()) < len(parts.palette)
    assert parts.pixels().shape == pixels.shape


def test_a_cover_is_what_was_drawn():
    pixels = disc(WHITE, BLACK)
    cover = find_parts(pixels).cover()
    assert np.abs(cover.astype(int) - (255 - pixels[..., 0].astype(int))).max() <= 4
    assert np.array_equal(of_cover(cover, BLACK, WHITE).cover(), cover)


def test_what_is_laid_on_top_hides_and_mixes_at_its_edge():
    parts = of_cover(np.full((4, 4), 255, np.uint8), RED, WHITE)
    alpha = np.zeros((4, 4), np.uint8)
    alpha[0], alpha[1] = 255, 128
    both = laid(parts.in_colours(np.array([WHITE, RED, BLACK], np.uint8)), alpha, 2)
    pixels = both.pixels()
    assert pixels[0, 0].tolist() == list(BLACK)
    assert pixels[1, 0].tolist() == pytest.approx([c / 2 for c in RED], abs=1)
    assert pixels[2, 0].tolist() == list(RED)


def test_a_part_merged_into_another_takes_its_colour_and_loses_its_texture():
    parts = find_parts(gradient_disc())
    gone = merged(parts, {1: 0})
    assert gone.labels.max() == 0
    assert np.abs(gone.pixels()[40:80, 40:80].astype(int) - 255).max() == 0


def test_parts_that_do_not_fit_together_are_refused():
    plane = np.zeros((3, 4), np.uint8)
    with pytest.raises(ValueError, match="must be of one size"):
        Parts(plane, plane, plane[:2], np.zeros((1, 3), np.uint8))
    with pytest.raises(ValueError, match="a palette of shape"):
        Parts(plane, plane, plane, np.zeros((0, 3), np.uint8))
