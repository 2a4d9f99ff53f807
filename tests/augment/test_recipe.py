from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest

from likemark.augment.operations import OPERATIONS, Operation
from likemark.augment.recipe import RECIPES, Appearance, Capture, Geometry, Recipe, SegmentEdits


def chances(recipe: Recipe) -> dict[str, float]:
    return {name: operation.chance(recipe) for name, operation in OPERATIONS.items()}


def test_a_recipe_from_nothing_does_nothing():
    assert not any(chances(Recipe()).values())
    assert RECIPES["none"] == Recipe()


def test_the_default_has_every_operation_but_those_of_photographs():
    assert {name for name, chance in chances(RECIPES["default"]).items() if not chance} == {
        "flipped", "jitter",
    }  # fmt: skip


def test_the_presets_are_of_their_groups():
    def groups(name: str) -> set[str]:
        found = chances(RECIPES[name])
        return {OPERATIONS[each].group for each, chance in found.items() if chance}

    assert groups("segment") == {"segments"}
    assert groups("image") == {"appearance", "geometry"}
    assert len(groups("default")) == 6


def test_a_recipe_is_read_from_tables():
    text = """
    untouched = 0.2
    most_groups = 3
    [geometry]
    mirror = 0.5
    degrees = [5, 9.5]
    [segments]
    remove = 1
    """
    recipe = Recipe.of(tomllib.loads(text))
    assert recipe == Recipe(
        segments=SegmentEdits(remove=1),
        geometry=Geometry(mirror=0.5, degrees=(5, 9.5)),
        untouched=0.2,
        most_groups=3,
    )
    assert hash(recipe) == hash(replace(recipe))


@pytest.mark.parametrize(
    ("tables", "message"),
    [
        ({"geometry": {"mirrors": 1}}, "geometry has no 'mirrors': choose from tilt, "),
        ({"shape": {}}, "a recipe has no 'shape': choose from segments, "),
        ({"scene": 3}, "scene must be a table of numbers, not 3"),
        ({"scene": {"text": 1.5}}, r"text 1.5 must be from 0.0 to 1.0"),
        ({"geometry": {"degrees": [9, 3]}}, "two numbers, the lower first"),
        ({"untouched": 2}, "untouched 2 must be from 0 to 1"),
        ({"side": 4}, "side 4 16 or more"),
    ],
)  # fmt: skip
def test_what_is_no_recipe_is_refused(tables: dict[str, object], message: str):
    with pytest.raises(ValueError, match=message):
        Recipe.of(tables)


def test_strengths_have_bounds():
    with pytest.raises(ValueError, match="quality"):
        Capture(quality=(0, 50))
    with pytest.raises(ValueError, match="most 0 must be"):
        Appearance(most=0)
    with pytest.raises(ValueError, match="keep"):
        SegmentEdits(keep=1.2)


def test_an_operation_must_do_something():
    with pytest.raises(ValueError, match="must do something"):
        Operation("scene", lambda recipe: 0.5)
