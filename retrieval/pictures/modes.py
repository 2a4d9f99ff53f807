"""Every Pillow mode brought to 8-bit RGB or RGBA."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

# Modes that Pillow converts by itself, with alpha kept.
_WITH_ALPHA = {"LA", "PA", "La", "RGBa", "RGBA"}
# Values worked on at once, so that a large deep picture needs no second copy.
_BAND = 1 << 20


def to_rgb(image: Image.Image) -> Image.Image:
    """A loaded picture of any mode in RGB, or in RGBA where it has transparency."""
    if image.mode == "CMYK":
        return _from_cmyk(image)
    if image.mode.startswith("I;16"):
        return _grey(_scaled(np.asarray(image), 0.0, 65535.0))
    if image.mode in ("I", "F"):
        values = np.asarray(image)
        return _grey(_scaled(values, *_span(values)))
    if image.mode == "La":
        image = image.convert("LA")
    alpha = image.mode in _WITH_ALPHA or "transparency" in image.info
    target = "RGBA" if alpha or _palette_alpha(image) else "RGB"
    return image if image.mode == target else image.convert(target)


def _palette_alpha(image: Image.Image) -> bool:
    return image.mode == "P" and image.palette is not None and image.palette.mode == "RGBA"


def _from_cmyk(image: Image.Image) -> Image.Image:
    """Inks to RGB by the picture's own profile; by the plain formula where that is unusable."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image.convert("RGB")
    from PIL import ImageCms  # loads LittleCMS, which few pictures need

    try:
        source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        target = ImageCms.createProfile("sRGB")
        converted = ImageCms.profileToProfile(image, source, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
        converted = None
    return image.convert("RGB") if converted is None else converted


def _grey(levels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(levels).convert("RGB")


def _span(values: NDArray[np.generic]) -> tuple[float, float]:
    """The range that a deep picture's values are meant to fill.

    Nothing in an integer or float TIFF states it, so the smallest customary range that holds
    all values is taken: 0..1 for floats, 0..255, 0..65535, else the values' own extremes.
    """
    finite = values[np.isfinite(values)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = float(finite.min()), float(finite.max())
    customary = (1.0, 255.0, 65535.0) if values.dtype.kind == "f" else (255.0, 65535.0)
    top = next((top for top in customary if high <= top), None)
    return (low, high) if top is None or low < 0 else (0.0, top)


def _scaled(values: NDArray[np.generic], low: float, high: float) -> NDArray[np.uint8]:
    """Map low..high to 0..255, rounded; values that are not numbers become 0."""
    levels = np.empty(values.shape, np.uint8)
    flat, out = values.reshape(-1), levels.reshape(-1)
    factor = 255.0 / (high - low) if high > low else 0.0
    for start in range(0, flat.size, _BAND):
        band = flat[start : start + _BAND].astype(np.float64)
        band = np.nan_to_num(band, nan=low, posinf=high, neginf=low)
        out[start : start + _BAND] = np.clip((band - low) * factor + 0.5, 0, 255)
    return levels
