"""Geometry, company and capture of a view."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, GREEN, RED, WHITE, Pixels, badge, disc, five_rings, lockup

from likemark.augment import company, paper, warp, words
from likemark.augment.marks import Job, Mark, Sheet
from likemark.augment.parts import distance_to
from likemark.augment.recipe import RECIPES, Capture, Geometry, Recipe, Scene


def job(seed: int = 0, recipe: Recipe = RECIPES["default"], other: Mark | None = None) -> Job:
    return Job(recipe, np.random.default_rng(seed), other)


def sheet(pixels: Pixels) -> Sheet:
    return Sheet(pixels, WHITE)


def inked(pixels: Pixels) -> np.ndarray:
    return distance_to(np.ascontiguousarray(pixels), WHITE) > 60


def holds(large: Pixels, small: Pixels) -> bool:
    """Whether the small picture is somewhere in the large one, px for px."""
    height, width = small.shape[:2]
    for top in range(large.shape[0] - height + 1):
        for left in range(large.shape[1] - width + 1):
            if np.array_equal(large[top : top + height, left : left + width], small):
                return True
    return False


def test_mirrors_and_flips_are_exact_and_undo_themselves():
    for way in (warp.mirror, warp.flip):
        once = way(sheet(lockup()), job())
        assert not np.array_equal(once.pixels, lockup())
        np.testing.assert_array_equal(way(once, job()).pixels, lockup())


def test_quarter_turns_are_exact_and_of_three_kinds():
    whole = {np.rot90(lockup(), times).tobytes() for times in (1, 2, 3)}
    found = {warp.quarter(sheet(lockup()), job(seed)).pixels.tobytes() for seed in range(20)}
    assert found == whole


@pytest.mark.parametrize("degrees", [7.0, 33.0, 90.0, 200.0])
def test_a_turned_view_holds_all_ink_and_its_corners_are_ground(degrees: float):
    after = warp.turned(Sheet(badge(BLUE), BLUE), degrees)
    np.testing.assert_array_equal(after.pixels[0, 0], BLUE)
    red = (distance_to(after.pixels, RED) < 30).sum()
    assert red == pytest.approx(400, rel=0.12)


def test_turning_is_counter_clockwise():
    pixels = np.full((41, 41, 3), 255, np.uint8)
    pixels[18:23, 30:38] = 0
    rows, _ = np.nonzero(inked(warp.turned(sheet(pixels), 80).pixels))
    assert rows.mean() < 15


def test_a_tilt_is_within_its_degrees():
    recipe = Recipe(geometry=Geometry(degrees=(10, 10)))
    for seed in range(6):
        size = warp.tilt(sheet(badge()), job(seed, recipe)).pixels.shape[0]
        assert size == pytest.approx(120 * (np.cos(0.1745) + np.sin(0.1745)), abs=1)


def test_stretching_changes_proportions_by_the_factor_and_not_the_size():
    recipe = Recipe(geometry=Geometry(factor=(1.44, 1.44)))
    shapes = [warp.stretch(sheet(badge()), job(seed, recipe)).pixels.shape for seed in range(8)]
    assert {round(h / w, 1) for h, w, _ in shapes} == {0.7, 1.4}
    assert all(h * w == pytest.approx(120 * 120, rel=0.02) for h, w, _ in shapes)


def test_perspective_moves_corners_inwards_and_fills_with_ground():
    after = warp.perspective(Sheet(np.zeros((80, 80, 3), np.uint8), WHITE), job(4))
    share = inked(after.pixels).mean()
    assert 0.5 < share < 0.99


@pytest.mark.parametrize("share", [0.25, 0.7])
def test_a_window_has_its_share_of_the_area_and_holds_ink_and_edges(share: float):
    recipe = Recipe(geometry=Geometry(share=(share, share)))
    for seed in range(8):
        before = sheet(badge())
        after = warp.crop(before, job(seed, recipe))
        _, _, width, height = before.box()
        area = after.pixels.shape[0] * after.pixels.shape[1]
        assert area == pytest.approx(share * width * height, rel=0.05)
        assert inked(after.pixels).sum() >= 0.15 * inked(badge()).sum()


def test_a_mark_too_small_to_be_cut_stays():
    small = sheet(np.zeros((6, 6, 3), np.uint8))
    assert warp.crop(small, job()) is small


def test_what_lies_over_a_mark_covers_a_small_share_and_the_rest_stays():
    for seed in range(12):
        after = warp.occlude(sheet(badge()), job(seed)).pixels
        other = (after != badge()).any(axis=2)
        assert other.mean() < 0.2
    np.testing.assert_array_equal(badge(), sheet(badge()).pixels)  # not drawn into


def test_words_stand_beside_the_mark_and_never_on_it():
    for seed in range(12):
        before = sheet(lockup()).trimmed()
        after = company.add_words(before, job(seed))
        assert after.pixels.size > before.pixels.size
        mark = before.pixels[5:25, 40:60]
        assert holds(after.pixels, mark), seed
        more = inked(after.pixels).sum() - inked(before.pixels).sum()
        assert more > 20, seed


def test_words_are_seen_on_any_ground():
    for ground in (BLACK, GREEN, (120, 120, 120)):
        for seed in range(6):
            before = Sheet(disc(ground), ground).trimmed()
            after = company.add_words(before, job(seed))
            away = np.abs(after.pixels.astype(int) - ground).max(axis=2)
            assert (away > 60).sum() > np.pi * 38**2


def test_words_are_of_many_fonts_and_the_same_for_the_same_seed():
    drawn = [words.drawn_word("Limora", font, 3) for font in range(words.FONTS)]
    assert len({word.tobytes() for word in drawn}) >= 5  # OpenCV 5 draws some of its own alike
    for word in drawn:
        assert word.max() > 200
        assert word.max(axis=0)[[0, -1]].min() > 0  # cut to its ink
    one, two = (words.random_word(np.random.default_rng(5), 20) for _ in range(2))
    np.testing.assert_array_equal(one, two)
    assert len(one) == 20


def test_another_mark_stands_beside_and_both_are_whole():
    other = Mark.of(five_rings())
    recipe = Recipe(scene=Scene(size=(0.99, 1.01)))
    for seed in range(6):
        before = sheet(badge()).trimmed()
        after = company.set_beside(before, job(seed, recipe, other))
        assert holds(after.pixels, before.pixels[10:40, 10:40])
        area = after.pixels.shape[0] * after.pixels.shape[1]
        assert area > 1.8 * before.pixels.shape[0] * before.pixels.shape[1]


def test_beside_on_another_ground_the_other_mark_takes_it_or_keeps_its_own():
    recipe = Recipe(scene=Scene(size=(1, 1)))

    def white(colour: tuple[int, int, int]) -> float:
        """Px, as a share of those of the white disc that the other mark is set beside."""
        other = Mark.of(disc(WHITE, colour))
        after = company.set_beside(Sheet(disc(GREEN, WHITE), GREEN), job(0, recipe, other))
        return int((distance_to(after.pixels, WHITE) < 9).sum()) / (np.pi * 40**2)

    assert white(BLACK) < 1.1
    assert white((30, 130, 70)) > 1.25


def test_beside_without_another_mark_changes_nothing():
    before = sheet(badge())
    assert company.set_beside(before, job()) is before


def test_a_plate_lies_under_the_mark_on_a_page_that_differs():
    parts = Mark.of(disc(WHITE, BLACK)).parts
    for seed in range(12):
        ready = company.ready_for_plate(parts, job(seed))
        colour = ready.ground()
        assert colour != WHITE
        after = company.put_on_plate(Sheet(ready.pixels(), colour), job(seed))
        page = after.pixels[0, 0].astype(int)
        assert np.abs(page - colour).max() >= 40
        height, width = after.pixels.shape[:2]
        assert after.pixels[height // 2, width // 2].max() < 40
        plate = np.abs(after.pixels.astype(int) - colour).max(axis=2) < 4
        assert plate.sum() > 0.2 * height * width


def test_a_mark_that_no_plate_shows_keeps_its_ground():
    # No plate differs plainly from all of these at once.
    stripes = np.zeros((60, 120, 3), np.uint8)
    for place in range(12):
        stripes[:, 10 * place : 10 * place + 10] = company.PLATES[place]
    parts = Mark.of(stripes, ground=WHITE).parts
    seen = company.ready_for_plate(parts, job(0))
    assert seen.ground() == WHITE or company.seen_share(parts, seen.ground()) >= 0.8


def test_a_jpeg_is_worse_the_lower_its_quality():
    errors = []
    for quality in (10, 40, 90):
        recipe = Recipe(capture=Capture(quality=(quality, quality)))
        after = paper.compress(sheet(lockup()), job(0, recipe)).pixels
        assert after.shape == lockup().shape
        errors.append(np.abs(after.astype(int) - lockup()).mean())
    assert 10 > errors[0] > errors[1] > errors[2] > 0


def test_a_thumbnail_has_few_px_and_the_mean_colour():
    recipe = Recipe(capture=Capture(px=(32, 32)))
    after = paper.shrink(sheet(badge()), job(0, recipe)).pixels
    assert max(after.shape) == 32
    np.testing.assert_allclose(after.mean(axis=(0, 1)), badge().mean(axis=(0, 1)), atol=2)
    small = np.zeros((9, 9, 3), np.uint8)
    assert paper.shrink(sheet(small), job(0, recipe)).pixels.shape == (9, 9, 3)


def test_a_thumbnail_of_a_mark_in_company_is_longer_than_one_of_the_mark_alone():
    asked = replace(job(0, Recipe(capture=Capture(px=(24, 24)))), size=120)
    for width, longer in ((120, 24), (240, 48), (900, 60)):
        view = sheet(np.zeros((120, width, 3), np.uint8))
        assert max(paper.shrink(view, asked).pixels.shape) == longer


def test_a_scan_is_askew_noisy_and_unevenly_lit():
    before = sheet(np.full((100, 100, 3), 255, np.uint8))
    after = paper.scan(before, job(3)).pixels.astype(int)
    assert max(after.shape) > 104
    blocks = after[:100, :100, 0].reshape(10, 10, 10, 10).mean(axis=(1, 3))
    assert np.ptp(blocks) > 8
    assert after[:10, :10].std() > 0.5


def test_a_blur_softens_edges_and_keeps_means():
    after = paper.blur(sheet(badge()), job(0)).pixels.astype(int)
    steps = np.abs(np.diff(after, axis=1)).max(), np.abs(np.diff(badge().astype(int), axis=1)).max()
    assert steps[0] < steps[1]
    np.testing.assert_allclose(after.mean(axis=(0, 1)), badge().mean(axis=(0, 1)), atol=1)


def test_trimming_leaves_the_ink_and_a_margin():
    trimmed = sheet(badge()).trimmed(3)
    left, top, width, height = trimmed.box()
    assert (left, top) == (3, 3)
    assert trimmed.pixels.shape[:2] == (height + 6, width + 6)
    assert inked(trimmed.pixels).sum() == inked(badge()).sum()
    blank = sheet(np.full((20, 30, 3), 255, np.uint8))
    assert blank.trimmed().pixels.shape == (20, 30, 3)
