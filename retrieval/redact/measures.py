"""How well marks were covered: what flickers, what is missed, and what is covered in vain.

N: frames; H, W: px.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.regions import Mask

Box = tuple[int, int, int, int]  # left, top, right, bottom in px, the last two outside of it


@dataclass(frozen=True, slots=True)
class Coverage:
    """Covered px against the marks' true boxes."""

    recall: float  # share of the boxes' px that are covered; 1 where there are no boxes
    precision: float  # share of the covered px in a box; 1 where nothing is covered
    exposed: int  # boxes of which more than `seen` is not covered
    boxes: int  # in all


def flicker(frames: NDArray[np.uint8], masks: NDArray[np.uint8]) -> float:
    """The mean change from frame to frame of the px that are covered in both, in levels.

    frames: (N, H, W, 3), of a camera and a scene at rest
    masks: (N, H, W), 0 where nothing is covered
    result: 0 for what does not flicker, and where nothing is covered twice in succession
    """
    if frames.shape[:3] != masks.shape:
        raise InvalidInput(f"frames of shape {frames.shape} and masks of {masks.shape} differ")
    change, count = 0.0, 0
    for before, after, one, other in zip(frames, frames[1:], masks, masks[1:], strict=False):
        both = (one > 0) & (other > 0)
        levels = np.abs(after[both].astype(np.int16) - before[both])
        change, count = change + float(levels.sum()), count + levels.size
    return change / count if count else 0.0


def coverage(
    masks: Sequence[Mask], boxes: Sequence[Sequence[Box]], *, seen: float = 0.05
) -> Coverage:
    """Count over all frames, or over all pictures.

    masks: of each frame, (H, W), 0 where nothing is covered
    boxes: of each frame, where the marks truly are
    seen: share of a box, of which more than that uncovered gives the mark away
    """
    if len(masks) != len(boxes):
        raise InvalidInput(f"{len(masks)} masks and boxes of {len(boxes)} frames: give as many")
    hit = wanted = covered = exposed = 0
    for mask, places in zip(masks, boxes, strict=True):
        truth = np.zeros(mask.shape, np.bool_)
        for left, top, right, bottom in places:
            part = np.s_[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)]
            truth[part] = True
            exposed += bool((mask[part] == 0).mean() > seen) if mask[part].size else 0
        hit += int(np.count_nonzero(truth & (mask > 0)))
        wanted += int(np.count_nonzero(truth))
        covered += int(np.count_nonzero(mask))
    return Coverage(
        recall=hit / wanted if wanted else 1.0,
        precision=hit / covered if covered else 1.0,
        exposed=exposed,
        boxes=sum(map(len, boxes)),
    )
