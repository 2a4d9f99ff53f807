"""The tracer as a task of the trainer: places of made scenes, masks that are coarse and the true.

N: places; S: px of the square that a place is seen in.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.utils.data import Dataset

from likemark.retrieval.oneshot.tracer import SIDE, Tracer
from likemark.retrieval.oneshot.training.config import TracerTraining
from likemark.retrieval.oneshot.training.loss import dice
from likemark.retrieval.oneshot.training.material import Material
from likemark.retrieval.oneshot.training.scenes import SceneTask
from likemark.retrieval.oneshot.training.traces import COVERED, Traces
from likemark.retrieval.training.optimiser import with_decay
from likemark.retrieval.training.task import Batch, Measured, Place, Share


class TracerTask(SceneTask):
    """See `Task`. Statistics of norms, and the mean over places, are a process's own."""

    said = "a tracer, on "
    seen = "places"

    def __init__(self, config: TracerTraining, place: Place) -> None:
        """Raises InvalidInput and NotFound for what is named and is not there."""
        super().__init__(config, place)
        self.config = config
        torch.manual_seed(config.run.seed)
        self.network: nn.Module = Tracer(config.network.widths).to(place.device.torch())
        self.read()

    @property
    def sides(self) -> tuple[int, int]:
        return SIDE, 1

    def made_of(self, material: Material, seed: int, share: Share) -> Dataset[Batch]:
        return Traces(material, self.config.batch, seed, share)

    def optimiser(self) -> torch.optim.Optimizer:
        return with_decay(self.network, self.config.optimiser)

    def backward(self, network: nn.Module, batch: Batch, step: int) -> float:
        wanted = batch[2].flatten(1).float() / 255
        logits = self._answers(network, batch).flatten(1)
        value = (cross_entropy(logits, wanted) + dice(logits, wanted).mean()) / self.share.world
        torch.autograd.backward(value)
        return float(value.detach())

    def measure(self, network: nn.Module) -> Measured:
        """Mean IoU with the true masks; beside it, that of the masks as they were found."""
        traced: list[float] = []
        found: list[float] = []
        with torch.inference_mode():
            for batch in self.questions():
                batch = tuple(part.to(self._device.torch()) for part in batch)
                truth = batch[2] >= COVERED
                traced += _ious(self._answers(network, batch) > 0, truth)
                found += _ious(batch[1] > 0, truth)
        return Measured(sum(traced) / len(traced), {"as found": sum(found) / len(found)})

    def _answers(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """(N, S, S): logits."""
        with self._device.precision():
            logits: torch.Tensor = network(*batch[:2])
        return logits


def _ious(found: torch.Tensor, truth: torch.Tensor) -> list[float]:
    """found, truth: (N, S, S) bool"""
    both = (found & truth).flatten(1).sum(1)
    union = (found | truth).flatten(1).sum(1).clamp_min(1)
    ious: list[float] = (both / union).tolist()
    return ious
