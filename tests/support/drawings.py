"""Marks drawn at the moment, with smooth edges and parts that are known."""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

Pixels = NDArray[np.uint8]

FINE = 4  # drawn at so many times the size
RED, GREEN, BLUE, BLACK, WHITE = (
    (200, 30, 40), (20, 140, 60), (30, 60, 190), (0, 0, 0), (255, 255, 255),
)  # fmt: skip
RINGS = (BLUE, (240, 180, 30), BLACK, GREEN, RED)


def drawn(
    draw: Callable[[ImageDraw.ImageDraw, float], None],
    *,
    size: tuple[int, int] = (120, 120),
    ground: tuple[int, ...] = WHITE,
) -> Pixels:
    """draw: what is drawn, at FINE px for 1; ground of four values: (H, W, 4), else (H, W, 3)."""
    mode = "RGBA" if len(ground) == 4 else "RGB"
    image = Image.new(mode, (size[0] * FINE, size[1] * FINE), ground)
    draw(ImageDraw.Draw(image), FINE)
    return np.asarray(image.resize(size, Image.Resampling.BOX))


def disc(ground: tuple[int, ...] = WHITE, colour: tuple[int, int, int] = RED) -> Pixels:
    return drawn(
        lambda pen, f: pen.ellipse((20 * f, 20 * f, 100 * f, 100 * f), colour), ground=ground
    )


def gradient_disc() -> Pixels:
    """From dark blue on the left to light on the right, edges smooth."""
    cover = disc(WHITE, BLACK)[..., :1] / 255.0
    tone = np.linspace(0, 200, 120)[None, :, None] + np.array([10, 20, 50])
    return np.rint(cover * 255 + (1 - cover) * tone).astype(np.uint8)


def five_rings(ground: tuple[int, ...] = WHITE) -> Pixels:
    """Five rings that do not touch."""

    def draw(pen: ImageDraw.ImageDraw, f: float) -> None:
        for place, colour in enumerate(RINGS):
            left = 5 + 39 * place
            pen.ellipse(
                (left * f, 10 * f, (left + 34) * f, 44 * f), outline=colour, width=int(6 * f)
            )

    return drawn(draw, size=(205, 54), ground=ground)


def badge(ground: tuple[int, ...] = WHITE) -> Pixels:
    """A blue plate (the largest), a green disc in it, a red square in that, a black bar outside."""

    def draw(pen: ImageDraw.ImageDraw, f: float) -> None:
        pen.rounded_rectangle((10 * f, 10 * f, 110 * f, 95 * f), 12 * f, fill=BLUE)
        pen.ellipse((30 * f, 20 * f, 90 * f, 80 * f), fill=GREEN)
        pen.rectangle((50 * f, 40 * f, 70 * f, 60 * f), fill=RED)
        pen.rectangle((10 * f, 102 * f, 110 * f, 112 * f), fill=BLACK)

    return drawn(draw, ground=ground)


def lockup(text: str = "Brandio", ground: tuple[int, ...] = WHITE) -> Pixels:
    """A red device over a word in black."""

    def draw(pen: ImageDraw.ImageDraw, f: float) -> None:
        pen.polygon([(90 * f, 8 * f), (140 * f, 90 * f), (40 * f, 90 * f)], fill=RED)
        font = ImageFont.load_default(30 * f)
        pen.text((90 * f, 120 * f), text, fill=BLACK, font=font, anchor="mm")

    return drawn(draw, size=(180, 150), ground=ground)


def noise(seed: int = 0) -> Pixels:
    return np.random.default_rng(seed).integers(0, 256, (60, 80, 3), dtype=np.uint8)


def photo() -> Pixels:
    """Soft blobs without any ground."""
    small = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    return np.asarray(Image.fromarray(small).resize((96, 72), Image.Resampling.BICUBIC))


def awkward() -> dict[str, Pixels]:
    """Everything that a collection may hold, by what is odd about it."""
    clear, rng = (0, 0, 0, 0), np.random.default_rng(2)
    return {
        "opaque": badge(),
        "transparent": badge(clear),
        "white ink on clear": disc(clear, WHITE),
        "dark plate": badge((10, 10, 20)),
        "grey": np.repeat(disc(WHITE, (90, 90, 90))[..., :1], 3, axis=2),
        "one colour": np.full((40, 50, 3), 77, np.uint8),
        "all clear": np.zeros((30, 30, 4), np.uint8),
        "tiny": rng.integers(0, 256, (8, 8, 3), dtype=np.uint8),
        "one px": np.array([[[1, 2, 3]]], np.uint8),
        "a line": rng.integers(0, 256, (1, 400, 3), dtype=np.uint8),
        "a tall line": rng.integers(0, 256, (400, 1, 4), dtype=np.uint8),
        "noise": noise(),
        "photo": photo(),
        "rings": five_rings(),
        "lockup": lockup(),
    }


def triangles(seed: int) -> Pixels:
    """(160, 160, 3): a few triangles on white."""
    rng = np.random.default_rng(seed)
    sheet = np.full((160, 160, 3), 255, np.uint8)
    for _ in range(5):
        corners = rng.integers(8, 152, (3, 2)).astype(np.int32)
        cv2.fillPoly(sheet, [corners], tuple(map(int, rng.integers(0, 190, 3))))
    return sheet
