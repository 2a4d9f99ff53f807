"""The published network as a task of the trainer, on the scenes that likemark's own is trained on.

Chosen here: scenes, marks and the split are those of `likemark.retrieval.oneshot.training`, without
its questions for any mark, which this network has no query for. Scenes are squashed to a square as
published; queries are padded to theirs, as the sampling has them. The sampling says of each 4 x 4
px how much of them the mark covers; the loss is taken at all px of the mask against that, enlarged.

A: questions; h, w: places of a target.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import torch
from torch import nn
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import interpolate

from likemark.benchmarks.locate.published.config import PublishedTraining
from likemark.benchmarks.locate.published.network import QUERY, SCENE, Published, squashed
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.network import STRIDE
from likemark.retrieval.oneshot.training.judged import Judged
from likemark.retrieval.oneshot.training.material import read_material
from likemark.retrieval.oneshot.training.sampling import ANY, Questions
from likemark.retrieval.training.folder import SHAPES
from likemark.retrieval.training.observers import Facts
from likemark.retrieval.training.processes import first_alone
from likemark.retrieval.training.task import Batch, Measured, Place, weights_of

_HELD_OUT = 10_007  # added to the seed for the questions of validations
_STEP = 2 * STRIDE  # px: a scene's sides are multiples of it


class PublishedTask:
    """See `Task`."""

    metric = "mask IoU"

    def __init__(self, config: PublishedTraining, place: Place) -> None:
        """Raises InvalidInput, and what `read_material` raises."""
        share = place.share
        if config.batch.pairs < 2 * share.world:
            raise InvalidInput(
                f"batch.pairs is {config.batch.pairs}, for {share.world} processes: each needs 2"
            )
        self.config, self.share, self._device = config, share, place.device
        torch.manual_seed(config.run.seed)
        network = Published(config.network.width).to(place.device.torch())
        # Twice as fast on a CPU, to the same weights but for rounding.
        self.network: nn.Module = network.to(memory_format=torch.channels_last)
        with first_alone(share):
            found = read_material(config.data, place.folder / SHAPES, told=place.observer.surveyed)
        self.material, self.held_out, self._unreadable = found
        self._asked: list[Batch] = []

    def optimiser(self) -> torch.optim.Optimizer:
        settings = self.config.optimiser
        group = {"params": list(self.network.parameters()), "peak": settings.rate}
        return torch.optim.AdamW([group], lr=settings.rate, weight_decay=settings.decay)

    def batches(self) -> Questions:
        run, batch = self.config.run, self.config.batch
        return Questions(self.material, batch, run.seed, QUERY, _STEP, self.share)

    def prepare(self, network: nn.Module, step: int) -> None:
        network.train()

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

    def pictures(self, batch: Batch) -> int:
        return len(batch[0])

    def measure(self, network: nn.Module) -> Measured:
        """As likemark's own network is measured, on masks that are no longer squashed."""
        judged = Judged()
        with torch.inference_mode():
            for batch in self._questions():
                batch = tuple(part.to(self._device.torch()) for part in batch)
                asks, targets = for_marks(batch)
                logits = self.answers(network, (*batch[:2], asks))
                judged.add(_reduced(logits, targets).cpu(), asks.cpu(), targets.cpu())
        value, more = judged.measured()
        return Measured(value, {name: of for name, of in more.items() if "any" not in name})

    def _questions(self) -> Iterator[Batch]:
        """Made once; they are the same in each validation."""
        if not self._asked:
            config = self.config
            seed = config.run.seed + _HELD_OUT
            asked = Questions(self.held_out, config.batch, seed, QUERY, _STEP)
            self._asked = [asked[n] for n in range(config.data.held_out)]
        yield from self._asked

    def facts(self, resumed: int) -> Facts:
        corpus, held = self.material.corpus, self.held_out
        numbers = {
            "drawings": len(corpus), "groups": len(corpus.names),
            "photos": len(self.material.photos), "held_out_groups": len(held.corpus.names),
            "held_out_photos": len(held.photos),
        }  # fmt: skip
        said = (
            f"the published network, {self.config.network.width} channels wide, on "
            f"{numbers['groups']:,} marks and {numbers['photos']:,} photos; held out: "
            f"{numbers['held_out_groups']:,} marks, {numbers['held_out_photos']:,} photos",
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
