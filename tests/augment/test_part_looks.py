"""Redrawn outlines, inks, fills and tones of the quick parts."""

from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, RED, WHITE, badge, disc, five_rings, gradient_disc, lockup

from likemark.augment import fills, part_inks, redrawn, tints
from likemark.augment.marks import Job, Mark, Sheet
from likemark.augment.parts import LUMA, Parts
from likemark.augment.recipe import RECIPES, Appearance, Recipe, Redraw


def job(seed: int = 0, recipe: Recipe = RECIPES["default"]) -> Job:
    return Job(recipe, np.random.default_rng(seed))


def parts_of(pixels: np.ndarray) -> Parts:
    return Mark.of(pixels).parts


def ink(parts: Parts) -> float:
    return float(parts.cover().sum()) / 255


def lightness_apart(parts: Parts) -> float:
    """Levels of lightness between the ground and the ink that is closest to it."""
    lightness = parts.palette @ LUMA
    return float(np.abs(lightness[1:] - lightness[0]).min())


def test_strokes_become_thicker_or_thinner_by_the_px_asked_for():
    recipe = Recipe(redraw=Redraw(px=(0.015, 0.015)))
    parts = parts_of(disc())
    px = 0.015 * max(parts.labels.shape)
    sizes = {
        round(np.sqrt(ink(redrawn.change_thickness(parts, job(seed, recipe))) / np.pi), 1)
        for seed in range(12)
    }
    assert min(sizes) == pytest.approx(40 - px, abs=0.8)
    assert max(sizes) == pytest.approx(40 + px, abs=0.8)


def test_a_change_of_thickness_keeps_every_ink_and_never_too_little_of_it():
    parts = parts_of(five_rings())
    for seed in range(20):
        after = redrawn.change_thickness(parts, job(seed))
        np.testing.assert_array_equal(after.palette, parts.palette)
        assert 0.5 * ink(parts) <= ink(after) <= 1.8 * ink(parts)
        assert set(np.unique(after.labels)) == set(range(6))


def test_hairlines_are_never_thinned_away():
    pixels = np.full((80, 80, 3), 255, np.uint8)
    pixels[10:70, 40] = 0
    parts = parts_of(pixels)
    for seed in range(10):
        assert ink(redrawn.change_thickness(parts, job(seed))) >= 0.5 * ink(parts)


def test_rounding_takes_corners_and_leaves_discs():
    square = np.full((120, 120, 3), 255, np.uint8)
    square[20:100, 20:100] = 0
    parts = parts_of(square)
    corner = 20 + (len(parts.labels) - 120) // 2
    after = redrawn.round_corners(parts, job(1))
    assert parts.cover()[corner + 1, corner + 1] == 255
    assert after.cover()[corner + 1, corner + 1] < 128
    assert after.cover()[corner + 1, corner + 40] > 128
    round_one = parts_of(disc())
    assert ink(redrawn.round_corners(round_one, job(1))) == pytest.approx(ink(round_one), rel=0.04)


def test_waves_move_outlines_a_little_and_keep_colours():
    pixels = lockup()
    after = redrawn.wave(pixels, job(2))
    assert after.shape == pixels.shape
    assert not np.array_equal(after, pixels)
    np.testing.assert_allclose(after.mean(axis=(0, 1)), pixels.mean(axis=(0, 1)), rtol=0.15)


@pytest.mark.parametrize("seed", range(12))
def test_one_colour_is_one_ink_on_one_ground_and_is_seen(seed: int):
    after = part_inks.print_in_one_colour(parts_of(five_rings()), job(seed))
    assert len(after) == 1
    assert lightness_apart(after) > 40
    assert ink(after) > 0.7 * ink(parts_of(five_rings()))


def test_one_colour_keeps_touching_parts_apart():
    after = part_inks.print_in_one_colour(parts_of(badge()), job(0))
    again = parts_of(after.pixels())
    assert len(again) == 4


def test_one_colour_leaves_pale_parts_out_unless_they_are_all_there_is():
    pale = part_inks.print_in_one_colour(parts_of(disc(WHITE, (236, 236, 226))), job(0))
    assert ink(pale) == pytest.approx(np.pi * 40**2, rel=0.05)


def test_recolouring_keeps_shapes_and_gives_like_inks_like_colours():
    pixels = np.concatenate([five_rings(), five_rings()])
    parts = parts_of(pixels)
    assert len(parts) == 10
    for seed in range(10):
        after = part_inks.recolour_all(parts, job(seed))
        np.testing.assert_array_equal(after.labels, parts.labels)
        assert len(np.unique(after.palette[1:], axis=0)) == 5
        assert lightness_apart(after) > 40


def test_an_outline_closes_and_fills_nothing():
    parts = parts_of(badge())
    for seed in range(6):
        after = part_inks.draw_outline(parts, job(seed))
        assert len(after) == 1
        margin = (len(parts.labels) - 120) // 2
        cover = after.cover()[margin:-margin, margin:-margin]
        assert cover[50, 22] < 40  # inside of the plate
        assert cover[50, 8:13].max() > 200  # its edge
        assert cover[50, 60] < 40  # inside of the square
        assert 0.02 < (cover > 128).mean() < 0.3


def test_another_ground_leaves_the_ink_and_shows_it():
    parts = parts_of(disc(WHITE, (128, 128, 128)))
    for seed in range(20):
        after = part_inks.change_ground(parts, job(seed))
        np.testing.assert_array_equal(after.palette[1:], parts.palette[1:])
        assert part_inks.seen_share(after, after.ground()) == 1


def test_fresh_colours_are_far_from_those_to_avoid():
    rng = np.random.default_rng(0)
    for _ in range(20):
        colour = np.array(part_inks.fresh_colour(rng, [WHITE, BLACK]))
        assert np.abs(colour - WHITE).max() > 60
        assert np.abs(colour - BLACK).max() > 60


def test_fills_change_ink_or_ground_and_leave_the_mark_to_be_seen():
    parts = parts_of(disc(WHITE, BLUE))
    inside = parts.labels == 1
    where = set()
    for seed in range(24):
        after = fills.fill(parts, job(seed)).pixels().astype(int)
        levels = np.abs(after - parts.pixels())
        where.add((levels[inside].max() > 8, levels[~inside].max() > 8))
        assert abs(after[inside].mean() - after[~inside].mean()) > 40
    assert {(True, False), (False, True)} <= where


def test_a_fill_adds_to_the_gradient_that_is_there():
    parts = parts_of(gradient_disc())
    assert parts.texture is not None
    after = fills.fill(parts, job(0))
    assert after.texture is not None
    assert not np.array_equal(after.texture, parts.texture)
    assert after.texture.dtype == np.int16


def test_a_shadow_darkens_the_ground_near_the_ink_and_not_the_ink():
    parts = parts_of(disc())
    after = fills.cast_shadow(parts, job(0)).pixels().astype(int)
    levels = after - parts.pixels()
    assert levels.max() <= 0
    assert levels.min() < -40
    assert np.abs(levels[parts.share == 255][parts.labels[parts.share == 255] == 1]).max() == 0
    assert np.abs(levels[0]).max() <= 8


def sheet(pixels: np.ndarray) -> Sheet:
    return Sheet(pixels, WHITE)


def test_grey_has_equal_channels_and_so_has_its_ground():
    after = tints.grey(Sheet(badge(BLUE), BLUE), job())
    assert np.ptp(after.pixels, axis=2).max() == 0
    assert after.pixels[0, 0].tolist() == pytest.approx(list(after.ground), abs=1)


def test_the_negative_of_the_negative_is_the_mark():
    once = tints.negative(sheet(badge()), job())
    twice = tints.negative(once, job())
    assert once.ground == BLACK
    np.testing.assert_array_equal(twice.pixels, badge())


def test_hues_turn_and_greys_stay():
    after = tints.turn_hues(Sheet(disc(WHITE, RED), WHITE), job(1))
    assert after.ground == WHITE
    np.testing.assert_array_equal(after.pixels[0, 0], WHITE)
    assert np.abs(after.pixels[60, 60].astype(int) - RED).max() > 40
    assert after.pixels[60, 60].max() == pytest.approx(max(RED), abs=3)


def test_jitter_moves_a_ground_as_it_moves_the_px_on_it():
    for seed in range(6):
        recipe = Recipe(appearance=Appearance(change=0.4))
        after = tints.jitter(Sheet(badge(BLUE), BLUE), job(seed, recipe))
        assert after.pixels[0, 0].tolist() == list(after.ground)
        assert not np.array_equal(after.pixels, badge(BLUE))
