"""Pictures as they are compared px by px: small, grey and square."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Grey = NDArray[np.uint8]  # (SIDE, SIDE)
Box = tuple[float, float, float, float]  # left, top, right, bottom: shares of the square's side

SIDE = 64  # px
READ = 2 * SIDE  # px: a picture is read at, and averaged down from


def grey(pixels: NDArray[np.uint8]) -> Grey:
    """(S, S, 3), as a network sees it."""
    import cv2

    small = cv2.resize(pixels, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    found: Grey = np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), np.uint8)
    return found
