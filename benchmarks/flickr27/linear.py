"""A linear head on frozen vectors: multinomial logistic regression. D dimensions, C classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from likemark.benchmarks.encoders import Rows
from likemark.benchmarks.flickr27.scores import Answers
from likemark.benchmarks.flickr27.training import Curve, Examples, answer, fit, seeded
from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, slots=True)
class HeadRecipe:
    """AdamW's settings, the same for every encoder.

    They were settled by cross-validation within the training photos, where accuracy hardly depends
    on them; no query photo had a part in it.
    """

    epochs: int = 60
    batch: int = 32  # examples in a step
    rate: float = 0.003
    decay: float = 1.0  # of the weights in a step, as a share of rate

    def __post_init__(self) -> None:
        if min(self.epochs, self.batch) < 1 or self.rate <= 0 or self.decay < 0:
            raise InvalidInput(f"{self}: give epochs, batch and rate above 0, decay 0 or more")


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Vectors moved and stretched as one: their angles among each other matter, not their size."""

    centre: Rows  # (D,), the training rows' mean
    stretch: float  # to a mean variance of 1 over the dimensions

    @classmethod
    def of(cls, rows: Rows) -> Scale:
        """rows: (N, D) float32, the training rows."""
        spread = float(rows.std(axis=0, dtype=np.float64).mean())
        return cls(rows.mean(axis=0), 1 / spread if spread else 1.0)

    def apply(self, rows: Rows) -> Rows:
        scaled: Rows = ((rows - self.centre) * np.float32(self.stretch)).astype(np.float32)
        return scaled


@dataclass(frozen=True, slots=True, eq=False)
class LinearHead:
    """A trained head and how it got there."""

    scale: Scale
    network: torch.nn.Module  # (N, D) scaled rows to (N, C) logits
    curve: Curve

    def answer(self, rows: Rows) -> Answers:
        """rows: (N, D) float32, unit rows."""
        return answer(self.network, self.scale.apply(rows))


def train_head(
    training: Examples,
    validation: Examples,
    classes: int,
    *,
    seed: int = 0,
    recipe: HeadRecipe | None = None,
) -> LinearHead:
    """Fit a linear layer from zero by AdamW; the seed is of the examples' order.

    training, validation: inputs (N, D) float32, unit rows; labels below `classes`, which is C
    """
    import torch

    recipe = recipe or HeadRecipe()
    scale = Scale.of(training.inputs)
    network = torch.nn.Linear(training.inputs.shape[1], classes)
    torch.nn.init.zeros_(network.weight)
    torch.nn.init.zeros_(network.bias)
    optimiser = torch.optim.AdamW(network.parameters(), lr=recipe.rate, weight_decay=recipe.decay)
    scaled = [Examples(scale.apply(part.inputs), part.labels) for part in (training, validation)]
    with seeded(seed):
        curve = fit(
            network, optimiser, *scaled, epochs=recipe.epochs, batch=recipe.batch, seed=seed
        )
    return LinearHead(scale, network, curve)
