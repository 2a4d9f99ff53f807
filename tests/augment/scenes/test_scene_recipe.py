"""Settings of scenes, and their bounds."""

from __future__ import annotations

from dataclasses import asdict, fields

import pytest

from likemark.augment.scenes.recipe import SCENE_RECIPES, Finish, Lens, Pose, SceneRecipe


def test_a_recipe_of_nothing_has_no_chance_of_anything():
    for group in asdict(SceneRecipe()).values():
        if isinstance(group, dict):
            chances = [v for v in group.values() if isinstance(v, float) and v in (0.0, 1.0)]
            assert not any(chances)


def test_tables_as_toml_gives_them_become_a_recipe():
    recipe = SceneRecipe.of({"pose": {"tilt": 0.5, "degrees": [3, 9]}, "close": 0.02})
    assert recipe == SceneRecipe(pose=Pose(tilt=0.5, degrees=(3, 9)), close=0.02)


def test_the_default_recipe_draws_from_every_group():
    recipe = SCENE_RECIPES["default"]
    for group in ("content", "pose", "finish", "light", "occlusion", "lens"):
        assert getattr(recipe, group) != getattr(SceneRecipe(), group), group


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        ({"poses": {}}, "a scene recipe has no 'poses': choose from content, pose"),
        ({"pose": {"tlit": 1}}, "pose has no 'tlit'"),
        ({"pose": {"tilt": 1.5}}, "tilt 1.5 must be from 0.0 to 1.0"),
        ({"pose": {"least": 2}}, "least 2 must be from 8"),
        ({"pose": {"away": [20, 10]}}, "the lower first"),
        ({"lens": {"quality": [0, 50]}}, "quality"),
        ({"finish": {"printed": 0.6, "sign": 0.6}}, "not be more than 1 together"),
        ({"occlusion": 3}, "occlusion must be a table"),
        ({"close": 0.7}, "close 0.7"),
        ({"content": {"most_copies": 0}}, "most_copies"),
    ],
)
def test_settings_that_are_none_or_out_of_bounds_are_refused(tables: dict, told: str):
    with pytest.raises(ValueError, match=told):
        SceneRecipe.of(tables)


def test_every_setting_says_what_it_is():
    for group in (Pose, Finish, Lens):
        assert all(each.name.islower() for each in fields(group))
