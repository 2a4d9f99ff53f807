"""Weights in 8 bits: half of the space of float16, for networks whose answers that hardly changes.

Each output channel of a large tensor has a scale of its own: its largest weight is 127.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch

Weights = Mapping[str, torch.Tensor]
_SCALE = ".scale"  # after a tensor's name
_LARGE = 2048  # numbers, fewer than which stay as they are


def packed(weights: Weights) -> dict[str, torch.Tensor]:
    """Large tensors of two dimensions or more as int8 and float32 scales, others in float16."""
    found: dict[str, torch.Tensor] = {}
    for key, value in weights.items():
        if not value.is_floating_point():
            found[key] = value.contiguous()
        elif value.ndim < 2 or value.numel() < _LARGE:
            found[key] = value.half().contiguous()
        else:
            rows = value.float().flatten(1)
            scale = rows.abs().amax(1, keepdim=True).clamp_min(1e-12) / 127
            found[key] = (rows / scale).round().to(torch.int8).reshape(value.shape)
            found[key + _SCALE] = scale[:, 0]
    return found


def unpacked(weights: Weights) -> dict[str, torch.Tensor]:
    """As they were, nearly; what is not in 8 bits stays as it is.

    Raises ValueError for numbers in 8 bits without a scale for each row.
    """
    found: dict[str, torch.Tensor] = {}
    for key, value in weights.items():
        if value.dtype == torch.int8:
            scale = weights.get(key + _SCALE)
            if scale is None or value.ndim < 2 or scale.shape != value.shape[:1]:
                raise ValueError(f"{key} has no scale for each of its rows")
            found[key] = (value.flatten(1).float() * scale[:, None]).reshape(value.shape)
        elif not (key.endswith(_SCALE) and key.removesuffix(_SCALE) in weights):
            found[key] = value
    return found
