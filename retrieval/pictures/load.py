"""A picture's px as they are, for what needs more of them than a network sees."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.pictures import raster, svg
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request


def load_picture(path: Path, limits: PictureLimits | None = None) -> NDArray[np.uint8]:
    """(H, W, 3), or (H, W, 4) of a transparent one, upright, in this process.

    Raises PictureError.
    """
    limits, name = limits or PictureLimits(), str(path)
    content, kind = read_checked(Request(name), limits)
    if kind == "SVG":
        return np.asarray(svg.render(name, content, limits))
    return np.asarray(raster.load(name, content, kind, limits))
