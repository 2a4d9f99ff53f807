"""A one-shot training that takes seconds: drawn brands in drawn photos, seen by a tiny network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.models import tiny_model
from support.training import Heard, write_brands

from likemark.retrieval.oneshot.training.config import OneShotTraining
from likemark.retrieval.training.anew import Weights
from likemark.retrieval.training.export import kept_weights
from likemark.retrieval.training.observers import Step
from likemark.retrieval.training.trainer import train

TABLES: dict[str, dict[str, Any]] = {
    "data": {"validation": 0.3, "held_out": 1, "workers": 0},
    "batch": {"pairs": 2, "right": 1, "wrong": 2, "size": 112},
    "network": {"layers": [1, 3], "width": 16, "depth": 1, "heads": 2, "fine": 8},
    "optimiser": {"rate": 1e-3, "warmup": 2, "average": 0.5},
    "run": {"steps": 4, "validate": 2, "device": "cpu"},
}


def write_photos(folder: Path, *, count: int = 4) -> Path:
    """Coloured noise, coarse and fine, as a photo has."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        rng = np.random.default_rng(number)
        coarse = rng.integers(0, 256, (6, 8, 3), np.uint8)
        smooth = Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC)
        noise = rng.normal(0, 6, (240, 320, 3))
        pixels = (np.asarray(smooth) + noise).clip(0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{number}.png")
    return folder


def write_material(folder: Path) -> OneShotTraining:
    """Everything that a training needs, and its settings."""
    corpus = write_brands(folder / "brands", brands=14, drawings=2)
    photos = write_photos(folder / "photos")
    model = tiny_model(folder / "model", name="tiny-vit", backbone="test_vit")
    return settings(corpus, photos, model.folder / "tiny-vit.json")


def weights_with_and_without_a_kill(config: Any, folder: Path) -> tuple[Weights, Weights]:
    """Of an undisturbed training in folder / "whole", and of one that was killed in between.

    config: of a training in made scenes, which saves after every step
    """

    class Killed(Exception):
        pass

    class Killing(Heard):
        def stepped(self, step: Step) -> None:
            super().stepped(step)
            if len(self.steps) == 3:
                raise Killed

    whole = train(config, folder / "whole", observer=Heard())
    with pytest.raises(Killed):
        train(config, folder / "killed", observer=Killing())
    gone_on = train(config, folder / "killed", observer=Heard())
    assert gone_on.metric == whole.metric == "mask IoU"
    assert gone_on.best == whole.best
    one, two = (kept_weights(folder / name).weights for name in ("whole", "killed"))
    assert one.keys() == two.keys()
    return one, two


def settings(corpus: Path, photos: Path, model: Path) -> OneShotTraining:
    given = {
        "data": {"corpus": str(corpus), "photos": str(photos)},
        "network": {"model": str(model)},
    }
    return OneShotTraining.of(
        {name: {**table, **given.get(name, {})} for name, table in TABLES.items()}
    )
