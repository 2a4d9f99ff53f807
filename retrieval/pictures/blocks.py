"""What else to ask with: blocks of a picture's layout and its halves, each a picture of its own."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.pictures.picture import Block, Crop
from likemark.retrieval.pictures.views import halves


def block_pictures(
    pixels: NDArray[np.uint8], size: int, *, left: int = 0, top: int = 0
) -> tuple[Block, ...]:
    """Each block of the layout; nothing for a mark of one block.

    pixels: (H, W, 3 or 4); size: S, px
    left, top: px, where these pixels lie in the upright picture
    """
    # Not with the module: a decoding process that is not asked for blocks need not load OpenCV.
    from likemark.augment.blocks import cut_blocks, find_blocks

    boxes = find_blocks(pixels)
    return tuple(
        Block(prepared(block, size), Crop(left + x, top + y, width, height))
        for block, (x, y, width, height) in zip(cut_blocks(pixels, boxes), boxes, strict=True)
    )


def half_pictures(
    pixels: NDArray[np.uint8], size: int, *, left: int = 0, top: int = 0
) -> tuple[Block, ...]:
    """As `block_pictures`, the halves."""
    return tuple(
        Block(prepared(half, size), Crop(left + box.x, top + box.y, box.width, box.height))
        for box, half in halves(pixels)
    )
