"""A mark as flat parts, for views by the thousand: a label and a mixing share for each px.

All planes are uint8, so that OpenCV does the work; n: parts, at most 250; H, W: px.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from likemark.augment.pixels import Colour, Pixels

Plane = NDArray[np.uint8]  # (H, W)
Chosen = NDArray[np.bool_]  # (n + 1,): some of the labels
LUMA = np.array([0.299, 0.587, 0.114])  # ITU-R BT.601
MOST_PARTS = 250  # a label is a byte, and some stay free for parts that come in


@dataclass(frozen=True, slots=True)
class Parts:
    """Each px is `share` / 255 of the colour of its label, the rest of that of `other`."""

    labels: Plane  # 0 is the ground, 1 the largest part
    other: Plane  # the label on the other side of an edge; anything where the share is 255
    share: Plane  # 255 inside of a part
    palette: NDArray[np.uint8]  # (n + 1, 3) RGB, the ground's first
    texture: NDArray[np.int16] | None = None  # (H, W, 3): what comes on top of the flat colours

    def __post_init__(self) -> None:
        if not self.labels.shape == self.other.shape == self.share.shape:
            raise ValueError(
                f"labels {self.labels.shape}, other {self.other.shape} and share "
                f"{self.share.shape} must be of one size"
            )
        if self.palette.ndim != 2 or self.palette.shape[1] != 3 or not 0 < len(self.palette) < 256:
            raise ValueError(f"a palette of shape {self.palette.shape} must be (1 to 255, 3)")

    def __len__(self) -> int:
        return len(self.palette) - 1

    def areas(self) -> NDArray[np.int64]:
        """(n + 1,): px, the ground's first."""
        import cv2

        counts = cv2.calcHist([self.labels], [0], None, [256], [0, 256])  # quicker than numpy's
        return np.asarray(counts, np.int64).ravel()[: len(self.palette)]

    def chosen(self, labels: Iterable[int]) -> Chosen:
        marked = np.zeros(len(self.palette), np.bool_)
        marked[[*labels]] = True
        return marked

    def cover(self, chosen: Chosen | None = None) -> Plane:
        """How much of each px these labels take up, 255 for all; None: all that is ink."""
        table = np.zeros(256, np.uint8)
        if chosen is None:
            table[1:] = 255
        else:
            table[: len(chosen)][chosen] = 255
        return self._looked_up(table)

    def pixels(self) -> Pixels:
        """(H, W, 3) as it looks."""
        import cv2

        planes = []
        for channel in range(3):  # many times faster than all three at once
            table = np.zeros(256, np.uint8)
            table[: len(self.palette)] = self.palette[:, channel]
            planes.append(self._looked_up(table))
        flat = as_bytes(cv2.merge(planes))
        return flat if self.texture is None else added(flat, self.texture)

    def _looked_up(self, table: NDArray[np.uint8]) -> Plane:
        """(H, W): a value for each label, mixed as the parts are. table: (256,)"""
        import cv2

        own, other = cv2.LUT(self.labels, table), cv2.LUT(self.other, table)
        return blended(as_bytes(own), as_bytes(other), self.share)

    def ground(self) -> Colour:
        red, green, blue = self.palette[0].tolist()
        return red, green, blue

    def in_colours(self, palette: NDArray[np.uint8]) -> Parts:
        return replace(self, palette=palette)


def as_bytes(found: object) -> NDArray[np.uint8]:
    """What OpenCV made of bytes, for the type checkers: nothing is copied."""
    return np.asarray(found, np.uint8)


def threefold(plane: Plane) -> Pixels:
    """(H, W, 3): the same in each channel."""
    import cv2

    return as_bytes(cv2.merge([plane] * 3))


def added(pixels: Pixels, levels: NDArray[np.int16]) -> Pixels:
    """Same shape; what goes below 0 or above 255 stays there."""
    import cv2

    return as_bytes(cv2.add(pixels, levels, dtype=cv2.CV_8U))


def blended(own: Plane, other: Plane, share: Plane) -> Plane:
    """`share` / 255 of one and the rest of the other: planes, or pictures of shared planes."""
    import cv2

    if own.ndim > share.ndim:
        share = threefold(share)
    most = cv2.multiply(own, share, scale=1 / 255)
    rest = cv2.multiply(other, cv2.bitwise_not(share), scale=1 / 255)
    return as_bytes(cv2.add(most, rest))


def laid(parts: Parts, alpha: Plane, label: int) -> Parts:
    """With this label on top wherever alpha, (H, W), is above 0."""
    strong, some = alpha >= 128, alpha > 0
    weak = np.where(some, np.uint8(label), parts.other)
    rest = np.where(some, ~alpha, parts.share)
    return replace(
        parts,
        labels=np.where(strong, np.uint8(label), parts.labels),
        other=np.where(strong, parts.labels, weak),
        share=np.where(strong, alpha, rest),
    )


def of_cover(cover: Plane, ink: Colour, ground: Colour) -> Parts:
    """One part of one ink, as far as the cover, (H, W), goes."""
    palette = np.array([ground, ink], np.uint8)
    clear = np.zeros_like(cover)
    return laid(Parts(clear, clear, np.full_like(cover, 255), palette), cover, 1)


def merged(parts: Parts, into: dict[int, int]) -> Parts:
    """Labels that become others: a part that is gone takes the label of what is around it."""
    import cv2

    table = np.arange(256, dtype=np.uint8)
    for label, heir in into.items():
        table[label] = heir
    labels, other = as_bytes(cv2.LUT(parts.labels, table)), as_bytes(cv2.LUT(parts.other, table))
    texture = parts.texture
    if texture is not None:
        texture = texture * (parts.labels == labels)[..., None]
    return replace(parts, labels=labels, other=other, texture=texture)


def softened(plane: Plane, sigma: float) -> Plane:
    """(H, W): blurred by about that many px of standard deviation, ten times as fast as a bell."""
    import cv2

    radius = max(1, round(6**0.5 * sigma))
    return as_bytes(cv2.stackBlur(plane, (2 * radius + 1, 2 * radius + 1)))


def page(size: tuple[int, ...], colour: Colour) -> Pixels:
    """(h, w, 3) of one colour. size: h, w"""
    height, width = size
    canvas = np.empty((height, 3 * width), np.uint8)
    canvas[:] = np.tile(np.array(colour, np.uint8), width)  # px by px takes numpy ten times as long
    return canvas.reshape(height, width, 3)


def highest(picture: Pixels) -> Plane:
    """(H, W): the largest of the three channels."""
    import cv2

    red, green, blue = cv2.split(picture)
    return as_bytes(cv2.max(cv2.max(red, green), blue))


def distance_to(pixels: Pixels, colour: Colour) -> Plane:
    """(H, W): levels from one colour, in the channel that differs most."""
    import cv2

    return highest(as_bytes(cv2.absdiff(pixels, np.array([*colour, 0.0]))))
