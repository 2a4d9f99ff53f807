"""What a mask is judged by. A: asks; h, w: places of a mask; B: scenes."""

from __future__ import annotations

import torch
from torch.nn.functional import binary_cross_entropy_with_logits as cross_entropy
from torch.nn.functional import max_pool2d

from likemark.retrieval.oneshot.network import PEAK

_INSIDE = 0.5  # coverage from which a place is the mark's
_EDGE = 3  # places round a mark that are no false ones, however sure: a patch is as wide
_FAR = -1e4


def mask_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of all places, Dice of the right asks, and the surest places of each ask.

    The last makes a network pay that ignores its query: where the mark is not, the likeliest
    places must be unlikely, however few they are, and where it is, its own must be likely. Places
    at a mark's edge are not among the former: there, the surest false ones always are, and each
    would weigh a hundred times what its like inside the edge does, so that masks would shrink.

    logits, target: (A, h, w); the target is the share of a place that the mark covers, all 0 where
        the scene has no such mark
    """
    flat, wanted = logits.flatten(1).float(), target.flatten(1).float()
    is_right = wanted.amax(1) >= _INSIDE
    pixels = cross_entropy(flat, wanted)
    outside = peak(flat.masked_fill(_near(target).flatten(1), _FAR))
    value = pixels + cross_entropy(outside, torch.zeros_like(outside)) / 2
    if not is_right.any():
        return value
    right, there = flat[is_right], wanted[is_right]
    inside = peak(right.masked_fill(there < _INSIDE, _FAR), there >= _INSIDE)
    seen = cross_entropy(inside, torch.ones_like(inside)) / 2
    return value + seen + dice(right, there).mean()


def _near(target: torch.Tensor) -> torch.Tensor:
    """(A, h, w) bool: places of the mark and those round it."""
    covered = (target > 0).float()[:, None]
    return max_pool2d(covered, 2 * _EDGE + 1, stride=1, padding=_EDGE)[:, 0] > 0


def peak(flat: torch.Tensor, among: torch.Tensor | None = None) -> torch.Tensor:
    """(A,): the mean logit of each ask's `PEAK` surest places: how sure it is to be there at all.

    flat: (A, h * w); among: (A, h * w), which places count; all
    """
    top = flat.topk(min(PEAK, flat.shape[1]), dim=1).values
    if among is None:
        return top.mean(1)
    count = among.sum(1).clamp(1, top.shape[1])
    counted = torch.arange(top.shape[1], device=flat.device) < count[:, None]
    return torch.where(counted, top, 0.0).sum(1) / count


def dice(flat: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """(A,): 1 - twice the shared part over the sum of both (Milletari et al., 2016)."""
    likely = flat.sigmoid()
    return 1 - (2 * (likely * wanted).sum(1) + 1) / (likely.sum(1) + wanted.sum(1) + 1)
