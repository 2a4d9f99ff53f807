"""Where a picture lies in others, as a part of them: correlation at every place and size.

A vector says what the whole of a mark looks like, and little of a quarter of it. Here the px
themselves are laid over each other: normalised cross-correlation (J. P. Lewis, "Fast Normalized
Cross-Correlation", 1995), through the Fourier transform, with many pictures at once. It knows no
other hand's drawing and no turn; what is the same but for its size, place and tones it finds. Once
every px of the part counts, once only its ink and the ground beside it, for something else that the
picture shows there may have been taken out of the part. Of many pictures the likest are looked into
closely; which they are is seen at half their size or less.

N: pictures looked into; S: px of their side; P: of their side with its margins.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
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
_FAR_SIZES = tuple(0.76**step for step in range(5))
_RING = 3  # px of a part: so much ground round its ink counts with it
_AT_ONCE = 500  # pictures that are gone through together: more are no faster


@dataclass(frozen=True, slots=True)
class Place:
    score: float  # correlation, 0 to 1, whichever of ink and ground is the lighter
    box: Box  # in the picture looked into; all of it where the score is 0


@dataclass(frozen=True, slots=True)
class Places:
    """Where each of N pictures is likest to a part; those that are not looked into score 0."""

    whole: list[Place]  # every px of the part counts
    ink: list[Place]  # its ink does, and the ground beside that


@dataclass(frozen=True, slots=True)
class _Part:
    levels: Grey  # (h, w)
    weights: NDArray[np.float32] | None = None  # (h, w), how much each px counts; None: 1
    ring: int = 0  # px of ground round what it shows


@dataclass(frozen=True, slots=True)
class _Far:
    """How the pictures that are worth a closer look are found among many."""

    side: int  # px of the pictures, made smaller
    closer: int  # so many are


# Of 100 quarters of drawings among 5,000 pictures as many are found so as with twice as many, or
# with as many sizes. What only its ink finds was always among the likest 94 of those so small.
_WHOLE, _INK = _Far(SIDE // 2, 200), _Far(24, 100)


class Looked:
    """N pictures to look into.

    pictures: one or more of (SIDE, SIDE), trimmed and padded as a network sees them
    """

    def __init__(self, pictures: Sequence[Grey]) -> None:
        self._pictures = torch.from_numpy(np.stack(pictures))

    def places_of(self, part: Grey) -> Places:
        """Nowhere, if the part shows nothing.

        part: (SIDE, SIDE), as the pictures; the ground round what it shows is no part of it
        """
        core = _core(part)
        if core is None:
            return Places(*(_Best(len(self._pictures)).places() for _ in range(2)))
        ink = _by_ink(core, int(part[0, 0]))
        return Places(self._closely(_Part(core), _WHOLE), self._closely(ink, _INK))

    def _closely(self, part: _Part, far: _Far) -> list[Place]:
        best = _Best(len(self._pictures))
        rows = self._likest(part, far)
        near = _Laid(self._pictures[rows])
        for size in _SIZES:
            best.take(rows, near.look(part, size))
        rows = rows[torch.topk(best.scores[rows], min(_FINER, len(rows))).indices]
        near = _Laid(self._pictures[rows])
        for size in _SIZES:
            best.take(rows, near.look(part, size * _STEP**0.5))
        return best.places()

    def _likest(self, part: _Part, far: _Far) -> Tensor:
        """Rows of the pictures that are worth a closer look: all, if they are few."""
        count = len(self._pictures)
        if count <= far.closer:
            return torch.arange(count)
        best = _Best(count)
        for start in range(0, count, _AT_ONCE):
            rows = torch.arange(start, min(start + _AT_ONCE, count))
            pictures = self._pictures[rows, None].float()
            small = _Laid(F.interpolate(pictures, (far.side, far.side), mode="area")[:, 0])
            for size in _FAR_SIZES:
                best.take(rows, small.look(part, size))
        return torch.topk(best.scores, far.closer).indices


class _Laid:
    """n pictures of one size, as a part is laid over them."""

    def __init__(self, pictures: Tensor) -> None:
        """pictures: (n, S, S), levels from 0 to 255"""
        self._side = pictures.shape[1]
        levels = _padded(pictures.float() / 255, round(self._side * _MARGIN))
        levels -= levels.mean(dim=(1, 2), keepdim=True)
        self._levels = levels
        self._spectra = torch.fft.rfft2(levels)

    def look(self, part: _Part, size: float) -> tuple[Tensor, Tensor] | None:
        """The likest place of each picture: (n,) correlations and (n, 4) boxes, shares of its side.

        part: of a picture whose side is `SIDE`; size: beside that; None: it shows nothing so small
        """
        scale = size * self._side / SIDE
        height, width = (round(side * scale) for side in part.levels.shape)
        if height * width < _LEAST * self._side**2 or min(height, width) < 2:
            return None
        levels = _resized(part.levels, width, height) / 255
        weights = torch.ones_like(levels)
        if part.weights is not None:
            weights = _resized(part.weights, width, height)
        count = float(weights.sum())
        levels -= (levels * weights).sum() / count
        power = float((levels.square() * weights).sum())
        if power <= _FAINT * count:
            return None
        products = self._laid(self._spectra, levels * weights).square()
        if part.weights is None:
            sums, within = (_within(each, height, width) for each in self._integrals)
        else:
            sums, within = self._laid(self._spectra, weights), self._laid(self._squares, weights)
        within -= sums.square() / count
        most, at = products.div_(within.clamp_min_(_FLAT**2 * power)).flatten(1).max(dim=1)
        top, left = at // products.shape[2], at % products.shape[2]
        ring = part.ring * scale
        edges = (left + ring, top + ring, left + width - ring, top + height - ring)
        boxes = torch.stack(edges, dim=1) / self._side - _MARGIN
        return (most / power).sqrt(), boxes.clamp(0, 1)

    @cached_property
    def _integrals(self) -> tuple[Tensor, Tensor]:
        return _integral(self._levels), _integral(self._levels.square())

    @cached_property
    def _squares(self) -> Tensor:
        spectra: Tensor = torch.fft.rfft2(self._levels.square())
        return spectra

    def _laid(self, spectra: Tensor, part: Tensor) -> Tensor:
        """(n, places down, places across): sums of products with a (height, width) part."""
        padded = self._levels.shape[1]
        spectrum = torch.fft.rfft2(part, s=(padded, padded)).conj()
        products: Tensor = torch.fft.irfft2(spectra * spectrum, s=(padded, padded))
        # Further on, the part would reach over the edge and come in again on the other side.
        return products[:, : padded - part.shape[0] + 1, : padded - part.shape[1] + 1]


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


def _by_ink(core: Grey, ground: int) -> _Part:
    """In a ring of ground, with no weight for what is farther from its ink."""
    levels = np.pad(core, _RING, constant_values=ground)
    inked = np.abs(levels.astype(np.int16) - ground) > TOLERANCE
    near = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * _RING + 1, 2 * _RING + 1))
    return _Part(levels, cv2.dilate(inked.astype(np.uint8), near).astype(np.float32), _RING)


def _resized(levels: NDArray[Any], width: int, height: int) -> Tensor:
    small = cv2.resize(levels, (width, height), interpolation=cv2.INTER_AREA)
    return torch.from_numpy(small).float()


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
