"""Pictures and frames that are stored lying, seen upright without a copy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

AnyPixels = TypeVar("AnyPixels", bound=NDArray[np.generic])


@dataclass(frozen=True, slots=True)
class Turn:
    """How stored px become upright ones: sides exchanged first, then mirrored."""

    swap: bool = False  # rows become columns
    flip_x: bool = False  # then left becomes right
    flip_y: bool = False  # then top becomes bottom

    def upright(self, stored: AnyPixels) -> AnyPixels:
        """A view of (H, W, ...) that writes through to it."""
        seen: Any = stored.swapaxes(0, 1) if self.swap else stored
        turned: AnyPixels = seen[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        return turned

    def stored(self, upright: AnyPixels) -> AnyPixels:
        """The inverse: a view of (H, W, ...) as the file stores it."""
        back: Any = upright[:: -1 if self.flip_y else 1, :: -1 if self.flip_x else 1]
        lying: AnyPixels = back.swapaxes(0, 1) if self.swap else back
        return lying


# EXIF 2.32, tag 0x0112: what the first row and the first column of the stored px are.
EXIF_TURNS = {
    1: Turn(),
    2: Turn(flip_x=True),
    3: Turn(flip_x=True, flip_y=True),
    4: Turn(flip_y=True),
    5: Turn(swap=True),
    6: Turn(swap=True, flip_x=True),
    7: Turn(swap=True, flip_x=True, flip_y=True),
    8: Turn(swap=True, flip_y=True),
}


def turn_of_matrix(matrix: Sequence[int]) -> Turn:
    """From the nine numbers of a video's display matrix; turns by odd angles count as none."""
    a, b, _, c, d = matrix[:5]
    if a and d and not b and not c:
        return Turn(flip_x=a < 0, flip_y=d < 0)
    if b and c and not a and not d:
        return Turn(swap=True, flip_x=c < 0, flip_y=b < 0)
    return Turn()
