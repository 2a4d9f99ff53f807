"""Pictures to vectors: any timm backbone behind one class. N pictures, S px, D dimensions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import ModelDamaged, one_line
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import AUTO, Device, choose_device, cores
from likemark.retrieval.models import FoundModel

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]
Item = TypeVar("Item")

# Every batch of a stream has this many pictures, the last one filled up: a picture's vector is
# then the same to the bit whatever was embedded beside it and wherever a killed run resumed.
BATCH = {"cpu": 16, "cuda": 128, "mps": 32}


class Embedder:
    """A loaded model. `embed` takes what it is given at once; `stream` overlaps batches.

    card: what the model is; device: where it runs; size: S; dimension: D.
    """

    def __init__(self, card: ModelCard, network: torch.nn.Module, device: Device) -> None:
        import torch

        self.card = card
        self.device = device
        self.size = card.input_size
        self.dimension = card.dimension
        self.batch = BATCH[device.name.split(":")[0]]
        network = network.eval().to(device.torch())
        self._network = network.to(memory_format=torch.channels_last)
        scale = torch.tensor([card.mean, card.std]).mul(255).view(2, 1, 3, 1, 1)
        self._mean, self._std = scale.to(device.torch())

    @classmethod
    def load(cls, model: FoundModel, *, device: str = AUTO) -> Self:
        """Raises ModelDamaged when weights, card and backbone do not agree."""
        weights = model.card.check_weights(model.folder)
        return cls(model.card, _network(model.card, weights), choose_device(device))

    def embed(self, pixels: Pixels) -> Rows:
        """pixels: (N, S, S, 3) uint8 RGB. Returns (N, D) float32, unit rows."""
        import torch

        if not len(pixels):
            return np.empty((0, self.dimension), np.float32)
        with torch.inference_mode(), self._precision():
            images = torch.from_numpy(pixels).to(self.device.torch(), non_blocking=True)
            # (N, S, S, 3) seen as (N, 3, S, S) already lies channels-last in memory.
            images = images.permute(0, 3, 1, 2).float().sub_(self._mean).div_(self._std)
            vectors = self._network(images).float()
            rows: Rows = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
        return rows

    def stream(
        self, items: Iterable[Item], pixels_of: Callable[[Item], Pixels]
    ) -> Iterator[tuple[Item, NDArray[np.float32]]]:
        """(item, (D,) unit row) in input order, batches running side by side.

        On a CPU each core runs batches of its own: no core ever waits for another in the middle
        of a layer, and decoding beside it takes what time it needs.
        """
        workers = cores() if self.device.is_cpu else 2
        waiting: deque[tuple[list[Item], Future[Rows]]] = deque()
        source = iter(items)
        with ThreadPoolExecutor(workers, initializer=self._enter_worker) as pool:
            try:
                while batch := list(islice(source, self.batch)):
                    # The pixels are copied here: the caller's arrays can go while the batch waits.
                    stacked = self._stacked([pixels_of(item) for item in batch])
                    waiting.append((batch, pool.submit(self.embed, stacked)))
                    while len(waiting) > workers or (waiting and waiting[0][1].done()):
                        yield from _paired(*waiting.popleft())
                while waiting:
                    yield from _paired(*waiting.popleft())
            finally:
                for _, future in waiting:
                    future.cancel()

    def _stacked(self, pictures: list[Pixels]) -> Pixels:
        stacked = np.zeros((self.batch, self.size, self.size, 3), np.uint8)
        stacked[: len(pictures)] = pictures
        return stacked

    def _enter_worker(self) -> None:
        import torch

        if self.device.is_cpu:
            torch.set_num_threads(1)

    def _precision(self) -> AbstractContextManager[object]:
        import torch

        if not self.device.bf16:
            return nullcontext()
        return torch.autocast(self.device.torch().type, dtype=torch.bfloat16)


def _paired(items: list[Item], future: Future[Rows]) -> Iterator[tuple[Item, NDArray[np.float32]]]:
    yield from zip(items, future.result(), strict=False)


def _network(card: ModelCard, weights: Path) -> torch.nn.Module:
    network = build_backbone(card)
    import safetensors
    from safetensors.torch import load_file

    try:
        network.load_state_dict(load_file(weights), strict=True)
    except (safetensors.SafetensorError, RuntimeError) as error:
        reason = one_line(str(error), limit=200)
        raise ModelDamaged(
            f"model {card.name!r}: {weights} does not fit {card.backbone!r}: {reason}"
        ) from error
    return network


def build_backbone(card: ModelCard) -> torch.nn.Module:
    """The timm backbone without weights. Raises ModelDamaged when timm cannot build it so."""
    import timm

    try:
        network: torch.nn.Module = timm.create_model(
            card.backbone, num_classes=0, global_pool=card.pooling, **card.options
        )
    except (RuntimeError, TypeError, ValueError, AssertionError) as error:
        reason = one_line(str(error), limit=200)
        raise ModelDamaged(f"model {card.name!r}: timm cannot build it: {reason}") from error
    if dimension_of(network) != card.dimension:
        raise ModelDamaged(
            f"model {card.name!r}: {card.backbone!r} gives {dimension_of(network)} dimensions, "
            f"its card says {card.dimension}"
        )
    return network


def dimension_of(network: torch.nn.Module) -> int:
    # Not every backbone's pooled width is its `num_features`, but all declare this one.
    declared: Any = network
    return int(getattr(declared, "head_hidden_size", declared.num_features))
