"""The published network as a task of the trainer, on the scenes that likemark's own is trained on.

Chosen here: scenes, marks and the split are those of `likemark.retrieval.oneshot.training`, without
its questions for any mark, which this network has no query for. Scenes are squashed to a square as
published; queries are padded to theirs, as the sampling has them. The sampling says of each 4 x 4
px how much of them the mark covers; the loss is taken at all px of the mask against that, enlarged.

A: questions; h, w: places of a target.
"""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import interpolate

from likemark.benchmarks.locate.published.config import PublishedTraining
from likemark.benchmarks.locate.published.network import QUERY, SCENE, Published, squashed
from likemark.retrieval.oneshot.network import STRIDE
from likemark.retrieval.oneshot.training.judged import Judged
from likemark.retrieval.oneshot.training.sampling import ANY
from likemark.retrieval.oneshot.training.scenes import SceneTask
from likemark.retrieval.training.task import Batch, Measured, Place

_STEP = 2 * STRIDE  # px: a scene's sides are multiples of it


class PublishedTask(SceneTask):
    """See `Task`."""

    def __init__(self, config: PublishedTraining, place: Place) -> None:
        """Raises InvalidInput, and what `read_material` raises."""
        super().__init__(config, place)
        self.config = config
        torch.manual_seed(config.run.seed)
        network = Published(config.network.width).to(place.device.torch())
        # Twice as fast on a CPU, to the same weights but for rounding.
        self.network: nn.Module = network.to(memory_format=torch.channels_last)
        self.said = f"the published network, {config.network.width} channels wide, on "
        self.read()

    @property
    def sides(self) -> tuple[int, int]:
        return QUERY, _STEP

    def optimiser(self) -> torch.optim.Optimizer:
        settings = self.config.optimiser
        group = {"params": list(self.network.parameters()), "peak": settings.rate}
        return torch.optim.AdamW([group], lr=settings.rate, weight_decay=settings.decay)

    def backward(self, network: nn.Module, batch: Batch, step: int) -> float:
        asks, targets = for_marks(batch)
        logits = self.answers(network, (*batch[:2], asks))
        wanted = _enlarged(targets.float() / 255, (SCENE, SCENE))
        value = cross_entropy(logits, wanted) / self.share.world
        torch.autograd.backward(value)
        return float(value.detach())

    def answers(self, network: nn.Module, batch: Batch) -> torch.Tensor:
        """(A, 256, 256): logits. batch: scenes, queries, questions without any for all marks."""
        scenes, queries, asks = batch[:3]
        with self._device.precision():
            logits: torch.Tensor = network(
                squashed(scenes, SCENE).contiguous(memory_format=torch.channels_last),
                squashed(queries, QUERY).contiguous(memory_format=torch.channels_last),
                asks,
            )
        return logits

    def measure(self, network: nn.Module) -> Measured:
        """As likemark's own network is measured, on masks that are no longer squashed."""
        judged = Judged()
        with torch.inference_mode():
            for batch in self.questions():
                batch = tuple(part.to(self._device.torch()) for part in batch)
                asks, targets = for_marks(batch)
                logits = self.answers(network, (*batch[:2], asks))
                judged.add(_reduced(logits, targets).cpu(), asks.cpu(), targets.cpu())
        value, more = judged.measured()
        return Measured(value, {name: of for name, of in more.items() if "any" not in name})


def for_marks(batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
    """(A, 2) questions and their (A, h, w) targets, without the questions for any mark."""
    is_mark = batch[2][:, 1] != ANY
    return batch[2][is_mark], batch[3][is_mark]


def _enlarged(targets: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """(A, h, w) to (A, *size)."""
    larger = interpolate(targets[:, None], size, mode="bilinear", align_corners=False)
    return larger[:, 0]


def _reduced(logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
    """(A, 256, 256) to the (A, h, w) of the targets."""
    size = (targets.shape[1], targets.shape[2])
    return interpolate(logits[:, None], size, mode="bilinear", antialias=True)[:, 0]
