"""Scenes laid out for people, the masks of their marks outlined, each mark in its own colour."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from likemark.augment.parts import as_bytes
from likemark.augment.pixels import Colour, Pixels
from likemark.augment.scenes.scene import Placed, Scene

_GAP = 4  # px between scenes
_GROUND = 255
_COLOURS: tuple[Colour, ...] = (
    (255, 0, 90), (0, 220, 255), (120, 255, 0), (255, 190, 0), (190, 90, 255),
)  # fmt: skip


def sheet(scenes: Sequence[Scene], *, columns: int = 4, plain: bool = True) -> Pixels:
    """(H, W, 3): row by row. plain: each scene twice, the first time as it is

    Raises ValueError for no scene, or no column.
    """
    if not scenes or columns < 1:
        raise ValueError(f"{len(scenes)} scenes in {columns} columns: give one or more of each")
    tiles = [_tile(scene, plain) for scene in scenes]
    height, width = (max(tile.shape[axis] for tile in tiles) + _GAP for axis in (0, 1))
    rows = -(-len(tiles) // columns)
    canvas = np.full((rows * height, columns * width, 3), _GROUND, np.uint8)
    for place, tile in enumerate(tiles):
        top, left = place // columns * height, place % columns * width
        canvas[top : top + tile.shape[0], left : left + tile.shape[1]] = tile
    return canvas


def outlined(scene: Scene) -> Pixels:
    """(H, W, 3): with the outlines of the masks, and dots at the upper corners of the quads."""
    pixels = scene.pixels.copy()
    for placed in scene.placed:
        _outline(pixels, placed)
    return pixels


def _tile(scene: Scene, plain: bool) -> Pixels:
    marked = outlined(scene)
    return np.concatenate([scene.pixels, marked], axis=1) if plain else marked


def _outline(pixels: Pixels, placed: Placed) -> None:
    import cv2

    colour = _COLOURS[placed.mark % len(_COLOURS)]
    inside = as_bytes(placed.mask > 127)
    found, _ = cv2.findContours(inside, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(pixels, found, -1, colour, 1)
    corners = np.rint(placed.quad).astype(np.int32)
    cv2.polylines(pixels, [corners], True, (128, 128, 128), 1, cv2.LINE_AA)
    for x, y in corners[:1].tolist():
        cv2.circle(pixels, (x, y), 2, colour, -1)
