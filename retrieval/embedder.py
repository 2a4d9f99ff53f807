"""Pictures to vectors: any timm backbone behind one class. N pictures, S px, D dimensions."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TYPE_CHECKING, Generic, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import AUTO, Device, choose_device, cores
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.picture import Picture

if TYPE_CHECKING:
    import torch

Pixels = NDArray[np.uint8]
Rows = NDArray[np.float32]
Item = TypeVar("Item")

# Every batch of a stream has this many pictures, the last one filled up: a picture's vector is
# then the same to the bit whatever was embedded beside it and wherever a killed run resumed.
BATCH = {"cpu": 16, "cuda": 128, "mps": 32}
MAX_GROUP = 1024


class Embedder:
    """A loaded model. `embed` takes what it is given at once; `stream` overlaps batches.

    card: what the model is; device: where it runs; size: S; dimension: D.
    """

    def __init__(self, card: ModelCard, network: torch.nn.Module, device: Device) -> None:
        import torch

        from likemark.retrieval.network import Input, multiplying

        self.card = card
        self.device = device
        self.size = card.input_size
        self.dimension = card.dimension
        self.batch = BATCH[device.name.split(":")[0]]
        network = network.eval().to(device.torch())
        device.settle(multiplying(network))
        self._network = network.to(memory_format=torch.channels_last)
        self._input = Input(card).to(device.torch())

    @classmethod
    def load(cls, model: FoundModel, *, device: str = AUTO) -> Self:
        """Raises ModelDamaged when weights, card and backbone do not agree."""
        return cls(model.card, network_of(model), choose_device(device))

    def embed(self, pixels: Pixels) -> Rows:
        """pixels: (N, S, S, 3) uint8 RGB. Returns (N, D) float32, unit rows."""
        import torch

        if not len(pixels):
            return np.empty((0, self.dimension), np.float32)
        with torch.inference_mode(), self.device.precision():
            images = torch.from_numpy(pixels).to(self.device.torch(), non_blocking=True)
            vectors = self._network(self._input(images)).float()
            rows: Rows = torch.nn.functional.normalize(vectors, dim=1).cpu().numpy()
        return rows

    def stream(
        self, items: Iterable[Item], pixels_of: Callable[[Item], Pixels | None]
    ) -> Generator[tuple[Item, NDArray[np.float32] | None], None, None]:
        """(item, (D,) unit row) in input order, batches running side by side.

        pixels_of: an item's picture (S, S, 3), or None for an item that passes through without
        one. On a CPU each core runs batches of its own: none waits for another in the middle of a
        layer, and decoding beside it takes what time it needs.
        """
        workers = cores() if self.device.is_cpu else 2
        waiting: deque[tuple[_Group[Item], Future[Rows] | None]] = deque()
        with ThreadPoolExecutor(workers, initializer=self._enter_worker) as pool:
            try:
                for group in _groups(items, pixels_of, self.batch):
                    rows = pool.submit(self.embed, self._stacked(group)) if group.pixels else None
                    waiting.append((group, rows))
                    while len(waiting) > workers or _is_done(waiting):
                        yield from _paired(*waiting.popleft())
                while waiting:
                    yield from _paired(*waiting.popleft())
            finally:
                for _, future in waiting:
                    if future is not None:
                        future.cancel()

    def _stacked(self, group: _Group[Item]) -> Pixels:
        stacked = np.zeros((self.batch, self.size, self.size, 3), np.uint8)
        stacked[: len(group.pixels)] = group.pixels
        group.pixels.clear()
        return stacked

    def _enter_worker(self) -> None:
        import torch

        if self.device.is_cpu:
            torch.set_num_threads(1)


def pixels_of(result: Picture | PictureError | None) -> Pixels | None:
    """What `stream` wants of a decoder's answer."""
    return result.pixels if isinstance(result, Picture) else None


class _Group(Generic[Item]):
    """Consecutive items, of which at most one batch has pictures."""

    def __init__(self) -> None:
        self.items: list[tuple[Item, bool]] = []  # with a picture or without
        self.pixels: list[Pixels] = []


def _groups(
    items: Iterable[Item], pixels_of: Callable[[Item], Pixels | None], batch: int
) -> Iterator[_Group[Item]]:
    group: _Group[Item] = _Group()
    for item in items:
        pixels = pixels_of(item)
        group.items.append((item, pixels is not None))
        if pixels is not None:
            group.pixels.append(pixels)
        # Items without a picture must not pile up behind a batch that never fills.
        if len(group.pixels) == batch or len(group.items) == MAX_GROUP:
            yield group
            group = _Group()
    if group.items:
        yield group


def _is_done(waiting: deque[tuple[_Group[Item], Future[Rows] | None]]) -> bool:
    return bool(waiting) and ((future := waiting[0][1]) is None or future.done())


def _paired(
    group: _Group[Item], future: Future[Rows] | None
) -> Iterator[tuple[Item, NDArray[np.float32] | None]]:
    rows = iter(()) if future is None else iter(future.result())
    for item, has_picture in group.items:
        yield item, next(rows) if has_picture else None


def network_of(model: FoundModel) -> torch.nn.Module:
    """The card's network with its weights. Raises ModelDamaged where they do not fit."""
    from likemark.retrieval.network import build_network

    network = build_network(model.card)
    model.card.fill(network, model.folder)
    return network
