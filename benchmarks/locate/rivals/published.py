"""The published one-shot network (Bhunia et al., 2019) as a locator, its weights trained here.

As published a scene is squashed to 256 x 256 px, and places are what hangs together in the mask
from a probability of one half. Chosen here: the network gives no score, so that of a place is the
mean probability inside it; places are put back into the scene's own px; the query is padded to a
square, as in training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.locate.found import Found
from likemark.benchmarks.locate.rivals.shared import Kept, recipe_hash
from likemark.db.errors import InvalidInput, ModelError, one_line
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.devices import Device, choose_device
from likemark.retrieval.pictures.normalise import prepared

if TYPE_CHECKING:
    import torch

    from likemark.benchmarks.locate.published.network import Published

TAG = "published-oneshot"  # its weights' file, without the ending
NAME = "Published one-shot network"
_QUERIES = 64  # whose vectors are kept
_DECIMALS = 4  # of a score
Likely = NDArray[np.float32]  # (256, 256)


@dataclass(frozen=True, slots=True)
class PublishedRecipe:
    threshold: float = 0.5  # probability from which a px is a mark's, as published
    most: int = 100  # places, the surest

    def __post_init__(self) -> None:
        if not 0 < self.threshold < 1 or self.most < 1:
            raise InvalidInput(f"{self}: give a threshold between 0 and 1, and a place or more")


class PublishedLocator:
    """See `Locator`."""

    name = NAME

    def __init__(
        self, network: Published, device: Device, weights: str,
        recipe: PublishedRecipe | None = None,
    ) -> None:  # fmt: skip
        """weights: their sha256"""
        import torch

        moved = network.to(device.torch()).eval()
        self.network = moved.to(memory_format=torch.channels_last)
        self.recipe = recipe or PublishedRecipe()
        self._device, self._weights = device, weights
        self._scene = Kept(self._seen)
        self._query = Kept(self._vector, most=_QUERIES)

    @classmethod
    def load(cls, path: Path, *, device: str) -> PublishedLocator:
        """path: safetensors, such as `best.safetensors` in the folder of a training

        Raises ModelError for a file that cannot be read, or is no such network's.
        """
        import safetensors
        from safetensors.torch import load_file

        from likemark.benchmarks.locate.published.network import load_published

        try:
            weights = load_file(path)
        except (OSError, safetensors.SafetensorError) as error:
            reason = one_line(str(error), limit=200)
            raise ModelError(f"weights {path}: {reason}") from error
        return cls(load_published(weights), choose_device(device), file_sha256(path))

    @property
    def fingerprint(self) -> str:
        return recipe_hash("published one-shot 1", self.recipe, self._weights)

    def locate(self, query: Pixels, scene: Pixels) -> Sequence[Found]:
        """See `Locator.locate`; the score is a mean probability."""
        likely = self.probabilities(query, scene)
        found = list(places(likely, scene.shape[:2], self.recipe.threshold))
        found.sort(key=lambda each: -each.score)
        return found[: self.recipe.most]

    def probabilities(self, query: Pixels, scene: Pixels) -> Likely:
        """(256, 256), over the squashed scene."""
        import torch

        asks = torch.zeros((1, 2), dtype=torch.int64, device=self._device.torch())
        seen, vector = self._scene.of(scene), self._query.of(query)
        with torch.inference_mode(), self._device.precision():
            logits = self.network.answer(seen, vector, asks)
        likely: Likely = logits[0].sigmoid().cpu().numpy()
        return likely

    def _seen(self, scene: Pixels) -> list[torch.Tensor]:
        import torch

        from likemark.benchmarks.locate.published.network import SCENE

        with torch.inference_mode(), self._device.precision():
            return self.network.of_scenes(self._square(scene, SCENE))

    def _vector(self, query: Pixels) -> torch.Tensor:
        import torch

        from likemark.benchmarks.locate.published.network import QUERY

        with torch.inference_mode(), self._device.precision():
            return self.network.of_queries(self._square(prepared(query, QUERY), QUERY))

    def _square(self, pixels: Pixels, side: int) -> torch.Tensor:
        import torch

        from likemark.benchmarks.locate.published.network import squashed

        one = torch.from_numpy(np.array(pixels))[None]  # its own: it may be read-only
        one = one.to(self._device.torch())
        return squashed(one, side).contiguous(memory_format=torch.channels_last)


def places(likely: Likely, scene: tuple[int, ...], threshold: float) -> Iterator[Found]:
    """What hangs together from a probability on, in the scene's own px.

    likely: (s, s), over the squashed scene; scene: its height and width, px
    """
    import cv2

    height, width = scene
    down, across = height / likely.shape[0], width / likely.shape[1]
    inked = (likely >= threshold).astype(np.uint8)
    count, labels, boxes, _ = cv2.connectedComponentsWithStats(inked, connectivity=8)
    for label in range(1, count):
        left, top, wide, tall, _ = (int(n) for n in boxes[label])
        mine = labels == label
        mask = cv2.resize(mine.astype(np.uint8), (width, height), interpolation=cv2.INTER_NEAREST)
        box = left * across, top * down, wide * across, tall * down
        yield Found(box, round(float(likely[mine].mean()), _DECIMALS), mask > 0)
