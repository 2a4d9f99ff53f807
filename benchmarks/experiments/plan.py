"""A plan of experiments: one training, and the settings in which each arm differs from it.

Arms have the plan's seeds, or seeds of their own.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.training.config import Training

_KEYS = {"seeds", "base", "arm"}
_ARM_KEYS = {"table", "name", "set"}
_ARM_MAY = {"seeds", "whiten"}


@dataclass(frozen=True, slots=True)
class Arm:
    table: str  # arms of one table are compared with its first
    name: str
    settings: tuple[str, ...]  # such as "loss.name=triplet"
    seeds: tuple[int, ...]
    whiten: int = 0  # drawings that its last layer is learned on anew after the training; 0: not

    def __post_init__(self) -> None:
        if not (self.table and self.name and self.seeds):
            raise InvalidInput("every arm must have a table, a name and seeds")


@dataclass(frozen=True, slots=True)
class Plan:
    base: Path  # a training's TOML
    arms: tuple[Arm, ...]

    def __post_init__(self) -> None:
        names = [(arm.table, arm.name) for arm in self.arms]
        if not self.arms or len(set(names)) != len(names):
            raise InvalidInput("a plan must have arms, and they must differ in table or name")

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises NotFound, InvalidInput."""
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise NotFound(f"{path}: no such file") from None
        except ValueError as error:
            raise InvalidInput(f"{path}: {error}") from error
        if values.keys() != _KEYS:
            raise InvalidInput(f"{path}: must set {', '.join(sorted(_KEYS))} and nothing else")
        arms = tuple(_arm(path, {"seeds": values["seeds"], **arm}) for arm in values["arm"])
        return cls(path.parent / values["base"], arms)

    def training(self, arm: Arm, seed: int, *, corpus: Path, weights: Path | None) -> Training:
        """weights: the folder that `network.weights` stands in."""
        settings = [*arm.settings, f'data.corpus="{corpus}"', f"run.seed={seed}"]
        training = Training.read(self.base, settings)
        if weights is None or not training.network.weights:
            return training
        file = str(weights / training.network.weights)
        return replace(training, network=replace(training.network, weights=file))


def _arm(path: Path, given: Mapping[str, Any]) -> Arm:
    lists = [given.get("set"), given.get("seeds")]
    if given.keys() - _ARM_MAY != _ARM_KEYS or not all(isinstance(each, list) for each in lists):
        raise InvalidInput(
            f"{path}: an arm must have table, name and set, a list of settings, "
            "and may have seeds, a list of whole numbers, and whiten"
        )
    settings, seeds = tuple(map(str, given["set"])), tuple(given["seeds"])
    whiten = int(given.get("whiten", 0))
    return Arm(str(given["table"]), str(given["name"]), settings, seeds, whiten)
