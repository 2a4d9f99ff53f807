"""What the names in a configuration stand for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from likemark.augment.recipe import RECIPES, Recipe
from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.registry import Loss, find_loss
from likemark.retrieval.training.config import LossChoice


def chosen_loss(choice: LossChoice) -> Loss:
    """Raises NotFound for an unknown name."""
    loss: Any = find_loss(choice.name)
    is_triplet = choice.name == "triplet"
    changes: dict[str, Any] = {"mining": choice.mining} if is_triplet else {}
    if choice.temperature:
        changes["margin" if is_triplet else "temperature"] = choice.temperature
    return cast(Loss, replace(loss, **changes))


def chosen_recipe(name: str) -> Recipe:
    """Raises InvalidInput for an unknown name."""
    if name not in RECIPES:
        raise InvalidInput(f"augment.recipe {name!r} must be one of {', '.join(RECIPES)}")
    return RECIPES[name]
