"""Places that were found, traced: their masks drawn anew, px by px.

H, W: px of a scene; S: px of the square that the tracer sees.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from likemark.retrieval.devices import Device
from likemark.retrieval.oneshot.regions import Box
from likemark.retrieval.oneshot.tracer import ROUND, SIDE, Tracer
from likemark.retrieval.redact.regions import Region, region_of_mask

Pixels = NDArray[np.uint8]
Plane = NDArray[np.uint8]
_AT_ONCE = 16  # places that go through the network together
_LEAST = 0.1  # of a found mask's px: a traced one that has fewer of them is none


def scaled(pixels: Pixels, size: tuple[int, int]) -> Pixels:
    """size: width, height"""
    smaller = pixels.shape[1] > size[0] and pixels.shape[0] > size[1]
    way = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=way), np.uint8)


def window_round(box: Box) -> Box:
    """What is seen of a place, some of it maybe outside of the scene."""
    left, top, right, bottom = box
    x, y = (max(2, round((end - start) * ROUND)) for start, end in ((left, right), (top, bottom)))
    return left - x, top - y, right + x, bottom + y


def seen_through(window: Box, pixels: Pixels, *, blank: bool = False) -> Pixels:
    """(S, S) or (S, S, 3): what a window shows of a picture as large as the scene.

    blank: nothing lies outside of the picture, else what is at its edge
    """
    left, top, right, bottom = window
    tall, wide = pixels.shape[:2]
    part = pixels[max(0, top) : bottom, max(0, left) : right]
    sides = max(0, -top), max(0, bottom - tall), max(0, -left), max(0, right - wide)
    way = cv2.BORDER_CONSTANT if blank else cv2.BORDER_REPLICATE
    return scaled(np.asarray(cv2.copyMakeBorder(part, *sides, way), np.uint8), (SIDE, SIDE))


class Tracing:
    """A tracer at work."""

    def __init__(self, network: Tracer, device: Device, sha256: str = "") -> None:
        """sha256: of its weights"""
        self.sha256 = sha256
        self._network: Any = network.eval().to(device.torch())
        self._device = device
        device.settle(self._network)

    def traced(self, scene: Pixels, regions: Sequence[Region]) -> list[Region]:
        """The same places, their masks drawn anew. scene: (H, W, 3)"""
        found: list[Region] = []
        for start in range(0, len(regions), _AT_ONCE):
            some = regions[start : start + _AT_ONCE]
            windows = [window_round(region.box) for region in some]
            crops = np.stack([seen_through(window, scene) for window in windows])
            masks = np.stack([_mask(*pair) for pair in zip(some, windows, strict=True)])
            answers = self._answers(crops, masks)
            found += [
                _drawn(region, window, logits, scene.shape) if _keeps(mask, logits) else region
                for region, window, mask, logits in zip(some, windows, masks, answers, strict=True)
            ]
        return found

    def _answers(self, crops: Pixels, masks: Plane) -> NDArray[np.float32]:
        device = self._device
        with torch.inference_mode(), device.precision():
            shown = (torch.from_numpy(part).to(device.torch()) for part in (crops, masks))
            logits = self._network(*shown)
        answers: NDArray[np.float32] = logits.float().cpu().numpy()
        return answers


def _mask(region: Region, window: Box) -> Plane:
    """(S, S): a found mask as the window shows it."""
    plane = np.zeros((window[3] - window[1], window[2] - window[0]), np.uint8)
    left, top, right, bottom = region.box
    held = region.mask[top - region.top : bottom - region.top, left - region.left :]
    plane[top - window[1] : bottom - window[1], left - window[0] : right - window[0]] = held[
        :, : right - left
    ]
    return scaled(plane, (SIDE, SIDE))


def _keeps(mask: Plane, logits: NDArray[np.float32]) -> bool:
    """Whether what is traced is what was found, and not beside it. Both (S, S)."""
    found = mask > 0
    return bool(np.count_nonzero(found & (logits > 0)) >= _LEAST * np.count_nonzero(found))


def _drawn(
    region: Region, window: Box, logits: NDArray[np.float32], scene: tuple[int, ...]
) -> Region:
    """As the logits say, as far as it lies in the scene; as it was found where nothing is left."""
    left, top, right, bottom = window
    fine = cv2.resize(logits, (right - left, bottom - top), interpolation=cv2.INTER_LINEAR)
    mask = np.where(fine > 0, np.uint8(255), np.uint8(0))
    mask = mask[max(0, -top) : scene[0] - top, max(0, -left) : scene[1] - left]
    if not mask.any():
        return region
    return region_of_mask(mask, left=max(0, left), top=max(0, top), score=region.score)
