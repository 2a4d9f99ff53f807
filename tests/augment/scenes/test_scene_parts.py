"""What scenes are made of: stamps, layers, warps, decoys, covers, and the sheet for people."""

from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, GREEN, RED, WHITE, badge, disc, five_rings

from likemark.augment.marks import Mark
from likemark.augment.scenes.covers import SHAPES
from likemark.augment.scenes.decoys import disguised
from likemark.augment.scenes.layers import Plate, in_one_ink, in_own_inks, on_plate, rounded
from likemark.augment.scenes.poses import draw_lie
from likemark.augment.scenes.recipe import SCENE_RECIPES, Pose
from likemark.augment.scenes.scene import make_scene
from likemark.augment.scenes.sheet import outlined, sheet
from likemark.augment.scenes.stamps import closed, cut_out, stamped
from likemark.augment.scenes.warps import Cylinder, Warp, corners, sides

QUAD = np.array([[20, 20], [60, 20], [60, 60], [20, 60]], np.float64)


def test_a_cut_is_the_ink_alone_without_what_it_stood_on():
    cut = cut_out(Mark.of(disc(GREEN, RED), ground=GREEN))
    assert cut.cover.shape == pytest.approx((80, 80), abs=1)
    np.testing.assert_allclose(cut.ink[40, 40], RED, atol=2)
    assert not cut.ink[cut.cover == 0].any()
    edge = (cut.cover > 60) & (cut.cover < 200)
    colours = cut.ink[edge] * (255 / cut.cover[edge][:, None])
    assert np.abs(colours - RED).mean() < 12  # none of the ground's green in it


def test_parts_of_two_inks_still_differ_in_one():
    cut = cut_out(Mark.of(badge()))
    tones = {int(level) for level in np.unique(cut.tone[cut.cover == 255])}
    assert max(tones) - min(tones) > 60
    assert min(tones) >= 80


def test_closing_fills_what_is_narrow_and_never_takes_away():
    plane = np.zeros((40, 40), np.uint8)
    plane[10:30, 8:18] = plane[10:30, 22:32] = 255
    assert closed(plane, 1)[20, 20] == 0
    assert closed(plane, 3)[20, 20] == 255
    assert (closed(plane, 3) >= plane).all()
    assert closed(plane, 0) is plane


def test_a_plate_hides_all_that_is_behind_it_and_bears_the_ink():
    stamp = stamped(cut_out(Mark.of(disc())), 40, close=0.0)
    for corner in (0.0, 0.5, 1.0):
        layer = on_plate(stamp, Plate(BLUE, 0.4, corner), BLACK)
        height, width = layer.mask.shape
        np.testing.assert_array_equal(layer.paint[height // 2, width // 2], (*BLACK, 255))
        np.testing.assert_array_equal(layer.paint[height // 2, 5], (*BLUE, 255))
        assert not layer.paint[0].any()
        assert layer.mask.sum() == stamp.mask.sum()


def test_a_round_plate_never_cuts_the_mark():
    square = np.full((60, 60, 3), 255, np.uint8)
    square[10:50, 10:50] = 0
    stamp = stamped(cut_out(Mark.of(square)), 40, close=0.0)
    layer = on_plate(stamp, Plate(BLUE, 0.4, 1.0), (255, 0, 0))
    top, left = np.argwhere(layer.mask > 0)[0] - 1
    assert layer.paint[top, left, 3] > 128
    assert not layer.paint[6, 6].any()  # and yet it is round


def test_paint_is_never_more_than_its_alpha():
    stamp = stamped(cut_out(Mark.of(badge())), 50, close=0.05)
    for layer in (in_own_inks(stamp), in_one_ink(stamp, (255, 200, 10), 0.8)):
        assert (layer.paint[..., :3] <= layer.paint[..., 3:]).all()


def test_a_rounded_plate_is_whole_with_sharp_corners_and_a_disc_with_round_ones():
    assert (rounded((9, 12), 0.0) == 255).all()
    assert rounded((100, 100), 1.0).sum() / 255 == pytest.approx(np.pi * 50**2, rel=0.01)


@pytest.mark.parametrize("lies", [False, True])
def test_round_a_cylinder_and_back_is_where_it_was(lies: bool):
    surface = Cylinder(0.8, 1.1, 0.3, lies)
    points = np.random.default_rng(0).uniform(-0.8, 0.8, (50, 2))
    seen = surface.seen(points).astype(np.float32)
    x, y, facing = surface.flat(seen[:, :1], seen[:, 1:])
    np.testing.assert_allclose(np.hstack([x, y]), points, atol=1e-5)
    assert facing.min() > 0.4
    ends = np.array([[-0.8, 0.0], [0.0, -0.8]])[int(lies)]
    np.testing.assert_allclose(surface.seen(ends[None])[0], ends, atol=1e-9)


@pytest.mark.parametrize("seed", range(6))
def test_forward_and_backward_are_each_other_s_inverse(seed: int):
    pose = Pose(perspective=1, cylinder=0.5, cloth=1, free=1)
    half = (1.0, 0.6)
    warp = draw_lie(np.random.default_rng(seed), pose, half).at(60, 50, 80)
    window = warp.window(half)
    x, y, _ = warp.backward(window)
    there = np.random.default_rng(seed).uniform(-0.9, 0.9, (20, 2)) * half
    spots = np.rint(warp.forward(there, half) - window[:2]).astype(np.intp)
    rows, columns = spots[:, 1], spots[:, 0]
    back = np.stack([x[rows, columns], y[rows, columns]], axis=1)
    assert np.abs(back - there).max() < 0.08  # a px is about 0.03, and points are rounded to one


def test_the_longer_side_of_a_quad_is_the_size_asked_for():
    for seed in range(8):
        lie = draw_lie(np.random.default_rng(seed), Pose(perspective=1, free=1), (0.5, 1.0))
        quad = lie.at(0, 0, 70).unfolded(corners((0.5, 1.0)))
        assert max(sides(quad)) == pytest.approx(70)


def test_a_warp_of_nothing_is_a_plain_scale():
    quad = Warp(np.diag([10.0, 10.0, 1.0])).forward(corners((1.0, 0.5)), (1.0, 0.5))
    np.testing.assert_allclose(quad, [[-10, -5], [10, -5], [10, 5], [-10, 5]])


@pytest.mark.parametrize("shape", SHAPES)
def test_covers_lie_on_the_mark_and_are_wider_the_larger_their_share(shape):
    areas = []
    for share in (0.1, 0.4):
        alpha = shape(np.random.default_rng(1), QUAD, share, (80, 80))
        assert alpha[20:60, 20:60].any()
        areas.append(int((alpha > 127).sum()))
    assert areas[0] < areas[1]


def test_a_decoy_is_another_drawing_in_the_inks_and_proportions_of_the_mark():
    mark, other = Mark.of(five_rings()), Mark.of(disc(WHITE, GREEN))
    made = disguised(other, mark)
    inks = {tuple(colour) for colour in mark.parts.palette[1:].tolist()}
    assert tuple(made.parts.palette[1].tolist()) in inks
    height, width = cut_out(made).cover.shape
    assert width > 1.4 * height  # as far as 1.6 of the rings' 4


def test_a_sheet_shows_each_scene_with_and_without_its_outlines():
    photo = np.full((50, 50, 3), 128, np.uint8)
    marks = [Mark.of(disc()), Mark.of(badge())]
    made = [
        make_scene(photo, marks, np.random.default_rng(seed), SCENE_RECIPES["plain"], size=(64, 64))
        for seed in range(3)
    ]
    whole = sheet(made, columns=2)
    assert whole.shape == (2 * 68, 2 * 132, 3)
    np.testing.assert_array_equal(whole[:64, :64], made[0].pixels)
    np.testing.assert_array_equal(whole[:64, 64:128], outlined(made[0]))
    assert not np.array_equal(outlined(made[0]), made[0].pixels)
    with pytest.raises(ValueError, match="give one or more"):
        sheet([])
