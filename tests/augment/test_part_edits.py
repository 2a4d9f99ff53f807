from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import ImageDraw
from support.drawings import BLUE, RED, WHITE, badge, disc, drawn, five_rings, gradient_disc

from likemark.augment import part_edits
from likemark.augment.marks import Job, Mark
from likemark.augment.parts import Parts
from likemark.augment.recipe import Recipe, SegmentEdits

Edit = Callable[[Parts, Job], Parts]

EDITS = {
    "recolour": part_edits.recolour_parts,
    "remove": part_edits.remove_parts,
    "rotate": part_edits.rotate_parts,
    "scale": part_edits.scale_parts,
    "shift": part_edits.shift_parts,
    "duplicate": part_edits.duplicate_parts,
    "exchange": part_edits.exchange_parts,
}


def job(seed: int = 0, other: Mark | None = None, **strengths: object) -> Job:
    edits = SegmentEdits(**{"most": 1, **strengths})  # type: ignore[arg-type]
    return Job(Recipe(segments=edits), np.random.default_rng(seed), other)


def changed(before: Parts, after: Parts) -> np.ndarray:
    return np.abs(before.pixels().astype(int) - after.pixels()).max(axis=2) > 40


@pytest.mark.parametrize("name", EDITS)
@pytest.mark.parametrize("seed", range(4))
def test_an_edit_changes_one_ring_of_five_and_leaves_the_others(name: str, seed: int):
    parts = Mark.of(five_rings()).parts
    after = EDITS[name](parts, job(seed, Mark.of(disc())))
    touched = changed(parts, after)
    assert touched.any()
    whole = [
        label for label in range(1, 6) if not (touched & (parts.labels == label)).any()
    ]  # a larger ring lies over the next on both sides
    assert len(whole) >= 2


@pytest.mark.parametrize("name", [name for name in EDITS if name not in ("recolour", "duplicate")])
def test_a_mark_of_one_part_stays_as_it_is(name: str):
    parts = Mark.of(disc()).parts
    assert not changed(parts, EDITS[name](parts, job(1, Mark.of(badge())))).any()


def test_recoloured_parts_keep_their_shapes_and_stand_out():
    parts = Mark.of(badge()).parts
    after = part_edits.recolour_parts(parts, job(3, most=3))
    np.testing.assert_array_equal(after.labels, parts.labels)
    new = (after.palette != parts.palette).any(axis=1)
    assert 1 <= new.sum() <= 3
    assert not new[0]
    away = np.abs(after.palette[new].astype(int) - parts.palette[new]).max(axis=1)
    assert away.min() > 60


def test_removal_leaves_the_share_of_ink_that_is_to_be_kept():
    parts = Mark.of(five_rings()).parts
    ink = parts.areas()[1:].sum()
    for seed in range(20):
        after = part_edits.remove_parts(parts, job(seed, most=5, keep=0.5))
        assert after.areas()[1:].sum() >= 0.49 * ink
    kept = part_edits.remove_parts(parts, job(0, most=5, keep=1.0))
    np.testing.assert_array_equal(kept.labels, parts.labels)


def test_a_removed_part_is_overgrown_by_what_is_around_it():
    parts = Mark.of(badge()).parts
    square = int(np.abs(parts.palette.astype(int) - RED).max(axis=1).argmin())
    for seed in range(40):
        after = part_edits.remove_parts(parts, job(seed))
        if not (after.labels == square).any():
            there = after.pixels()[parts.labels == square].astype(int)
            assert np.abs(there - [20, 140, 60]).max() <= 4
            return
    pytest.fail("the square was never chosen")


def test_turned_parts_keep_their_size_and_scaled_ones_do_not():
    parts = Mark.of(badge()).parts
    for seed in range(6):
        turned = part_edits.rotate_parts(parts, job(seed))
        assert turned.areas()[1:].sum() == pytest.approx(parts.areas()[1:].sum(), rel=0.12)
    larger = part_edits.scale_parts(parts, job(5, factor=(1.5, 1.5)))
    smaller = part_edits.scale_parts(parts, job(5, factor=(0.6, 0.6)))
    assert (larger.areas() > parts.areas())[1:].any()
    assert (smaller.areas() < parts.areas())[1:].any()


@pytest.mark.parametrize("name", ["rotate", "scale", "shift", "duplicate"])
def test_what_moves_stays_within_the_picture(name: str):
    parts = Mark.of(five_rings()).parts
    for seed in range(12):
        strong = job(seed, factor=(3, 5), distance=(0.8, 1.0), turn=(90, 90))
        after = EDITS[name](parts, strong)
        edge = np.concatenate(
            [after.labels[0], after.labels[-1], after.labels[:, 0], after.labels[:, -1]]
        )
        assert (edge > 0).mean() < 0.1  # a large one may touch it, none is cut in half


def largest_copy(**strengths: Any) -> tuple[int, int]:
    """Width and height, px, of the copies of a bar of 80 by 12 px: the most that any seed gives."""

    def draw(pen: ImageDraw.ImageDraw, f: float) -> None:
        pen.rectangle((20 * f, 30 * f, 100 * f, 42 * f), fill=RED)
        pen.rectangle((100 * f, 150 * f, 180 * f, 162 * f), fill=BLUE)

    parts = Mark.of(drawn(draw, size=(200, 200))).parts
    sizes = []
    for seed in range(12):
        after = part_edits.duplicate_parts(parts, job(seed, distance=(0.3, 0.3), **strengths))
        rows, columns = np.nonzero((after.labels > 0) & (parts.labels == 0))
        sizes.append((np.ptp(columns) + 1, np.ptp(rows) + 1))
    width, height = np.max(sizes, axis=0).tolist()
    return width, height


def test_a_copy_is_as_large_and_as_turned_as_the_strengths_say():
    whole = {"copy_turn": 0.0, "copy_factor": (1.0, 1.0)}
    assert largest_copy(**whole) == pytest.approx((81, 13), abs=2)
    assert largest_copy(**whole | {"copy_factor": (0.5, 0.5)}) == pytest.approx((41, 7), abs=2)
    assert largest_copy(**whole | {"copy_turn": 90.0})[1] > 50


def test_a_shifted_part_takes_its_gradient_along():
    pixels = np.concatenate([gradient_disc(), badge()], axis=1)
    parts = Mark.of(pixels, ground=WHITE).parts
    assert parts.texture is not None
    for seed in range(30):
        after = part_edits.shift_parts(parts, job(seed, distance=(0.05, 0.05)))
        moved = [
            label
            for label in range(1, len(parts) + 1)
            if not np.array_equal(after.labels == label, parts.labels == label)
        ]
        shaded = int(parts.labels[len(parts.labels) // 2, 70])
        if shaded in moved:
            inside = after.pixels()[after.labels == shaded].astype(int)
            assert np.ptp(inside[:, 0]) > 80
            return
    pytest.fail("the gradient was never moved")


def test_an_exchange_needs_another_mark_and_brings_its_shape_in():
    parts = Mark.of(five_rings()).parts
    assert part_edits.exchange_parts(parts, job(0)) is parts
    after = part_edits.exchange_parts(parts, job(0, Mark.of(disc())))
    assert len(after) == 6
    inside = after.labels == 6
    rows, columns = np.nonzero(inside)
    filled = inside.sum() / ((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
    assert filled == pytest.approx(np.pi / 4, abs=0.05)  # a disc, no ring


def test_an_exchange_with_a_mark_without_parts_changes_nothing():
    blank = Mark.of(np.full((40, 40, 3), 255, np.uint8))
    parts = Mark.of(five_rings()).parts
    assert part_edits.exchange_parts(parts, job(0, blank)) is parts
