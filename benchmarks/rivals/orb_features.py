"""ORB keypoints of many pictures (Rublee et al., ICCV 2011). N pictures, T keypoints in all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.rivals.pool import worked
from likemark.retrieval.pictures.normalise import prepared

SIZE = 224  # px, grey
MOST = 100  # keypoints of a picture
BYTES = 32  # of a descriptor
# Marks reach to the edge of their square: keypoints too, though their patches then look beyond it.
EDGE = 12  # px
_REPORT = 2000  # pictures between two lines of progress

Descriptors = NDArray[np.uint8]  # (n, 32)
Places = NDArray[np.float16]  # (n, 2), px: exact to an eighth


@dataclass(frozen=True, slots=True, eq=False)
class Features:
    """N pictures' keypoints, one picture after the other."""

    descriptors: Descriptors  # (T, 32)
    places: Places  # (T, 2)
    bounds: NDArray[np.int64]  # (N + 1,): picture i has bounds[i] to bounds[i + 1]

    def __len__(self) -> int:
        return len(self.bounds) - 1

    def of(self, picture: int) -> tuple[Descriptors, Places]:
        """(n, 32) and (n, 2) of one picture."""
        own = slice(self.bounds[picture], self.bounds[picture + 1])
        return self.descriptors[own], self.places[own]

    def owners(self) -> NDArray[np.int32]:
        """(T,): the picture of each keypoint."""
        return np.repeat(np.arange(len(self), dtype=np.int32), np.diff(self.bounds))


def keypoints(pixels: Pixels) -> tuple[Descriptors, Places]:
    """The MOST strongest keypoints of a picture of any size.

    pixels: (H, W, 3 or 4)
    result: descriptors (n, 32); places (n, 2), px in the square of SIZE
    """
    import cv2

    grey = cv2.cvtColor(prepared(pixels, SIZE), cv2.COLOR_RGB2GRAY)
    orb = cv2.ORB_create(nfeatures=MOST, edgeThreshold=EDGE)  # type: ignore[attr-defined]
    found, descriptors = orb.detectAndCompute(grey, None)
    if not found:
        return np.empty((0, BYTES), np.uint8), np.empty((0, 2), np.float16)
    # Keypoints of equal strength may exceed the number asked for.
    order = np.argsort([-point.response for point in found], kind="stable")[:MOST]
    places = np.array([found[i].pt for i in order], np.float16)
    return descriptors[order], places


def extract(pictures: Sequence[Pixels], progress: Progress) -> Features:
    """The keypoints of N pictures, read and described on all cores."""
    total = len(pictures)
    parts = []
    for part in worked(lambda i: keypoints(pictures[i]), range(total)):
        parts.append(part)
        if len(parts) % _REPORT == 0 or len(parts) == total:
            progress(f"ORB: {len(parts):,} of {total:,} pictures")
    counts = [len(descriptors) for descriptors, _ in parts]
    return Features(
        np.concatenate([np.empty((0, BYTES), np.uint8), *(part[0] for part in parts)]),
        np.concatenate([np.empty((0, 2), np.float16), *(part[1] for part in parts)]),
        np.concatenate(([0], np.cumsum(counts, dtype=np.int64))).astype(np.int64),
    )
