from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, GREEN, RED, WHITE, awkward, badge, disc, five_rings

from likemark.augment.appearance import (
    fresh_ink,
    invert,
    one_colour,
    outline,
    recolour,
    same_ink,
    set_ground,
    silhouette,
)  # fmt: skip
from likemark.augment.pixels import contrast, lay
from likemark.augment.segments import find_segments

CLEAR = (0, 0, 0, 0)


@pytest.mark.parametrize("name", awkward())
def test_inverting_twice_gives_the_original(name: str):
    pixels = awkward()[name]
    np.testing.assert_array_equal(invert(invert(pixels)), pixels)
    assert not np.array_equal(invert(pixels)[..., :3], pixels[..., :3])
    np.testing.assert_array_equal(invert(pixels)[..., 3:], pixels[..., 3:])


@pytest.mark.parametrize("ground", [WHITE, CLEAR, BLACK])
def test_one_colour_has_two_colours_and_what_lies_between(ground):
    result = one_colour(find_segments(five_rings(ground)), ink=BLUE)
    away = (result.astype(int) - WHITE) @ np.subtract(BLUE, WHITE)
    share = away / np.dot(np.subtract(BLUE, WHITE), np.subtract(BLUE, WHITE))
    on_line = np.array(WHITE) + share[..., None] * np.subtract(BLUE, WHITE)
    assert np.abs(result - on_line).max() <= 1
    assert result[0, 0].tolist() == list(WHITE)
    assert (share > 0.9).sum() > 500


def test_one_colour_keeps_touching_parts_apart():
    segments = find_segments(badge())
    parts = find_segments(one_colour(segments))
    assert len(parts) == 4
    assert len(find_segments(silhouette(segments))) == 2


def test_a_pale_part_is_ground_in_one_colour_unless_it_is_all_there_is():
    pixels = badge().copy()
    pale = (236, 236, 200)
    pixels[(pixels == BLUE).all(axis=2)] = pale
    result = one_colour(find_segments(pixels))
    assert result[20, 20].tolist() == list(WHITE)
    assert result[50, 40].tolist() == list(BLACK)
    alone = one_colour(find_segments(disc(WHITE, pale)))
    assert alone[60, 60].tolist() == list(BLACK)


def test_recolouring_changes_every_ink_and_not_the_ground():
    pixels = five_rings()
    segments = find_segments(pixels)
    result = recolour(pixels, segments, np.random.default_rng(0))
    np.testing.assert_array_equal(result[0, 0], pixels[0, 0])
    again = find_segments(result)
    assert len(again) == 5
    for label in range(1, 6):
        where = segments.labels == label
        assert np.abs(result[where].astype(int) - pixels[where]).max() >= 64


def test_parts_of_one_ink_stay_of_one_ink():
    pixels = badge().copy()
    pixels[102:112, 10:60] = WHITE
    pixels[100:115, 20:50] = RED
    segments = find_segments(pixels)
    groups = same_ink(segments)
    assert sorted(map(len, groups)) == [1, 1, 1, 2]
    result = recolour(pixels, segments, np.random.default_rng(3))
    np.testing.assert_allclose(result[50, 60].astype(int), result[107, 35], atol=2)


def test_fresh_inks_are_unlike_those_to_avoid():
    rng = np.random.default_rng(0)
    for _ in range(20):
        ink = fresh_ink(rng, [WHITE, BLACK])
        assert min(contrast(ink, WHITE), contrast(ink, BLACK)) >= 96


def test_an_outline_has_strokes_where_parts_meet_and_nothing_filled():
    segments = find_segments(badge())
    result = outline(segments, width=2.0)
    margin = (result.shape[0] - 120) // 2
    inner = result[margin:-margin, margin:-margin]
    assert inner[30, 20].tolist() == list(WHITE)
    assert inner[50, 60].tolist() == list(WHITE)
    assert inner[50, 9:12].min() < 60
    assert 0.02 < (result < 128).mean() < 0.25


def test_an_outline_closes_round_a_mark_that_fills_its_picture():
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[:, 1:] = (*RED, 255)
    result = outline(find_segments(pixels))
    for edge in (result[:6], result[-6:]):
        assert edge.min(axis=(0, 2))[8:-8].max() < 128


@pytest.mark.parametrize("page", [(244, 243, 238), (22, 24, 30), GREEN])
def test_a_mark_cut_out_lies_on_a_page_as_if_drawn_there(page):
    pixels = disc(WHITE, RED)
    segments = find_segments(pixels)
    drawn_there = disc(page, RED).astype(int)
    assert np.abs(set_ground(pixels, segments, page) - drawn_there).max() <= 8
    cut = set_ground(pixels, segments, None)
    assert cut.shape == (120, 120, 4)
    assert np.abs(lay(cut, page) - drawn_there).max() <= 8


def test_cutting_out_what_is_clear_already_changes_little():
    pixels = badge(CLEAR)
    cut = set_ground(pixels, find_segments(pixels), None)
    assert np.abs(lay(cut, WHITE).astype(int) - lay(pixels, WHITE)).max() <= 8
