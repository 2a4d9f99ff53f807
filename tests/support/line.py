"""A task of the trainer that takes no time: a straight line through points with noise.

It has all that a task may have to remember: an optimiser with momentum, buffers that change in
training, and a state of its own that each step's loss depends on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import nn
from torch.utils.data import Dataset

from likemark.retrieval.training.config import Optimiser, Run
from likemark.retrieval.training.observers import Facts
from likemark.retrieval.training.settings import check, made
from likemark.retrieval.training.task import Batch, Measured, Place, Settings, Share, weights_of
from likemark.retrieval.training.tasks import Kind
from likemark.retrieval.training.trainer import Trained, train

from .training import Heard

NAME = "line"
_BATCH, _NOISE = 16, 0.01
_TESTED = 10_000  # the step whose points are held out


@dataclass(frozen=True, slots=True)
class LineData:
    width: int = 4  # numbers of a point
    workers: int = 0
    ahead: int = 2

    def __post_init__(self) -> None:
        check("data.width", self.width >= 1, "1 or more")


@dataclass(frozen=True, slots=True)
class LineTraining:
    data: LineData = field(default_factory=LineData)
    optimiser: Optimiser = field(default_factory=Optimiser)
    run: Run = field(default_factory=Run)

    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self:
        return made(cls, values)

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class Points(Dataset[Batch]):
    def __init__(self, width: int, seed: int, share: Share) -> None:
        self._width, self._seed, self._share = width, seed, share

    def __getitem__(self, step: int) -> Batch:
        rng = np.random.default_rng([self._seed, step])
        points = rng.normal(1, 2, (_BATCH, self._width)).astype(np.float32)
        noise = rng.normal(0, _NOISE, _BATCH)
        heights = (points @ np.arange(1, self._width + 1) + 7 + noise).astype(np.float32)
        own = slice(self._share.rank, None, self._share.world)
        return torch.from_numpy(points[own]), torch.from_numpy(heights[own])


class Line:
    metric = "share explained"

    def __init__(self, config: LineTraining, share: Share) -> None:
        self._config, self._share = config, share
        torch.manual_seed(config.run.seed)
        width = config.data.width
        self.network = nn.Sequential(nn.BatchNorm1d(width), nn.Linear(width, 1))
        self._middle = torch.zeros(())  # the mean height of all points so far, by halves

    def optimiser(self) -> torch.optim.Optimizer:
        trained = [p for p in self.network.parameters() if p.requires_grad]
        group = {"params": trained, "peak": self._config.optimiser.rate}
        return torch.optim.SGD([group], lr=1.0, momentum=0.9)

    def batches(self) -> Points:
        return Points(self._config.data.width, self._config.run.seed, self._share)

    def prepare(self, network: nn.Module, step: int) -> None:
        network.train()

    def backward(self, network: nn.Module, batch: Batch, step: int) -> float:
        points, heights = batch
        self._middle = (self._middle + heights.mean()) / 2
        error = (network(points)[:, 0] + self._middle - heights).square().sum() / _BATCH
        torch.autograd.backward(error)
        return float(error.detach())

    def pictures(self, batch: Batch) -> int:
        return len(batch[0])

    def measure(self, network: nn.Module) -> Measured:
        points, heights = self.batches()[_TESTED]
        with torch.inference_mode():
            error = float((network(points)[:, 0] + self._middle - heights).square().mean())
        explained = max(0.0, 1 - error / float(heights.var()))
        return Measured(explained, {"error": error})

    def facts(self, resumed: int) -> Facts:
        width, weights = self._config.data.width, weights_of(self.network)
        return Facts(
            self.metric, (f"points of {width} numbers, {weights} weights",), {"width": width},
            weights, self._config.run.steps, resumed, pictures="points",
        )  # fmt: skip

    def state(self) -> dict[str, torch.Tensor]:
        return {"middle": self._middle}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        self._middle = state["middle"]


def _made(config: LineTraining, place: Place) -> Line:
    return Line(config, place.share)


LINE = Kind(lambda: LineTraining, _made)  # to be registered as NAME


def line_settings(**tables: dict[str, Any]) -> LineTraining:
    """tables: what is to be different, such as run={"steps": 9}."""
    given: dict[str, dict[str, Any]] = {
        "optimiser": {"rate": 0.01, "warmup": 3, "average": 0.5, "clip": 1000.0},
        "run": {"steps": 20, "validate": 10, "device": "cpu"},
    }
    named = given.keys() | tables.keys()
    return LineTraining.of({k: {**given.get(k, {}), **tables.get(k, {})} for k in named})


def drawn(config: Settings, folder: Path) -> tuple[Trained, Heard]:
    heard = Heard()
    return train(config, folder, observer=heard), heard
