"""The one-shot network as a task of the trainer: questions in made scenes, features seen afresh.

A: questions; h, w: places of a mask.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from likemark.retrieval.models import find_model
from likemark.retrieval.oneshot.card import DEFAULT, OneShotCard
from likemark.retrieval.oneshot.features import load_features, size_of
from likemark.retrieval.oneshot.network import OneShot
from likemark.retrieval.oneshot.training.config import OneShotTraining
from likemark.retrieval.oneshot.training.judged import Judged
from likemark.retrieval.oneshot.training.loss import mask_loss
from likemark.retrieval.oneshot.training.sampling import ANY
from likemark.retrieval.oneshot.training.scenes import SceneTask
from likemark.retrieval.training.optimiser import with_decay
from likemark.retrieval.training.task import Batch, Measured, Place


class OneShotTask(SceneTask):
    """See `Task`. Statistics of norms, and the means over right questions, are a process's own."""

    def __init__(self, config: OneShotTraining, place: Place) -> None:
        """Raises InvalidInput, NotFound and ModelError for what is named and is not there, and
        ModelDamaged for weights to go on from that are of another form."""
        super().__init__(config, place)
        self.config = config
        model = find_model(config.network.model)
        self.features = load_features(model, config.network.layers, place.device)
        torch.manual_seed(config.run.seed)
        self.network: nn.Module = OneShot(size_of(config.network, self.features))
        if config.network.weights:
            _go_on(self.network, config.network.weights)
        self.network.to(place.device.torch())
        self.read()

    @property
    def sides(self) -> tuple[int, int]:
        return self.features.size, self.features.step

    def optimiser(self) -> torch.optim.Optimizer:
        return with_decay(self.network, self.config.optimiser)

    def backward(self, network: nn.Module, batch: Batch, step: int) -> float:
        value = mask_loss(self.answers(network, batch), batch[3].float() / 255) / self.share.world
        torch.autograd.backward(value)
        return float(value.detach())

    def answers(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """(A, h, w): logits of every question's mask."""
        scenes, queries, asks = batch[:3]
        with self._device.precision():
            images = self.features.prepare(scenes)
            places = self.features.of_scenes(images)
            tokens = self.features.of_queries(self.features.prepare(queries))
            answering: Any = network
            anything = answering.any_query()[None].to(tokens.dtype)
            assert ANY == -1  # the last row
            logits: torch.Tensor = network(images, places, torch.cat([tokens, anything]), asks)
        return logits

    def measure(self, network: nn.Module) -> Measured:
        judged = Judged()
        with torch.inference_mode():
            for batch in self.questions():
                batch = tuple(part.to(self._device.torch()) for part in batch)
                judged.add(self.answers(network, batch).cpu(), batch[2].cpu(), batch[3].cpu())
        return Measured(*judged.measured())


def _go_on(network: nn.Module, weights: str) -> None:
    """weights: as `SceneNetwork` has it"""
    path = DEFAULT if weights == "default" else Path(weights)
    OneShotCard.read(path).fill(network, path.parent)
