"""Where a picture lies in others, as a part of them: correlation at every place and size.

A vector says what the whole of a mark looks like, and little of a quarter of it. Here the px
themselves are laid over each other: normalised cross-correlation (J. P. Lewis, "Fast Normalized
Cross-Correlation", 1995), through the Fourier transform, with many pictures at once. It knows no
other hand's drawing and no turn; what is the same but for its size, place and tones it finds.

N: pictures looked into; P: `_PADDED`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor

from likemark.retrieval.parts import SIDE, Box, Grey
from likemark.retrieval.pictures.normalise import TOLERANCE

_MARGIN = 4  # px of ground round a picture: a part may lie at its very edge
_PADDED = SIDE + 2 * _MARGIN
# Sizes of a part beside its own in a picture as large, each so much smaller than the one before.
_STEP = 0.87
_SIZES = tuple(_STEP**step for step in range(9))  # down to a third
_LEAST = 12 * 12  # px: what is smaller lies everywhere
_FAINT = 1e-4  # of a part's variance, levels from 0 to 1: with less it shows nothing
_FLAT = 0.25  # of the part's contrast: with less, a place is no likelier for having little
_FINER = 48  # pictures, the likest, that are looked into at the sizes between


@dataclass(frozen=True, slots=True)
class Place:
    score: float  # correlation, 0 to 1, whichever of ink and ground is the lighter
    box: Box  # in the picture looked into; all of it where the score is 0


class Looked:
    """N pictures to look into.

    pictures: one or more of (SIDE, SIDE), trimmed and padded as a network sees them
    """

    def __init__(self, pictures: Sequence[Grey]) -> None:
        levels = torch.from_numpy(np.stack([_padded(picture) for picture in pictures])).float()
        levels = levels / 255 - levels.mean(dim=(1, 2), keepdim=True) / 255
        self._spectra = torch.fft.rfft2(levels)
        self._sums, self._squares = _integral(levels), _integral(levels.square())

    def places_of(self, part: Grey) -> list[Place]:
        """Where each picture is likest to the part: N places.

        part: (SIDE, SIDE), as the pictures; the ground round what it shows is no part of it
        """
        best = _Best(len(self._spectra))
        core = _core(part)
        if core is not None:
            for size in _SIZES:
                self._look(core, size, best, None)
            likest = torch.topk(best.scores, min(_FINER, len(best.scores))).indices
            for size in _SIZES:
                self._look(core, size * _STEP**0.5, best, likest)
        return best.places()

    def _look(self, core: Grey, size: float, best: _Best, rows: Tensor | None) -> None:
        """rows: of the pictures to look into; None: all"""
        height, width = (round(side * size) for side in core.shape)
        if height * width < _LEAST or min(height, width) < 2:
            return
        small = cv2.resize(core, (width, height), interpolation=cv2.INTER_AREA)
        part = torch.from_numpy(small).float() / 255
        part -= part.mean()
        power = part.square().sum()
        if power <= _FAINT * part.numel():
            return
        spectra, sums, squares = (
            held if rows is None else held[rows]
            for held in (self._spectra, self._sums, self._squares)
        )
        spectrum = torch.fft.rfft2(part, s=(_PADDED, _PADDED)).conj()
        products = torch.fft.irfft2(spectra * spectrum, s=(_PADDED, _PADDED))
        # Further on, the part would reach over the edge and come in again on the other side.
        products = products[:, : _PADDED - height + 1, : _PADDED - width + 1].abs()
        within = _within(squares, height, width)
        within -= _within(sums, height, width).square() / (height * width)
        scores = products / (power * within.clamp_min(_FLAT**2 * float(power))).sqrt()
        most, at = scores.flatten(1).max(dim=1)
        top, left = at // scores.shape[2], at % scores.shape[2]
        boxes = torch.stack((left, top, left + width, top + height), dim=1)
        best.take(most, boxes, rows)


class _Best:
    def __init__(self, count: int) -> None:
        self.scores = torch.zeros(count)
        self._boxes = torch.tensor([0, 0, _PADDED, _PADDED]).repeat(count, 1)  # px

    def take(self, scores: Tensor, boxes: Tensor, rows: Tensor | None) -> None:
        rows = torch.arange(len(self.scores)) if rows is None else rows
        better = scores > self.scores[rows]
        self.scores[rows[better]] = scores[better]
        self._boxes[rows[better]] = boxes[better]

    def places(self) -> list[Place]:
        boxes = ((self._boxes - _MARGIN) / SIDE).clamp(0, 1)
        return [
            Place(min(score, 1.0), (left, top, right, bottom))
            for score, (left, top, right, bottom) in zip(
                self.scores.tolist(), boxes.tolist(), strict=True
            )
        ]


def _padded(picture: Grey) -> Grey:
    whole = np.full((_PADDED, _PADDED), picture[0, 0], np.uint8)
    whole[_MARGIN:-_MARGIN, _MARGIN:-_MARGIN] = picture
    return whole


def _core(picture: Grey) -> Grey | None:
    """Without the ground round it; None: it shows nothing."""
    inked = np.abs(picture.astype(np.int16) - int(picture[0, 0])) > TOLERANCE
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return np.ascontiguousarray(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _integral(levels: Tensor) -> Tensor:
    """(N, P + 1, P + 1): of all that lies above and left of each corner."""
    sums = torch.zeros(len(levels), _PADDED + 1, _PADDED + 1)
    sums[:, 1:, 1:] = levels.double().cumsum(1).cumsum(2).float()
    return sums


def _within(sums: Tensor, height: int, width: int) -> Tensor:
    """Of every window of that size, from its corners."""
    below, above = sums[:, height:], sums[:, :-height]
    return below[..., width:] - above[..., width:] - below[..., :-width] + above[..., :-width]
