"""A training that takes seconds: drawn brands, timm's test backbone with fixed random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import timm
import torch
from PIL import Image, ImageOps
from safetensors.torch import save_file
from support.corpus import draw_mark

from likemark.benchmarks.protocol.validation import validation_map
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.observers import Facts, Quiet, Step, Validated
from likemark.retrieval.training.task import Settings
from likemark.retrieval.training.trainer import Trained, train

BACKBONE = "test_vit"
SIZE = 64  # px
TABLES: dict[str, dict[str, Any]] = {
    "data": {"validation": 0.4, "workers": 0},
    "batch": {"groups": 4, "views": 3, "alike": 0.0},
    "augment": {"recipe": "image"},
    "network": {"backbone": BACKBONE, "size": SIZE, "dimension": 16, "pooling": "token+avg"},
    "optimiser": {"warmup": 2, "average": 0.9},
    "run": {"steps": 6, "validate": 3, "device": "cpu"},
}


def drawn_again(number: int, drawing: int, size: int = 80) -> Image.Image:
    """One mark as another hand would draw it: plain, in grey, or narrower and turned round."""
    mark = draw_mark(number, size)
    if drawing == 0:
        return mark
    if drawing == 1:
        return ImageOps.invert(ImageOps.grayscale(mark)).convert("RGB")
    return ImageOps.mirror(mark.resize((size * 3 // 4, size)))


def write_brands(folder: Path, *, brands: int = 10, drawings: int = 3) -> Path:
    """A folder for each brand."""
    for brand in range(brands):
        place = folder / f"brand{brand}"
        place.mkdir(parents=True)
        for drawing in range(drawings):
            drawn_again(brand + 1, drawing).save(place / f"{drawing}.png")
    return folder


def write_weights(path: Path, *, backbone: str = BACKBONE) -> Path:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = timm.create_model(backbone, num_classes=0)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, path)
    return path


def settings(corpus: Path, weights: Path, **tables: dict[str, Any]) -> Training:
    """tables: what is to be different, such as run={"steps": 9}."""
    given = {"data": {"corpus": str(corpus)}, "network": {"weights": str(weights)}}
    named = {**TABLES, **given, **tables}
    return Training.of({
        name: {**TABLES.get(name, {}), **given.get(name, {}), **tables.get(name, {})}
        for name in named
    })  # fmt: skip


class Heard(Quiet):
    """Keeps all that it is told."""

    def __init__(self) -> None:
        self.facts: list[Facts] = []
        self.steps: list[Step] = []
        self.validated_: list[Validated] = []
        self.ends = 0

    def started(self, facts: Facts) -> None:
        self.facts.append(facts)

    def stepped(self, step: Step) -> None:
        self.steps.append(step)

    def validated(self, validated: Validated) -> None:
        self.validated_.append(validated)

    def ended(self) -> None:
        self.ends += 1


def trained(config: Training, folder: Path) -> tuple[Trained, Heard]:
    heard = Heard()
    return train(config, folder, measure=validation_map, observer=heard), heard


def toml(config: Settings) -> str:
    """A file that says the same."""
    lines = []
    for section, table in config.to_dict().items():
        lines.append(f"[{section}]")
        lines += [f"{name} = {_toml(value)}" for name, value in table.items()]
    return "\n".join(lines)


def _toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, tuple):
        return str(list(value))
    return repr(value) if isinstance(value, str) else str(value)


def pixels(count: int, size: int = SIZE, *, seed: int = 0) -> torch.Tensor:
    """(N, S, S, 3) uint8."""
    values = np.random.default_rng(seed).integers(0, 256, (count, size, size, 3), np.uint8)
    return torch.from_numpy(values)
