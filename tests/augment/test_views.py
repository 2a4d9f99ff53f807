from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from support.drawings import BLACK, WHITE, Pixels, awkward, badge, disc, five_rings, lockup

from likemark.augment.marks import Mark
from likemark.augment.operations import OPERATIONS
from likemark.augment.recipe import RECIPES, Appearance, Geometry, Recipe
from likemark.augment.views import draw_plan, make_view, render

DEFAULT = RECIPES["default"]
CLEAR = (0, 0, 0, 0)


def view(mark: Mark, recipe: Recipe, seed: int, other: Mark | None = None) -> Pixels:
    return make_view(mark, recipe, np.random.default_rng(seed), other=other)


@pytest.mark.parametrize("name", RECIPES)
def test_the_same_seed_gives_the_same_view_and_another_seed_others(name: str):
    other = Mark.of(lockup())
    views = [view(Mark.of(badge()), RECIPES[name], seed, other) for seed in range(8)]
    again = [view(Mark.of(badge()), RECIPES[name], seed, other) for seed in range(8)]
    for one, two in zip(views, again, strict=True):
        np.testing.assert_array_equal(one, two)
    assert name == "none" or len({each.tobytes() for each in views}) > 3


def test_views_do_not_depend_on_those_made_before_of_the_same_mark():
    mark = Mark.of(five_rings())
    for seed in range(30):
        view(mark, DEFAULT, seed)
    np.testing.assert_array_equal(view(mark, DEFAULT, 77), view(Mark.of(five_rings()), DEFAULT, 77))


@pytest.mark.parametrize("name", awkward())
def test_every_operation_takes_every_picture(name: str):
    mark, other = Mark.of(awkward()[name]), Mark.of(lockup())
    for operation in OPERATIONS:
        result = render(mark, (operation,), DEFAULT, np.random.default_rng(1), other=other)
        assert (result.dtype, result.ndim, result.shape[2:]) == (np.uint8, 3, (3,)), operation
        assert 0 < min(result.shape), operation
        assert max(result.shape) <= DEFAULT.side, operation
        assert result.flags.c_contiguous, operation


@settings(max_examples=40, deadline=None)
@given(
    arrays(np.uint8, st.tuples(st.integers(1, 30), st.integers(1, 30), st.sampled_from((3, 4)))),
    st.integers(0, 2**32),
)
def test_any_px_give_a_view(pixels: Pixels, seed: int):
    result = view(Mark.of(pixels), DEFAULT, seed)
    assert result.shape[2] == 3
    assert max(result.shape) <= DEFAULT.side


@pytest.mark.parametrize("pixels", [badge(), disc(CLEAR, WHITE), lockup(ground=BLACK)])
def test_ink_never_vanishes(pixels: Pixels):
    mark, other = Mark.of(pixels), Mark.of(five_rings())
    for seed in range(120):
        assert view(mark, DEFAULT, seed, other).std(axis=(0, 1)).max() > 6, seed


def test_an_untouched_view_is_the_mark_and_its_ground():
    result = view(Mark.of(badge()), RECIPES["none"], 0)
    height, width = result.shape[:2]
    whole = badge()
    found = [
        (y, x)
        for y in range(-12, 24)
        for x in range(-12, 24)
        if np.array_equal(result[20:80, 20:80], whole[y + 20 : y + 80, x + 20 : x + 80])
    ]
    assert len(found) == 1
    assert min(height, width) < 126


def test_a_transparent_mark_lies_on_a_page_that_shows_its_ink():
    assert Mark.of(disc(CLEAR, WHITE)).ground == BLACK
    assert Mark.of(disc(CLEAR, BLACK)).ground == WHITE
    assert Mark.of(disc(CLEAR, BLACK), ground=(9, 99, 200)).pixels[0, 0].tolist() == [9, 99, 200]


def test_parts_are_found_when_first_needed_and_kept():
    mark = Mark.of(badge())
    assert len(mark.parts) == 4
    assert mark.parts is mark.parts


def test_a_plan_names_operations_in_the_order_of_their_application():
    order = {name: place for place, name in enumerate(OPERATIONS)}
    rng = np.random.default_rng(0)
    for _ in range(200):
        places = [order[name] for name in draw_plan(DEFAULT, rng)]
        assert places == sorted(places)


def test_plans_have_few_groups_and_few_inks_and_some_have_nothing():
    rng = np.random.default_rng(1)
    plans = [draw_plan(DEFAULT, rng) for _ in range(2000)]
    groups = [Counter(OPERATIONS[name].group for name in plan) for plan in plans]
    assert max(map(len, groups)) == DEFAULT.most_groups
    assert max(group["appearance"] for group in groups) == DEFAULT.appearance.most
    assert sum(not plan for plan in plans) / 2000 == pytest.approx(DEFAULT.untouched, abs=0.03)


def test_an_operation_is_drawn_as_often_as_its_chance_says():
    recipe = Recipe(geometry=Geometry(mirror=0.25), appearance=Appearance(grey=1.0))
    rng = np.random.default_rng(2)
    drawn = Counter(name for _ in range(2000) for name in draw_plan(recipe, rng))
    assert drawn["mirrored"] / 2000 == pytest.approx(0.25, abs=0.03)
    assert drawn["grey"] == 2000
    assert set(drawn) == {"mirrored", "grey"}


def test_without_another_mark_nothing_that_needs_one_is_drawn():
    rng = np.random.default_rng(3)
    alone = {name for _ in range(1500) for name in draw_plan(DEFAULT, rng, with_other=False)}
    assert not alone & {"beside", "segment exchanged"}
    both = {name for _ in range(1500) for name in draw_plan(DEFAULT, rng)}
    assert {"beside", "segment exchanged"} <= both


@pytest.mark.parametrize("size", [(4, 160), (160, 4)])
def test_very_wide_and_very_tall_marks_have_views(size: tuple[int, int]):
    pixels = np.full((*size, 3), 255, np.uint8)
    pixels[1:-1, 1:-1] = 30
    mark = Mark.of(pixels)
    for seed in range(60):
        assert min(view(mark, DEFAULT, seed, mark).shape) > 0


def test_a_long_view_is_scaled_down_to_the_side():
    small = replace(DEFAULT, side=64)
    assert max(view(Mark.of(lockup()), small, 5).shape) <= 64
