"""Scenes of marks in photos, and the masks that go with them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray
from support.drawings import BLACK, BLUE, RED, WHITE, badge, disc, five_rings, lockup

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import (
    SCENE_RECIPES,
    Content,
    Finish,
    Light,
    Occlusion,
    Pose,
    SceneRecipe,
)
from likemark.augment.scenes.scene import Placed, Scene, make_scene
from likemark.augment.scenes.warps import sides

GREY = np.full((90, 140, 3), 128, np.uint8)
DEFAULT = SCENE_RECIPES["default"]
MARKS = (Mark.of(badge()), Mark.of(five_rings()))
BENT = {
    "flat": Pose(least=40),
    "leant": Pose(least=40, free=1, perspective=1),
    "round": Pose(least=40, cylinder=1),
    "hanging": Pose(least=40, cloth=1),
}


def rough(seed: int = 0, size: tuple[int, int] = (120, 160)) -> NDArray[np.uint8]:
    """(h, w, 3): a photo of blots."""
    import cv2

    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return np.asarray(cv2.resize(cells, size[::-1]), np.uint8)


def scene(recipe: SceneRecipe, seed: int = 0, marks: tuple[Mark, ...] = MARKS, side: int = 128):
    return make_scene(rough(), marks, np.random.default_rng(seed), recipe, size=(side, side))


def contrast(found: Scene) -> float:
    """Levels between the first mark and what is right around it."""
    import cv2

    mask = found.placed[0].mask
    near = np.asarray(cv2.dilate(mask, np.ones((5, 5), np.uint8)))
    around = found.pixels[(mask == 0) & (near > 0)].mean(axis=0)
    return float(np.abs(found.pixels[mask > 250].mean(axis=0) - around).max())


def test_the_same_draw_gives_the_same_scene_and_another_another():
    one, two, other = (scene(DEFAULT, seed) for seed in (3, 3, 4))
    np.testing.assert_array_equal(one.pixels, two.pixels)
    assert len(one.placed) == len(two.placed)
    for a, b in zip(one.placed, two.placed, strict=True):
        np.testing.assert_array_equal(a.mask, b.mask)
        np.testing.assert_array_equal(a.quad, b.quad)
        assert (a.mark, a.visible) == (b.mark, b.visible)
    assert not np.array_equal(one.pixels, other.pixels)


def test_what_is_given_is_not_drawn_into():
    photo, mark = rough(), Mark.of(badge())
    before = photo.copy(), mark.pixels.copy()
    make_scene(photo, [mark], np.random.default_rng(0), DEFAULT, size=(96, 96))
    np.testing.assert_array_equal(photo, before[0])
    np.testing.assert_array_equal(mark.pixels, before[1])


@pytest.mark.parametrize("pose", BENT.values(), ids=BENT.keys())
@pytest.mark.parametrize("seed", range(4))
def test_a_mask_is_where_px_changed_and_nowhere_else(pose: Pose, seed: int):
    recipe = SceneRecipe(pose=pose, close=0.0)
    rng = np.random.default_rng(seed)
    found = make_scene(GREY, [Mark.of(disc(WHITE, BLACK))], rng, recipe, size=(128, 128))
    changed = np.abs(found.pixels.astype(int) - 128).max(axis=2)
    mask = found.placed[0].mask
    assert (mask > 250).sum() > 100
    assert not changed[mask == 0].any()
    assert changed[mask > 250].min() > 60
    if pose.cylinder == pose.cloth == 0:  # those have light and shade of their own
        np.testing.assert_allclose(changed, mask * (128 / 255), atol=2)


def test_the_sum_of_a_mask_is_the_area_of_the_ink():
    recipe = SceneRecipe(pose=Pose(least=80, most=0.1))
    rng = np.random.default_rng(1)
    found = make_scene(GREY, [Mark.of(disc(WHITE, RED))], rng, recipe, size=(128, 128))
    area = found.placed[0].mask.sum() / 255
    assert area == pytest.approx(np.pi * 40**2, rel=0.03)


@pytest.mark.parametrize("pose", BENT.values(), ids=BENT.keys())
def test_the_quad_holds_the_mask_and_touches_its_sides(pose: Pose):
    square = np.full((60, 60, 3), 255, np.uint8)
    square[10:50, 10:50] = BLUE
    for seed in range(4):
        rng = np.random.default_rng(seed)
        recipe = SceneRecipe(pose=pose)
        placed = make_scene(GREY, [Mark.of(square)], rng, recipe, size=(128, 128)).placed[0]
        rows, columns = np.nonzero(placed.mask > 127)
        corners = np.stack([columns, rows], axis=1).astype(float)
        for corner in placed.quad:
            assert np.linalg.norm(corners - corner, axis=1).min() < 4


def test_gaps_are_closed_in_the_mask_and_stay_in_the_picture():
    ring = disc(WHITE, RED).copy()
    ring[58:62] = 255  # a slit of 4 px in a disc of 80
    masks = {}
    for close in (0.0, 0.12):
        recipe = SceneRecipe(pose=Pose(least=80, most=0.1), close=close)
        found = make_scene(GREY, [Mark.of(ring)], np.random.default_rng(2), recipe, size=(128, 128))
        masks[close] = found.placed[0].mask
    assert masks[0.12].sum() > 1.03 * masks[0.0].sum()
    assert (masks[0.12] >= masks[0.0]).all()


def test_a_sign_is_masked_by_its_ink_and_not_its_plate():
    recipe = SceneRecipe(pose=Pose(least=60, most=0.1), finish=Finish(sign=1.0), close=0.0)
    rng = np.random.default_rng(0)
    found = make_scene(GREY, [Mark.of(disc(WHITE, BLACK))], rng, recipe, size=(128, 128))
    changed = (found.pixels != 128).any(axis=2)
    mask = found.placed[0].mask
    assert changed.sum() > 1.4 * (mask > 127).sum()
    assert found.pixels[mask > 250].max() < 20
    plate = found.pixels[changed & (mask == 0)].min(axis=1)
    assert np.median(plate) > 235  # the rest is its rim and its edge


@pytest.mark.parametrize(
    "finish", [Finish(printed=1.0), Finish(sign=1.0), Finish(one_ink=1.0), Finish()]
)
def test_marks_are_seen_on_any_ground(finish: Finish):
    recipe = SceneRecipe(pose=Pose(least=40), finish=finish)
    for level in (0, 60, 128, 200, 255):
        photo = np.full((64, 64, 3), level, np.uint8)
        for mark in (disc(WHITE, BLACK), disc(BLACK, WHITE), disc(WHITE, (128, 128, 128))):
            rng = np.random.default_rng(level)
            found = make_scene(photo, [Mark.of(mark)], rng, recipe, size=(96, 96))
            assert contrast(found) > 25, level


def test_embossed_marks_are_of_the_tone_of_a_calm_ground():
    recipe = SceneRecipe(pose=Pose(least=60), finish=Finish(embossed=1.0))
    found = make_scene(GREY, [MARKS[0]], np.random.default_rng(0), recipe, size=(128, 128))
    inside = found.pixels[found.placed[0].mask > 250].astype(int)
    assert (np.ptp(inside, axis=1) <= 2).mean() > 0.99
    assert 15 < np.abs(inside - 128).mean() < 100


def test_what_lies_over_a_mark_lowers_what_is_visible_and_its_mask():
    covered = SceneRecipe(occlusion=Occlusion(over=1.0, covered=(0.3, 0.3)), pose=Pose(least=50))
    shares = []
    for seed in range(8):
        found = scene(covered, seed)
        free = scene(replace(covered, occlusion=Occlusion()), seed)
        assert all(each.visible == 1 for each in free.placed)
        for with_cover, without in zip(found.placed, free.placed, strict=True):
            assert (with_cover.mask <= without.mask).all()
            ratio = with_cover.mask.sum() / without.mask.sum()
            assert with_cover.visible == pytest.approx(ratio, abs=1e-6)
            shares.append(with_cover.visible)
    assert min(shares) >= covered.occlusion.least
    assert np.mean(shares) < 0.95


def test_a_mark_that_the_edge_cuts_is_partly_visible():
    recipe = SceneRecipe(pose=Pose(least=60, most=0.5, cut=1.0, outside=(0.3, 0.3)))
    for seed in range(6):
        placed = scene(recipe, seed, (Mark.of(np.zeros((50, 50, 3), np.uint8)),)).placed[0]
        assert placed.visible == pytest.approx(0.7, abs=0.06)


def test_marks_keep_apart_unless_asked_to_overlap():
    crowd = SceneRecipe(content=Content(copy=0.9, most_copies=4), pose=Pose(least=24, free=1.0))
    hidden = []
    for seed in range(8):
        placed = scene(crowd, seed).placed
        assert all(each.visible == 1 for each in placed)
        assert (np.sum([each.mask > 0 for each in placed], axis=0) <= 1).all()
        over = replace(crowd, occlusion=Occlusion(overlap=1.0), pose=Pose(least=60))
        hidden += [each.visible for each in scene(over, seed).placed]
    assert min(hidden) < 0.95


def test_every_mark_is_there_and_copies_are_counted():
    many = SceneRecipe(content=Content(copy=1.0, most_copies=3), pose=Pose(most=0.3))
    found = scene(many)
    assert sorted(each.mark for each in found.placed) == [0, 0, 0, 1, 1, 1]
    assert len({each.mask.tobytes() for each in found.placed}) == 6
    once = replace(many, content=Content())
    assert [sorted(p.mark for p in scene(once, seed).placed) for seed in range(9)] == [[0, 1]] * 9


def test_sizes_are_log_uniform_from_the_least_to_the_most():
    recipe = SceneRecipe(pose=Pose(least=16, most=0.9, perspective=0.5, tilt=0.5))
    sizes = [max(sides(scene(recipe, seed, MARKS[:1]).placed[0].quad)) for seed in range(120)]
    assert min(sizes) >= 15.9
    assert max(sizes) <= 0.9 * 128 + 0.1
    assert max(sizes) > 90
    assert np.mean(np.log(sizes) < np.log(16 * 115) / 2) == pytest.approx(0.5, abs=0.15)


def test_tiny_marks_are_kept_through_the_worst_lens():
    lens = replace(DEFAULT.lens, coarse=1.0, blur=1.0, motion=1.0, noise=1.0, jpeg=1.0)
    recipe = SceneRecipe(pose=Pose(least=16, most=0.01), lens=lens)
    for seed in range(6):
        rng = np.random.default_rng(seed)
        found = make_scene(GREY, [Mark.of(disc(WHITE, BLACK))], rng, recipe, size=(96, 96))
        placed = found.placed[0]
        assert max(sides(placed.quad)) == pytest.approx(16, abs=0.5)
        assert (placed.mask > 127).sum() == pytest.approx(np.pi * 64, rel=0.1)
        assert contrast(found) > 30


@pytest.mark.parametrize("shape", [(9, 7, 3), (1, 1, 3), (40, 500, 3), (30, 30), (300, 20)])
def test_photos_of_any_size_and_grey_ones_make_a_scene(shape: tuple[int, ...]):
    photo = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    found = make_scene(photo, MARKS, np.random.default_rng(1), DEFAULT, size=(80, 112))
    assert found.pixels.shape == (80, 112, 3)
    assert found.pixels.dtype == np.uint8
    assert {each.mark for each in found.placed} == {0, 1}


def test_a_scene_without_marks_has_words_and_no_masks():
    recipe = SceneRecipe(content=Content(words=1.0, most_words=2))
    empty = make_scene(GREY, [], np.random.default_rng(0), recipe, size=(96, 96))
    assert empty.placed == ()
    assert (empty.pixels != 128).any()
    assert not empty.mask_of(0).any()


def test_the_mask_of_a_mark_is_that_of_all_its_copies():
    found = scene(SceneRecipe(content=Content(copy=1.0, most_copies=3), pose=Pose(most=0.3)))
    copies = [each.mask for each in found.placed if each.mark == 1]
    np.testing.assert_array_equal(found.mask_of(1), np.max(copies, axis=0))


def test_light_changes_px_and_no_mask():
    dark = Light(gradient=1.0, shadow=1.0, highlight=1.0)
    plain, lit = (scene(SceneRecipe(light=light), 5) for light in (Light(), dark))
    assert not np.array_equal(plain.pixels, lit.pixels)
    for one, other in zip(plain.placed, lit.placed, strict=True):
        np.testing.assert_array_equal(one.mask, other.mask)


@pytest.mark.parametrize("mark", [lockup(), np.zeros((30, 30, 3), np.uint8), five_rings()[20:24]])
def test_marks_without_ground_and_very_long_ones_are_placed(mark: NDArray[np.uint8]):
    for seed in range(4):
        assert scene(DEFAULT, seed, (Mark.of(mark),)).placed[0].mask.any()


@pytest.mark.parametrize(
    ("photo", "size", "told"),
    [
        (np.zeros((20, 20, 3), np.float32), (64, 64), "must be uint8"),
        (np.zeros((20, 20, 4), np.uint8), (64, 64), "must be uint8"),
        (np.zeros((0, 20, 3), np.uint8), (64, 64), "must be uint8"),
        (GREY, (20, 64), "no room for a mark of 16 px"),
    ],
)
def test_what_is_no_photo_or_no_size_is_refused(
    photo: NDArray[np.uint8], size: tuple[int, int], told: str
):
    with pytest.raises(ValueError, match=told):
        make_scene(photo, MARKS, np.random.default_rng(0), DEFAULT, size=size)


def test_values_of_other_shapes_are_refused():
    mask = np.zeros((8, 8), np.uint8)
    with pytest.raises(ValueError, match="quad"):
        Placed(0, mask, np.zeros((3, 2)), 1.0)
    placed = Placed(0, mask, np.zeros((4, 2)), 1.0)
    with pytest.raises(ValueError, match="scene's size"):
        Scene(np.zeros((9, 8, 3), np.uint8), (placed,))
