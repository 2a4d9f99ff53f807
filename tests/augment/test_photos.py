"""A mark in a photo."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, RED, WHITE, Pixels, badge, disc

from likemark.augment.marks import Job, Mark, Sheet
from likemark.augment.parts import distance_to
from likemark.augment.photos import lay_on_photo
from likemark.augment.recipe import RECIPES, Recipe, Scene
from likemark.augment.views import draw_plan, make_view


def photo(height: int = 90, width: int = 140, *, level: int = 90) -> Pixels:
    """Something with an unlike px everywhere, far from black, white and red."""
    noise = np.random.default_rng(1).integers(-25, 25, (height, width, 3))
    return (level + noise).astype(np.uint8)


def job(seed: int, picture: Pixels | None, share: float = 0.5) -> Job:
    recipe = Recipe(scene=Scene(of_photo=(share, share)))
    return Job(recipe, np.random.default_rng(seed), photo=picture)


def test_the_mark_takes_up_its_share_of_the_view() -> None:
    for share in (0.3, 0.8):
        for seed in range(8):
            before = Sheet(badge(), WHITE).trimmed()
            after = lay_on_photo(before, job(seed, photo(), share))
            size = max(before.pixels.shape[:2])
            mean = np.prod(after.pixels.shape[:2]) ** 0.5
            assert size / mean == pytest.approx(share, rel=0.3)


def test_the_photo_is_seen_around_the_mark() -> None:
    for seed in range(8):
        after = lay_on_photo(Sheet(badge(), WHITE), job(seed, photo(), 0.3)).pixels
        far = np.abs(after.astype(int) - 90).max(axis=2)
        assert (far <= 30).mean() > 0.6
        assert (far > 60).mean() > 0.02


def test_ink_is_printed_on_the_photo_or_comes_with_its_ground() -> None:
    black = Sheet(disc(WHITE, BLACK), WHITE)
    grounds = []
    for seed in range(16):
        after = lay_on_photo(black, job(seed, photo(level=140), 0.6)).pixels
        grounds.append(bool((distance_to(after, WHITE) < 60).mean() > 0.02))
    assert True in grounds
    assert False in grounds


def test_ink_that_would_vanish_comes_with_its_ground() -> None:
    for seed in range(12):
        after = lay_on_photo(
            Sheet(disc(WHITE, BLACK), WHITE), job(seed, photo(level=30), 0.6)
        ).pixels
        light = after.astype(int).min(axis=2) > 110
        assert light.mean() > 0.02, seed


def test_without_a_photo_nothing_changes_and_none_is_asked_for() -> None:
    before = Sheet(badge(), WHITE)
    assert lay_on_photo(before, job(0, None)) is before
    recipe = replace(Recipe(), scene=Scene(photo=1.0))
    rng = np.random.default_rng(0)
    assert draw_plan(recipe, rng) == ()
    assert draw_plan(recipe, rng, with_photo=True) == ("in a photo",)


def test_a_view_is_the_same_for_the_same_seed_and_no_larger_than_it_may_be() -> None:
    mark, recipe = Mark.of(badge(RED)), replace(RECIPES["default"], untouched=0.0)
    for seed in range(12):
        one, two = (
            make_view(mark, recipe, np.random.default_rng(seed), photo=photo()) for _ in range(2)
        )
        np.testing.assert_array_equal(one, two)
        assert max(one.shape[:2]) <= recipe.side


@pytest.mark.parametrize("size", [(1, 1), (8, 200), (300, 12)])
def test_photos_of_any_size_will_do(size: tuple[int, int]) -> None:
    for seed in range(4):
        after = lay_on_photo(Sheet(disc(WHITE, BLUE), WHITE), job(seed, photo(*size)))
        assert min(after.pixels.shape[:2]) >= 24
        assert not after.even


def test_a_sign_has_no_dark_rim() -> None:
    white = np.full((60, 60, 3), 255, np.uint8)
    for seed in range(12):
        before = Sheet(white, WHITE, even=False)
        after = lay_on_photo(before, job(seed, np.full((90, 90, 3), 250, np.uint8), 0.5))
        assert after.pixels.min() >= 0.5 * 255, seed  # as dark as light may fall on it, no darker
