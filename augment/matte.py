"""A picture taken apart into hard-edged colours and how they mix at the edges, and put together.

With the colours edited in between, a new picture has the old one's anti-aliasing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.augment.pixels import Pixels, Planes, mix, peak, to_pixels, to_planes
from likemark.augment.regions import Labels, insides

_REACH = 2  # px within which the other side of an edge shows in a px
_EVEN = 10  # levels of standard deviation below which a region has one colour
_FEW = 12  # px of a region's inside that tell its colour
_FAINT = 0.004  # shares this close to 0 or 1 are rounding


@dataclass(frozen=True, slots=True)
class Matte:
    """Each px is `share` of its own region's colour and the rest of a neighbouring region's."""

    solid: Planes  # (H, W, C): the colours without any mixing
    beside: NDArray[np.int64]  # (H, W): place in the flattened picture whose colour is mixed in
    share: NDArray[np.float32]  # (H, W), 0 to 1

    def __post_init__(self) -> None:
        if not self.solid.shape[:2] == self.beside.shape == self.share.shape:
            raise ValueError(
                f"a matte's parts must be of one size, not {self.solid.shape[:2]}, "
                f"{self.beside.shape} and {self.share.shape}"
            )

    def mixed(self, planes: Planes) -> Planes:
        """The picture that these hard-edged (H, W, C) planes give, C of any number."""
        other = planes.reshape(-1, planes.shape[2])[self.beside]
        return mix(self.share[..., None], planes, other)

    def cover(self, chosen: NDArray[np.bool_]) -> NDArray[np.float32]:
        """(H, W), 0 to 1: how much of each px the regions of `chosen`, (H, W), take up."""
        return self.mixed(chosen[..., None].astype(np.float32))[..., 0]


def take_apart(planes: Planes, crisp: Planes, labels: Labels) -> Matte:
    """planes: (H, W, C); crisp: the same without anti-aliasing; labels: its regions."""
    solid = _evened(planes, crisp, labels)
    beside, edge = _other_side(labels)
    other = solid.reshape(-1, planes.shape[2])[beside[edge]]
    along = solid[edge] - other
    length = np.maximum(np.einsum("nc,nc->n", along, along), 1)
    share = np.ones(labels.shape, np.float32)
    found = np.einsum("nc,nc->n", planes[edge] - other, along) / length
    found[found > 1 - _FAINT] = 1
    share[edge] = np.clip(found, 0, 1)
    return Matte(solid, beside, share)


def edited(pixels: Pixels, matte: Matte, solid: Planes, *, keep_texture: bool = False) -> Pixels:
    """The picture with new hard-edged colours; px that show none of the edited stay as they are.

    solid: (H, W, C), in place of the matte's
    keep_texture: what the matte leaves unexplained, such as noise, is kept on top
    """
    changed = peak(np.abs(solid - matte.solid)) > 0
    touched = matte.cover(changed) > 0
    new = matte.mixed(solid)
    if keep_texture:
        new = new + to_planes(pixels) - matte.mixed(matte.solid)
    whole: Pixels = np.where(touched[..., None], to_pixels(new), pixels)
    return whole


def _evened(planes: Planes, crisp: Planes, labels: Labels) -> Planes:
    """The crisp planes, where regions of one colour are wholly of that colour."""
    flat = labels.ravel()
    inside = insides(labels).ravel()
    ground = np.median(planes[labels == 0], axis=0) if (flat == 0).any() else None
    solid = crisp.reshape(len(flat), -1).copy()
    order = np.argsort(flat, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(flat))[:-1]):
        colour = _one_colour(solid[members], inside[members], ground)
        if colour is not None and flat[members[0]] != 0:
            solid[members] = colour
    return solid.reshape(planes.shape)


def _one_colour(
    colours: NDArray[np.float32],
    inside: NDArray[np.bool_],
    ground: NDArray[np.float32] | None,
) -> NDArray[np.float32] | None:
    """The (C,) colour of a region from its (n, C) px, or None where it has several."""
    if inside.sum() >= _FEW:
        core = colours[inside]
        if core.std(axis=0).max() > _EVEN:
            return None
        middle: NDArray[np.float32] = np.median(core, axis=0)
        return middle
    if ground is None or not len(colours):
        return None
    # A stroke too thin for an inside is mixed with the ground everywhere, and least at its peak.
    away = peak(np.abs(colours - ground))
    strongest: NDArray[np.float32] = np.median(colours[away >= np.quantile(away, 0.8)], axis=0)
    return strongest


def _other_side(labels: Labels) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """(H, W) places of the nearest px of another label, and where there is one in reach."""
    height, width = labels.shape
    places = np.arange(labels.size).reshape(labels.shape)
    beside, edge = places.copy(), np.zeros(labels.shape, np.bool_)
    for down, right in _offsets():
        here = (_span(-down, height), _span(-right, width))
        there = (_span(down, height), _span(right, width))
        free = ~edge[here] & (labels[here] != labels[there])
        beside[here] = np.where(free, places[there], beside[here])
        edge[here] |= free
    return beside, edge


def _offsets() -> list[tuple[int, int]]:
    around = range(-_REACH, _REACH + 1)
    offsets = [(down, right) for down in around for right in around if (down, right) != (0, 0)]
    return sorted(offsets, key=lambda offset: offset[0] ** 2 + offset[1] ** 2)


def _span(shift: int, size: int) -> slice:
    """The part of an axis that stays within it when moved back by the shift."""
    return slice(min(size, max(0, shift)), max(0, min(size, size + shift)))
