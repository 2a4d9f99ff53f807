"""The one-shot network as a task of the trainer: questions in made scenes, features seen afresh.

A: questions; h, w: places of a mask.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import Device
from likemark.retrieval.models import find_model
from likemark.retrieval.oneshot.features import Features, load_features
from likemark.retrieval.oneshot.network import OneShot, Size
from likemark.retrieval.oneshot.training.config import OneShotTraining, SceneNetwork
from likemark.retrieval.oneshot.training.judged import Judged
from likemark.retrieval.oneshot.training.loss import mask_loss
from likemark.retrieval.oneshot.training.material import read_material
from likemark.retrieval.oneshot.training.sampling import ANY, Questions
from likemark.retrieval.training.folder import SHAPES
from likemark.retrieval.training.observers import Facts, Observer
from likemark.retrieval.training.processes import first_alone
from likemark.retrieval.training.task import Batch, Measured, Share, weights_of

_HELD_OUT = 10_007  # added to the seed for the questions of validations


def one_shot_task(
    config: OneShotTraining, folder: Path, share: Share, device: Device, observer: Observer
) -> OneShotTask:
    """Raises InvalidInput, NotFound and ModelError for what the settings name and is not there."""
    if config.batch.pairs < 2 * share.world:
        raise InvalidInput(
            f"batch.pairs is {config.batch.pairs}, for {share.world} processes: each needs 2 or "
            "more, for the wrong queries of one are the right ones of another"
        )
    return OneShotTask(config, folder, share, device, observer)


class OneShotTask:
    """See `Task`."""

    metric = "mask IoU"

    def __init__(
        self, config: OneShotTraining, folder: Path, share: Share, device: Device,
        observer: Observer,
    ) -> None:  # fmt: skip
        self.config, self.share, self._device = config, share, device
        self.features = load_features(
            find_model(config.network.model), config.network.layers, device
        )
        torch.manual_seed(config.run.seed)
        self.network: nn.Module = OneShot(size_of(config.network, self.features)).to(device.torch())
        with first_alone(share):
            found = read_material(config.data, folder / SHAPES, told=observer.surveyed)
        self.material, self.held_out, self._unreadable = found
        self._asked: list[Batch] = []

    def optimiser(self) -> torch.optim.Optimizer:
        settings = self.config.optimiser
        plain = [p for p in self.network.parameters() if p.ndim < 2]
        weights = [p for p in self.network.parameters() if p.ndim >= 2]
        groups = [
            {"params": plain, "peak": settings.rate, "weight_decay": 0.0},
            {"params": weights, "peak": settings.rate, "weight_decay": settings.decay},
        ]
        return torch.optim.AdamW(groups, lr=settings.rate)

    def batches(self) -> Questions:
        run, batch = self.config.run, self.config.batch
        size, step = self.features.size, self.features.step
        return Questions(self.material, batch, run.seed, size, step, self.share)

    def prepare(self, network: nn.Module, step: int) -> None:
        network.train()

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

    def pictures(self, batch: Batch) -> int:
        return len(batch[0])

    def measure(self, network: nn.Module) -> Measured:
        judged = Judged()
        with torch.inference_mode():
            for batch in self._questions():
                batch = tuple(part.to(self._device.torch()) for part in batch)
                judged.add(self.answers(network, batch).cpu(), batch[2].cpu(), batch[3].cpu())
        return Measured(*judged.measured())

    def _questions(self) -> Iterator[Batch]:
        """Made once; they are the same in each validation."""
        if not self._asked:
            run = self.config.run
            size, step = self.features.size, self.features.step
            asked = Questions(self.held_out, self.config.batch, run.seed + _HELD_OUT, size, step)
            self._asked = [asked[n] for n in range(self.config.data.held_out)]
        yield from self._asked

    def facts(self, resumed: int) -> Facts:
        corpus = self.material.corpus
        numbers = {
            "drawings": len(corpus), "groups": len(corpus.names),
            "photos": len(self.material.photos),
            "held_out_groups": len(self.held_out.corpus.names),
            "held_out_photos": len(self.held_out.photos),
        }  # fmt: skip
        said = (
            f"{numbers['drawings']:,} drawings of {numbers['groups']:,} marks on "
            f"{numbers['photos']:,} photos; held out: {numbers['held_out_groups']:,} marks, "
            f"{numbers['held_out_photos']:,} photos",
        )
        return Facts(
            metric=self.metric, said=said, numbers=numbers, parameters=weights_of(self.network),
            steps=self.config.run.steps, resumed=resumed, pictures="scenes",
            unreadable=self._unreadable,
        )  # fmt: skip

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        pass


def size_of(network: SceneNetwork, features: Features) -> Size:
    return Size(
        channels=features.channels, layers=len(features.layers), tokens=features.tokens,
        width=network.width, depth=network.depth, heads=network.heads, fine=network.fine,
    )  # fmt: skip
