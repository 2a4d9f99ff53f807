"""The small network that a blog post of 2017 trained from nothing on FlickrLogos-27: the baseline.

F. Teschner, Deep Learning for Brand Logo Detection, 2017: Keras, about 15 % on its validation
photos. The layers, their initialisation, the loss, the optimiser and its rate are the post's. Its
text does not state the split, picture size, batch or scaling of pixels. Of the data set it names
270 photos, of which it drops those with no brand; a later post of the same author has 675 photos,
20 more for each brand among them. Both fit the query file alone, with 135 photos for training and
validation together. Here 270 photos train and those 135 validate, so that the figures stand beside
an encoder's. C classes, S px of the input's side.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.flickr27.scores import Answers
from likemark.benchmarks.flickr27.training import Curve, Examples, Inputs, answer, fit, seeded
from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    import torch

NAME = "small CNN from scratch (Teschner 2017)"
CHANNELS = (16, 32, 64)
HIDDEN = 64
DROPOUT = 0.5
# RMSprop as Keras has it. The post's decay of 1e-6 a step would take 0.5 % off the rate by the end.
RHO = 0.9
EPSILON = 1e-7


@dataclass(frozen=True, slots=True)
class CnnRecipe:
    """What the post leaves open or says in passing."""

    size: int = 64  # S, px; the author's sizes were 32 and 64, and this rate suited 64
    epochs: int = 150  # the post's
    batch: int = 8  # photos in a step, as in the author's later posts
    rate: float = 1e-4  # the post's

    def __post_init__(self) -> None:
        if self.size < 22:
            raise InvalidInput(
                f"a side of {self.size} px leaves nothing after the pools: 22 or more"
            )
        if min(self.epochs, self.batch) < 1 or self.rate <= 0:
            raise InvalidInput(f"{self}: give epochs, batch and rate above 0")

    def fingerprint(self, seed: int) -> str:
        """64 hexadecimal digits, equal for networks that were trained alike."""
        layers = {"channels": CHANNELS, "hidden": HIDDEN, "dropout": DROPOUT, "seed": seed}
        return hashlib.sha256(json.dumps({**asdict(self), **layers}).encode()).hexdigest()


@dataclass(frozen=True, slots=True, eq=False)
class SmallCnn:
    """A trained network and how it got there."""

    network: torch.nn.Module  # (N, 3, S, S) to (N, C) logits
    curve: Curve

    def answer(self, inputs: Inputs) -> Answers:
        """inputs: (N, 3, S, S), as `as_inputs` gives them."""
        return answer(self.network, inputs)


def train_cnn(
    training: Examples,
    validation: Examples,
    classes: int,
    *,
    seed: int = 0,
    recipe: CnnRecipe | None = None,
) -> SmallCnn:
    """training, validation: inputs as `as_inputs` gives them; labels below `classes`, which is C.

    seed: of the first weights, of the photos' order and of dropout
    """
    import torch

    recipe = recipe or CnnRecipe()
    with seeded(seed):
        network = build(recipe.size, classes).to(memory_format=torch.channels_last)
        optimiser = torch.optim.RMSprop(
            network.parameters(), lr=recipe.rate, alpha=RHO, eps=EPSILON
        )
        counts = {"epochs": recipe.epochs, "batch": recipe.batch}
        curve = fit(network, optimiser, training, validation, **counts, seed=seed)
    return SmallCnn(network, curve)


def build(size: int, classes: int) -> torch.nn.Module:
    """Three times convolution, ReLU and pool, then two dense layers. Result: logits.

    size: S, px; classes: C
    """
    from torch import nn

    layers: list[nn.Module] = []
    before = 3
    for channels in CHANNELS:
        layers += [nn.Conv2d(before, channels, 3), nn.ReLU(), nn.MaxPool2d(2)]
        before, size = channels, (size - 2) // 2
    layers += [nn.Flatten(), nn.Linear(before * size * size, HIDDEN), nn.ReLU()]
    layers += [nn.Dropout(DROPOUT), nn.Linear(HIDDEN, classes)]
    for layer in layers:
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.xavier_uniform_(layer.weight)
            assert layer.bias is not None
            nn.init.zeros_(layer.bias)
    return nn.Sequential(*layers)


def as_inputs(photos: Iterable[Pixels], size: int) -> Inputs:
    """Photos squashed to a square, as the post has them, with values of 0 to 1.

    photos: (H, W, 3 or 4), an alpha channel is passed over; size: S, px
    result: (N, 3, S, S)
    """
    side = (size, size)
    squashed = [
        np.asarray(Image.fromarray(photo[..., :3]).resize(side, Image.Resampling.BILINEAR))
        for photo in photos
    ]
    stacked = np.stack(squashed).transpose(0, 3, 1, 2)
    return np.ascontiguousarray(stacked, dtype=np.float32) / np.float32(255)
