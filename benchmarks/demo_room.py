"""A room drawn from nothing but numbers, for marks to be put into: nobody's photo.

H, W: px.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Plane = NDArray[np.float32]  # (H, W)

SIZE = (600, 840)  # H, W
_HORIZON = 0.64  # of the height: where the wall meets the table
_WALL, _WOOD = (196, 186, 168), (128, 84, 52)
# Left, top, width, height as shares of the picture, and colour, of what stands on the table.
Place = tuple[float, float, float, float]
_THINGS: tuple[tuple[Place, tuple[int, int, int]], ...] = (
    ((0.06, 0.34, 0.16, 0.46), (58, 92, 110)),
    ((0.27, 0.50, 0.12, 0.30), (214, 208, 196)),
    ((0.66, 0.42, 0.27, 0.37), (168, 58, 48)),
)
_WINDOW = (0.44, 0.07, 0.20, 0.36)


def draw_room(seed: int = 0) -> Pixels:
    """(H, W, 3): the same for the same seed."""
    import cv2

    rng = np.random.default_rng(seed)
    height, width = SIZE
    room = np.zeros((height, width, 3), np.float32)
    floor = round(_HORIZON * height)
    room[:floor] = _WALL
    room[floor:] = _WOOD
    room[:floor] += 9 * _cloud(rng, (floor, width), 90)[..., None]
    room[floor:] += 16 * _grain(rng, (height - floor, width))[..., None]
    _outside(room)
    for place, colour in _THINGS:
        _stand(room, place, colour, rng)
    light = np.linspace(1.12, 0.72, width, dtype=np.float32)[None, :, None]
    room *= light * np.linspace(1.05, 0.9, height, dtype=np.float32)[:, None, None]
    room += rng.normal(0, 3.0, room.shape).astype(np.float32)
    pixels = room.clip(0, 255).astype(np.uint8)
    return np.asarray(cv2.GaussianBlur(pixels, (0, 0), 0.8), np.uint8)


def _cloud(rng: np.random.Generator, size: tuple[int, int], patch: int) -> Plane:
    """Noise whose patches are about so many px wide, of deviation 1."""
    import cv2

    few = rng.normal(0, 1, (size[0] // patch + 3, size[1] // patch + 3)).astype(np.float32)
    return np.asarray(cv2.resize(few, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _grain(rng: np.random.Generator, size: tuple[int, int]) -> Plane:
    """Wood: long across, fine down."""
    import cv2

    few = rng.normal(0, 1, (size[0] // 4 + 2, size[1] // 160 + 3)).astype(np.float32)
    return np.asarray(cv2.resize(few, size[::-1], interpolation=cv2.INTER_CUBIC), np.float32)


def _box(place: Place, size: tuple[int, int]) -> tuple[int, int, int, int]:
    """Left, top, right, bottom in px."""
    left, top, wide, tall = place
    return (
        round(left * size[1]), round(top * size[0]),
        round((left + wide) * size[1]), round((top + tall) * size[0]),
    )  # fmt: skip


def _outside(room: NDArray[np.float32]) -> None:
    """A window with sky in it, and a bar down its middle."""
    left, top, right, bottom = _box(_WINDOW, (room.shape[0], room.shape[1]))
    sky = np.linspace(0, 1, bottom - top, dtype=np.float32)[:, None, None]
    room[top - 9 : bottom + 9, left - 9 : right + 9] = (226, 222, 214)
    room[top:bottom, left:right] = (1 - sky) * (118, 168, 214) + sky * (214, 228, 232)
    middle = (left + right) // 2
    room[top:bottom, middle - 4 : middle + 4] = (226, 222, 214)


def _stand(
    room: NDArray[np.float32], place: Place, paint: tuple[int, int, int],
    rng: np.random.Generator,
) -> None:  # fmt: skip
    """Something round: lighter on the left, with a shadow to its right."""
    left, top, right, bottom = _box(place, (room.shape[0], room.shape[1]))
    wide = right - left
    room[bottom - 14 : bottom + 8, left + 10 : right + wide // 3] *= 0.62
    round_ = 1.15 - 0.5 * np.linspace(0, 1, wide, dtype=np.float32) ** 1.6
    colour = np.array(paint, np.float32) + rng.normal(0, 3, 3)
    room[top:bottom, left:right] = round_[None, :, None] * colour
    room[top : top + 10, left:right] *= 0.8
