"""A second look at a place that was found: which of its px are the mark's own.

The one-shot network says where a mark is, in places of some px; this one sees the place alone,
as large as its picture, with the mask that was found. A network of the form of a U (Ronneberger et
al., "U-Net", MICCAI 2015). It is not shown the query: with it laid over the place it drew no better
masks (IoU 0.857 and 0.855 of held-out places).

N: places; S: `SIDE`.
"""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import interpolate, max_pool2d, pixel_shuffle, pixel_unshuffle

SIDE = 128  # px of the square that a place is seen in, whatever its shape
ROUND = 0.25  # of a box's sides: how much is seen beyond each
_SEEN = 4  # channels: the place in RGB, its mask
_FOLD = 2  # px each way that are one place of the finest level


class Tracer(nn.Module):
    def __init__(self, widths: tuple[int, ...]) -> None:
        """widths: channels, from the finest level on; each has half the places of the last"""
        super().__init__()
        seen = (_SEEN * _FOLD**2, *widths)
        self.down = nn.ModuleList(_twice(*pair) for pair in pairwise(seen))
        self.up = nn.ModuleList(
            _twice(below + beside, beside) for below, beside in pairwise(widths[::-1])
        )
        self.last = nn.Conv2d(widths[0], _FOLD**2, 1)

    def forward(self, crops: torch.Tensor, masks: torch.Tensor) -> torch.Tensor:
        """Logits of the marks' px.

        crops: (N, S, S, 3) uint8; masks: (N, S, S) uint8; result: (N, S, S), float32
        """
        shown = torch.cat([crops, masks[..., None]], dim=-1).movedim(-1, 1) / 255 - 0.5
        grid = pixel_unshuffle(shown, _FOLD)
        beside: list[torch.Tensor] = []
        for number, look in enumerate(self.down):
            grid = look(max_pool2d(grid, 2) if number else grid)
            beside.append(grid)
        for look, finer in zip(self.up, beside[-2::-1], strict=True):
            grid = look(torch.cat([interpolate(grid, scale_factor=2.0), finer], dim=1))
        logits: torch.Tensor = pixel_shuffle(self.last(grid), _FOLD)
        return logits[:, 0].float()


def _twice(before: int, width: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(before, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
        nn.Conv2d(width, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(),
    )  # fmt: skip
