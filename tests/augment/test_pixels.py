from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, RED, badge, disc

from likemark.augment.pixels import (
    checked,
    contrast,
    ground_of,
    lay,
    opaque,
    pad,
    shown,
    stands_out,
    to_pixels,
    to_planes,
)


@pytest.mark.parametrize("channels", [3, 4])
def test_planes_give_the_picture_back(channels: int):
    pixels = np.random.default_rng(0).integers(0, 256, (40, 50, channels), dtype=np.uint8)
    if channels == 4:
        pixels[pixels[..., 3] == 0] = 0
    np.testing.assert_array_equal(to_pixels(to_planes(pixels)), pixels)


def test_planes_of_what_is_clear_hold_no_colour():
    pixels = np.array([[[200, 100, 50, 0], [200, 100, 50, 255]]], np.uint8)
    assert to_planes(pixels)[0].tolist() == [[0, 0, 0, 0], [200, 100, 50, 255]]


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 2), np.uint8),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 3), np.float32),
    ],
)
def test_what_is_no_picture_is_refused(pixels: np.ndarray):
    with pytest.raises(ValueError, match=r"must be uint8 and \(H, W, 3 or 4\)$"):
        checked(pixels)


def test_ground_is_the_corners_colour_though_a_plate_fills_most_of_the_edge():
    pixels = np.full((50, 50, 3), 255, np.uint8)
    pixels[:, 4:-4] = RED
    pixels[4:-4] = RED
    assert shown(ground_of(to_planes(pixels))) == (255, 255, 255)


def test_ground_is_clear_where_the_edge_is():
    assert ground_of(to_planes(badge((0, 0, 0, 0)))).tolist() == [0, 0, 0, 0]
    assert ground_of(to_planes(badge((0, 0, 0, 3)))).tolist() == [0, 0, 0, 0]


def test_ground_is_the_commonest_colour_of_an_edge_whose_corners_differ():
    pixels = np.full((50, 50, 3), 240, np.uint8)
    pixels[:6, :6] = 0
    assert shown(ground_of(to_planes(pixels))) == (240, 240, 240)


def test_laid_on_a_page_the_page_shows_through():
    page = lay(disc((0, 0, 0, 0), BLACK), (10, 200, 30))
    assert page.shape == (120, 120, 3)
    assert page[0, 0].tolist() == [10, 200, 30]
    assert page[60, 60].tolist() == [0, 0, 0]
    opaque_picture = disc()
    assert lay(opaque_picture, BLACK) is opaque_picture


def test_padding_moves_the_picture_and_fills_around_it():
    padded = pad(badge(), (3, 5, 7, 11), opaque(RED, 3))
    assert padded.shape == (120 + 16, 120 + 10, 3)
    np.testing.assert_array_equal(padded[5:125, 3:123], badge())
    assert padded[0, 0].tolist() == list(RED)


def test_ink_stands_out_by_lightness_or_by_hue():
    assert contrast((0, 10, 200), (0, 90, 210)) == 80
    assert stands_out((0, 0, 0), (255, 255, 255))
    assert stands_out((230, 20, 20), (20, 90, 20))
    assert not stands_out((15, 22, 137), (22, 24, 30))
