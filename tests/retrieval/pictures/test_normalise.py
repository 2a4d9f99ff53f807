"""Flatten, trim and square keep a mark's look: visible ink, no squashing, borders cut."""

from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image, ImageDraw, ImageFilter

from likemark.retrieval.pictures.background import CANDIDATES, choose_background
from likemark.retrieval.pictures.decode import fingerprint
from likemark.retrieval.pictures.normalise import (
    MARGIN,
    TOLERANCE,
    border_colour,
    flatten,
    ground_colour,
    square,
    trim,
)

WHITE, BLACK, GREY = CANDIDATES[:3]


def ink(*discs: tuple[int, int, int, tuple[int, ...]], side: int = 300) -> np.ndarray:
    """(side, side, 4): discs of (x, y, radius, colour) on transparency of an odd colour."""
    image = Image.new("RGBA", (side, side), (90, 200, 10, 0))
    draw = ImageDraw.Draw(image)
    for x, y, radius, colour in discs:
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    return np.array(image)


def test_an_opaque_picture_keeps_its_pixels() -> None:
    rgba = ink((150, 150, 90, WHITE))
    rgba[..., 3] = 255
    assert (flatten(rgba) == rgba[..., :3]).all()
    assert flatten(rgba).flags.c_contiguous


@pytest.mark.parametrize("colour", [BLACK, (200, 0, 0), (0, 0, 255), (128, 128, 128)])
def test_dark_and_coloured_ink_is_laid_on_white(colour: tuple[int, int, int]) -> None:
    rgb = flatten(ink((150, 150, 90, colour)))
    assert tuple(rgb[0, 0]) == WHITE
    assert tuple(rgb[150, 150]) == colour


@pytest.mark.parametrize("colour", [WHITE, (250, 250, 245), (255, 255, 225)])
def test_white_ink_does_not_vanish(colour: tuple[int, int, int]) -> None:
    rgb = flatten(ink((150, 150, 90, colour)))
    assert tuple(rgb[0, 0]) == BLACK
    assert tuple(rgb[150, 150]) == colour


def test_white_and_black_ink_are_both_visible() -> None:
    rgb = flatten(ink((80, 150, 60, WHITE), (220, 150, 60, BLACK))).astype(int)
    ground = rgb[0, 0]
    assert np.abs(rgb[150, 80] - ground).min() > 50
    assert np.abs(rgb[150, 220] - ground).min() > 50


def test_a_small_white_word_beside_a_large_black_device_stays_visible() -> None:
    rgb = flatten(ink((120, 150, 100, BLACK), (260, 150, 14, WHITE)))
    assert tuple(rgb[0, 0]) == GREY


def test_a_white_fill_within_a_black_outline_is_safe_on_white() -> None:
    rgb = flatten(ink((150, 150, 100, BLACK), (150, 150, 94, WHITE)))
    assert tuple(rgb[0, 0]) == WHITE


def test_a_white_outline_around_black_ink_is_safe_on_white() -> None:
    rgb = flatten(ink((150, 150, 103, WHITE), (150, 150, 100, BLACK)))
    assert tuple(rgb[0, 0]) == WHITE


def test_thin_white_strokes_in_a_large_picture_stay_visible() -> None:
    image = Image.new("RGBA", (2000, 2000))
    draw = ImageDraw.Draw(image)
    for at in range(100, 1900, 60):
        draw.line((at, 100, at, 1900), fill="white", width=2)
    assert choose_background(np.asarray(image)) == BLACK


@pytest.mark.parametrize("alpha", [0, 1, 60])
def test_faint_or_absent_ink_is_laid_on_white_or_shown(alpha: int) -> None:
    rgba = ink((150, 150, 90, (255, 255, 255, alpha)))
    assert tuple(flatten(rgba)[0, 0]) == (BLACK if alpha else WHITE)


def test_ink_of_every_grey_takes_the_ground_that_hides_least() -> None:
    greys = [(255,) * 3, (0,) * 3, (128,) * 3, (192,) * 3, (64,) * 3]
    discs = [(30 + 60 * i, 150, 22, grey) for i, grey in enumerate(greys)]
    assert choose_background(ink(*discs)) in CANDIDATES


def test_hidden_colour_under_full_transparency_does_not_matter() -> None:
    one, other = ink((150, 150, 90, BLACK)), ink((150, 150, 90, BLACK))
    other[other[..., 3] == 0] = (1, 2, 3, 0)
    assert (flatten(one) == flatten(other)).all()


def framed(border: tuple[int, int, int] = (255, 255, 255)) -> np.ndarray:
    rgb = np.empty((90, 140, 3), np.uint8)
    rgb[:] = border
    rgb[20:60, 35:115] = np.random.default_rng(1).integers(60, 180, (40, 80, 3))
    rgb[20, 35], rgb[59, 114] = (60, 60, 60), (60, 60, 60)
    return rgb


@pytest.mark.parametrize("border", [WHITE, BLACK, (10, 240, 120)])
def test_the_border_is_cut_exactly(border: tuple[int, int, int]) -> None:
    rgb = framed(border)
    assert np.shares_memory(trim(rgb), rgb)
    assert (trim(rgb) == rgb[20:60, 35:115]).all()


def test_noise_in_the_border_is_cut_with_it() -> None:
    rgb = framed()
    grain = np.random.default_rng(2).integers(0, TOLERANCE // 2, rgb.shape, np.uint8)
    rgb[:] = np.where(rgb == 255, rgb - grain, rgb)
    assert trim(rgb).shape == (40, 80, 3)


@pytest.mark.parametrize("quality", [30, 60, 90])
def test_jpeg_noise_leaves_at_most_a_block_around_the_mark(quality: int) -> None:
    stream = io.BytesIO()
    Image.fromarray(framed()).save(stream, "JPEG", quality=quality)
    height, width = trim(np.asarray(Image.open(stream))).shape[:2]
    assert 40 <= height <= 40 + 32
    assert 80 <= width <= 80 + 32


@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (50, 1), (40, 40)])
def test_a_picture_of_one_colour_is_returned_whole(shape: tuple[int, int]) -> None:
    rgb = np.full((*shape, 3), 77, np.uint8)
    assert trim(rgb).shape == rgb.shape


def test_without_a_common_border_colour_nothing_is_cut() -> None:
    rgb = np.random.default_rng(3).integers(0, 256, (50, 60, 3), np.uint8)
    assert border_colour(rgb) is None
    assert trim(rgb).shape == rgb.shape


def test_an_inked_corner_does_not_change_the_border_colour() -> None:
    rgb = framed()
    rgb[:10, :12] = 0
    colour = border_colour(rgb)
    assert colour is not None
    assert tuple(colour) == WHITE


def test_trimming_twice_changes_nothing() -> None:
    once = trim(framed())
    assert trim(np.ascontiguousarray(once)).shape == once.shape


def content_box(pixels: np.ndarray) -> tuple[int, int, int, int]:
    rows, columns = np.nonzero((pixels != pixels[0, 0]).any(axis=2))
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


@pytest.mark.parametrize("shape", [(400, 400), (100, 400), (400, 100), (30, 60), (1000, 10)])
@pytest.mark.parametrize("size", [64, 224, 513])
def test_nothing_is_squashed(shape: tuple[int, int], size: int) -> None:
    height, width = shape
    pixels = square(np.zeros((height, width, 3), np.uint8) + np.uint8(5), size)
    assert pixels.shape == (size, size, 3)
    ring = np.zeros((height, width, 3), np.uint8)
    ring[::2] = 255  # no common border colour, so the ground is white
    ring[:, ::2] = (255, 0, 0)
    left, top, right, bottom = content_box(square(ring, size))
    scale = (right - left) / width if width >= height else (bottom - top) / height
    assert abs((right - left) - max(1, width * scale)) <= 2
    assert abs((bottom - top) - max(1, height * scale)) <= 2
    assert abs((left + right) - size) <= 2
    assert abs((top + bottom) - size) <= 2
    assert max(right - left, bottom - top) == pytest.approx(size * (1 - 2 * MARGIN), abs=1.5)


def test_the_padding_takes_the_border_colour() -> None:
    rgb = np.zeros((50, 100, 3), np.uint8)
    rgb[:] = (0, 90, 160)
    rgb[10:40, 30:70] = (255, 255, 0)
    pixels = square(rgb, 64)
    assert tuple(pixels[0, 0]) == tuple(pixels[-1, -1]) == (0, 90, 160)


def test_a_picture_without_border_is_padded_white() -> None:
    rgb = np.random.default_rng(3).integers(0, 200, (50, 60, 3), np.uint8)
    assert tuple(square(rgb, 64)[0, 0]) == WHITE


def badge(clear: bool) -> np.ndarray:
    """(200, 200, 4): a blue plate with round corners that fills the picture, a white disc on it."""
    image = Image.new("RGBA", (200, 200), (255, 255, 255, 0 if clear else 255))
    draw = ImageDraw.Draw(image)
    draw.rounded_rectangle((0, 0, 199, 199), radius=20, fill=(0, 60, 200, 255))
    draw.ellipse((70, 70, 130, 130), fill=(255, 255, 255, 255))
    return np.array(image)


@pytest.mark.parametrize("clear", [True, False])
def test_a_badge_with_round_corners_stands_on_what_is_round_it(clear: bool) -> None:
    pixels = badge(clear)
    rgb = flatten(pixels)
    ground = ground_colour(pixels, rgb)
    assert ground is not None
    squared = square(trim(rgb, ground), 100, ground)
    assert tuple(squared[0, 0]) == tuple(squared[50, 1]) == WHITE


def test_a_frame_is_padded_with_the_border_it_was_cut_from_not_with_its_ink() -> None:
    rgb = np.zeros((100, 100, 3), np.uint8)
    rgb[20:80, 20:80] = 255  # a white frame on black
    rgb[30:70, 30:70] = 0
    ground = ground_colour(rgb, rgb)
    assert ground is not None
    squared = square(trim(rgb, ground), 100, ground)
    assert tuple(squared[0, 0]) == BLACK
    assert tuple(squared[50, 8]) == WHITE


def test_a_plate_without_border_keeps_its_colour_to_the_rim() -> None:
    rgb = np.zeros((60, 60, 3), np.uint8)
    rgb[:] = (200, 30, 30)
    rgb[20:40, 20:40] = 255
    ground = ground_colour(rgb, rgb)
    assert ground is not None
    assert tuple(square(rgb, 64, ground)[0, 0]) == (200, 30, 30)


def test_reduction_is_antialiased() -> None:
    rgb = np.indices((1200, 1200)).sum(axis=0)[..., None].repeat(3, axis=2) % 2 * 255
    middle = square(rgb.astype(np.uint8), 64)[20:44, 20:44].astype(int)
    assert np.abs(middle - 128).max() < 12


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (3, 1_000_000)])
def test_extreme_aspects_become_squares(shape: tuple[int, int]) -> None:
    rgb = np.random.default_rng(4).integers(0, 256, (*shape, 3), np.uint8)
    assert square(trim(rgb), 224).shape == (224, 224, 3)


def test_a_large_picture_needs_no_second_copy() -> None:
    rgb = np.full((4000, 4000, 3), 255, np.uint8)
    rgb[1000:3000, 900:3100] = 40
    art = trim(rgb)
    assert art.shape == (2000, 2200, 3)
    assert np.shares_memory(art, rgb)


def test_the_fingerprint_is_of_pixels_and_shape_not_of_strides() -> None:
    rgb = framed()
    view = rgb[5:70, 3:100]
    assert fingerprint(view) == fingerprint(view.copy())
    assert fingerprint(rgb) != fingerprint(rgb.reshape(140, 90, 3))
    assert fingerprint(rgb) != fingerprint(rgb ^ np.uint8(1))


@settings(max_examples=60, deadline=None)
@given(
    rgba=arrays(np.uint8, array_shapes(min_dims=2, max_dims=2, max_side=12).map(lambda s: (*s, 4))),
    size=st.integers(1, 40),
)
def test_any_pixels_become_a_square(rgba: np.ndarray, size: int) -> None:
    assert square(trim(flatten(rgba)), size).shape == (size, size, 3)


def test_soft_edges_of_white_ink_stay_visible() -> None:
    alpha = Image.fromarray(ink((150, 150, 90, WHITE))).getchannel("A")
    image = Image.new("RGBA", alpha.size, "white")
    image.putalpha(alpha.filter(ImageFilter.GaussianBlur(4)))
    assert choose_background(np.asarray(image)) == BLACK
