"""Where a picture lies in others, as a part of them: correlation at every place and size.

A vector says what the whole of a mark looks like, and little of a quarter of it. Here the px
themselves are laid over each other: normalised cross-correlation (J. P. Lewis, "Fast Normalized
Cross-Correlation", 1995), through the Fourier transform, with many pictures at once. It knows no
other hand's drawing and no turn; what is the same but for its size, place and tones it finds. Of
many pictures the likest are looked into closely, which they are is seen at half their size.

N: pictures looked into; S: px of their side; P: of their side with its margins.
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

_MARGIN = 1 / 16  # of a picture's side: ground round it, for a part may lie at its very edge
# Sizes of a part beside its own in a picture as large, each so much smaller than the one before.
_STEP = 0.87
_SIZES = tuple(_STEP**step for step in range(9))  # down to a third
_LEAST = (3 / 16) ** 2  # of a picture: what is smaller lies everywhere
_FAINT = 1e-4  # of a part's variance, levels from 0 to 1: with less it shows nothing
_FLAT = 0.25  # of the part's contrast: with less, a place is no likelier for having little
_FINER = 48  # pictures, the likest, that are looked into at the sizes between
# Of more pictures than these the likest are looked into. Of 100 quarters of drawings among 5,000
# pictures as many are found so as with twice as many, or with as many sizes.
_CLOSER = 200
_FAR_SIZES = tuple(0.76**step for step in range(5))
_AT_ONCE = 1000  # pictures that are gone through together: more are no faster


@dataclass(frozen=True, slots=True)
class Place:
    score: float  # correlation, 0 to 1, whichever of ink and ground is the lighter
    box: Box  # in the picture looked into; all of it where the score is 0


class Looked:
    """N pictures to look into.

    pictures: one or more of (SIDE, SIDE), trimmed and padded as a network sees them
    """

    def __init__(self, pictures: Sequence[Grey]) -> None:
        self._pictures = torch.from_numpy(np.stack(pictures))

    def places_of(self, part: Grey) -> list[Place]:
        """Where each picture is likest to the part: N places, of which those that are not looked
        into score 0.

        part: (SIDE, SIDE), as the pictures; the ground round what it shows is no part of it
        """
        best = _Best(len(self._pictures))
        core = _core(part)
        if core is not None:
            rows = self._likest(core)
            near = _Laid(self._pictures[rows])
            for size in _SIZES:
                best.take(rows, near.look(core, size))
            rows = rows[torch.topk(best.scores[rows], min(_FINER, len(rows))).indices]
            near = _Laid(self._pictures[rows])
            for size in _SIZES:
                best.take(rows, near.look(core, size * _STEP**0.5))
        return best.places()

    def _likest(self, core: Grey) -> Tensor:
        """Rows of the pictures that are worth a closer look: all, if they are few."""
        count = len(self._pictures)
        if count <= _CLOSER:
            return torch.arange(count)
        scores = torch.zeros(count)
        for start in range(0, count, _AT_ONCE):
            pictures = self._pictures[start : start + _AT_ONCE]
            half = pictures.view(-1, SIDE // 2, 2, SIDE // 2, 2).float().mean(dim=(2, 4))
            far, part = _Laid(half), scores[start : start + _AT_ONCE]
            for size in _FAR_SIZES:
                found = far.look(core, size)
                if found is not None:
                    torch.maximum(part, found[0], out=part)
        return torch.topk(scores, _CLOSER).indices


class _Laid:
    """n pictures of one size, as a part is laid over them."""

    def __init__(self, pictures: Tensor) -> None:
        """pictures: (n, S, S), levels from 0 to 255"""
        self._side = pictures.shape[1]
        levels = _padded(pictures.float() / 255, round(self._side * _MARGIN))
        levels -= levels.mean(dim=(1, 2), keepdim=True)
        self._padded = levels.shape[1]
        self._spectra = torch.fft.rfft2(levels)
        self._sums, self._squares = _integral(levels), _integral(levels.square())

    def look(self, core: Grey, size: float) -> tuple[Tensor, Tensor] | None:
        """The likest place of each picture: (n,) correlations and (n, 4) boxes, shares of its side.

        core: of a picture whose side is `SIDE`; size: beside that; None: it shows nothing so small
        """
        scale = size * self._side / SIDE
        height, width = (round(side * scale) for side in core.shape)
        if height * width < _LEAST * self._side**2 or min(height, width) < 2:
            return None
        small = cv2.resize(core, (width, height), interpolation=cv2.INTER_AREA)
        part = torch.from_numpy(small).float() / 255
        part -= part.mean()
        power = part.square().sum()
        if power <= _FAINT * part.numel():
            return None
        padded = self._padded
        spectrum = torch.fft.rfft2(part, s=(padded, padded)).conj()
        products = torch.fft.irfft2(self._spectra * spectrum, s=(padded, padded))
        # Further on, the part would reach over the edge and come in again on the other side.
        products = products[:, : padded - height + 1, : padded - width + 1].abs()
        within = _within(self._squares, height, width)
        within -= _within(self._sums, height, width).square() / (height * width)
        scores = products / (power * within.clamp_min(_FLAT**2 * float(power))).sqrt()
        most, at = scores.flatten(1).max(dim=1)
        top, left = at // scores.shape[2], at % scores.shape[2]
        boxes = torch.stack((left, top, left + width, top + height), dim=1)
        return most, (boxes / self._side - _MARGIN).clamp(0, 1)


class _Best:
    def __init__(self, count: int) -> None:
        self.scores = torch.zeros(count)
        self._boxes = torch.tensor([0.0, 0.0, 1.0, 1.0]).repeat(count, 1)

    def take(self, rows: Tensor, found: tuple[Tensor, Tensor] | None) -> None:
        """rows: of the pictures that something was found in; None: nothing was"""
        if found is None:
            return
        scores, boxes = found
        better = scores > self.scores[rows]
        self.scores[rows[better]] = scores[better]
        self._boxes[rows[better]] = boxes[better]

    def places(self) -> list[Place]:
        return [
            Place(min(score, 1.0), (left, top, right, bottom))
            for score, (left, top, right, bottom) in zip(
                self.scores.tolist(), self._boxes.tolist(), strict=True
            )
        ]


def _padded(levels: Tensor, margin: int) -> Tensor:
    """(n, S, S), with so many px of the ground round each: (n, P, P)."""
    side = levels.shape[1] + 2 * margin
    whole = levels[:, :1, :1].repeat(1, side, side)
    whole[:, margin:-margin, margin:-margin] = levels
    return whole


def _core(picture: Grey) -> Grey | None:
    """Without the ground round it; None: it shows nothing."""
    inked = np.abs(picture.astype(np.int16) - int(picture[0, 0])) > TOLERANCE
    rows, columns = (np.flatnonzero(inked.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        return None
    return np.ascontiguousarray(picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1])


def _integral(levels: Tensor) -> Tensor:
    """(n, P + 1, P + 1): of all that lies above and left of each corner."""
    count, height, width = levels.shape
    sums = torch.zeros(count, height + 1, width + 1)
    sums[:, 1:, 1:] = levels.double().cumsum(1).cumsum(2).float()
    return sums


def _within(sums: Tensor, height: int, width: int) -> Tensor:
    """Of every window of that size, from its corners."""
    below, above = sums[:, height:], sums[:, :-height]
    return below[..., width:] - above[..., width:] - below[..., :-width] + above[..., :-width]
