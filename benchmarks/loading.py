"""Photos and scans of a data set, read by the rules of every other picture."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from likemark.benchmarks.encoders import Pixels
from likemark.retrieval.pictures import raster
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request


def load_picture(path: Path) -> Pixels:
    """(H, W, 3), or (H, W, 4) of a transparent one, upright. Raises PictureError."""
    limits = PictureLimits()
    content, kind = read_checked(Request(str(path)), limits)
    return np.asarray(raster.load(str(path), content, kind, limits))
