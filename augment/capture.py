"""What happens to a mark on its way into a file: compression, thumbnails, scans."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.augment.geometry import resize, rotate
from likemark.augment.pixels import Pixels, Planes, checked, mix, opaque, pad, to_pixels, to_planes

PAPER = (250, 248, 243)
_MARGIN = 0.06  # of the longer side: paper round the print
_INK = 0.86  # a print's blackest black, as a share of the way from paper to black


def jpeg(pixels: Pixels, quality: int) -> Pixels:
    """(H, W, 3): as it comes back from a JPEG file.

    pixels: (H, W, 3): JPEG knows no transparency, so lay the picture on a page first
    quality: 1 to 95, as Pillow counts
    """
    if checked(pixels).shape[2] != 3 or not 1 <= quality <= 95:
        raise ValueError(f"JPEG takes 3 channels and a quality of 1 to 95, not {quality}")
    data = io.BytesIO()
    Image.fromarray(pixels).save(data, "JPEG", quality=quality)
    with Image.open(data) as image:
        return np.asarray(image.convert("RGB"))


def thumbnail(pixels: Pixels, side: int) -> Pixels:
    """No side longer than `side` px; a smaller picture stays as it is."""
    height, width = checked(pixels).shape[:2]
    if max(height, width) <= side:
        return pixels.copy()
    scale = side / max(height, width)
    return resize(pixels, max(1, round(width * scale)), max(1, round(height * scale)))


def scan(
    pixels: Pixels, rng: np.random.Generator, *, skew: float = 3.0, noise: float = 5.0
) -> Pixels:
    """(h, w, 3): printed on paper, laid askew on a scanner of uneven light, and a little soft.

    pixels: (H, W, 3)
    skew: degrees at most, at least a third of it either way
    noise: levels of standard deviation
    """
    import cv2

    if checked(pixels).shape[2] != 3:
        raise ValueError("a scan takes 3 channels: lay the picture on a page first")
    sheet = _printed(pixels)
    angle = float(rng.uniform(skew / 3, skew) * rng.choice([-1, 1]))
    planes = to_planes(rotate(sheet, angle, fill=opaque(PAPER, 3)))
    blur = 0.5 + max(planes.shape[:2]) / 600
    soft = np.asarray(cv2.GaussianBlur(planes, (0, 0), blur), np.float32)
    lit = soft.reshape(planes.shape) * _light(planes.shape[:2], rng)[..., None]
    return to_pixels(lit + _grain(planes.shape[:2], rng, noise)[..., None])


def _printed(pixels: Pixels) -> Pixels:
    """On a sheet of paper, in inks that are never quite black."""
    paper = opaque(PAPER, 3)
    black = paper * np.float32(1 - _INK)
    planes: Planes = mix(to_planes(pixels) / np.float32(255), paper, black)
    margin = max(2, round(_MARGIN * max(pixels.shape[:2])))
    return pad(to_pixels(planes), (margin, margin, margin, margin), paper)


def _light(size: tuple[int, int], rng: np.random.Generator) -> NDArray[np.float32]:
    """(H, W): light that falls off to one side, by a tenth to a fifth."""
    rows = np.linspace(-1, 1, size[0], dtype=np.float32)[:, None]
    columns = np.linspace(-1, 1, size[1], dtype=np.float32)[None]
    angle, fall = rng.uniform(0, 2 * np.pi), rng.uniform(0.1, 0.2)
    slope = (np.cos(angle) * columns + np.sin(angle) * rows) / np.sqrt(2)
    light: NDArray[np.float32] = (1 - fall * (1 + slope) / 2).astype(np.float32)
    return light


def _grain(size: tuple[int, int], rng: np.random.Generator, noise: float) -> NDArray[np.float32]:
    """(H, W): the sensor's noise of px and the paper's of some px."""
    import cv2

    fine = rng.standard_normal(size, dtype=np.float32)
    coarse = rng.standard_normal((size[0] // 4 + 1, size[1] // 4 + 1), dtype=np.float32)
    fibres = cv2.resize(coarse, (size[1], size[0]), interpolation=cv2.INTER_CUBIC)
    grain: NDArray[np.float32] = np.float32(0.7 * noise) * (fine + np.asarray(fibres, np.float32))
    return grain
