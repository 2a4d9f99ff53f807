"""AdamW, its rate over the steps, and the moving average of the weights."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import nn

from likemark.retrieval.lowrank import is_change
from likemark.retrieval.network import MarkNetwork
from likemark.retrieval.training.config import Optimiser

_START = 10  # steps: the average follows faster until it has seen some


def make_optimiser(network: MarkNetwork, settings: Optimiser, *, freeze: int) -> torch.optim.AdamW:
    """Backbone and head at rates of their own; biases and norms do not decay.

    freeze: layers of the backbone, counted from the input, that keep their weights; of the others
        only what `let_change` put beside them is learned, where it has put anything there
    """
    from timm.optim._param_groups import param_groups_layer_decay

    backbone: Any = param_groups_layer_decay(
        network.backbone, settings.decay, layer_decay=settings.layer_decay
    )
    depths = depths_of(network.backbone)
    changes = any(is_change(name) for name in depths)
    for name, parameter in network.backbone.named_parameters():
        parameter.requires_grad_(depths[name] >= freeze and (not changes or is_change(name)))
    groups = [
        {
            "params": [p for p in group["params"] if p.requires_grad],
            "peak": settings.rate * group["lr_scale"],
            "weight_decay": group["weight_decay"],
        }
        for group in backbone
    ]
    groups += _head_groups(network, settings)
    return torch.optim.AdamW([group for group in groups if group["params"]], lr=settings.rate)


def with_decay(network: nn.Module, settings: Optimiser) -> torch.optim.AdamW:
    """All at one rate; biases and norms do not decay."""
    plain = [p for p in network.parameters() if p.ndim < 2]
    weights = [p for p in network.parameters() if p.ndim >= 2]
    groups = [
        {"params": plain, "peak": settings.rate, "weight_decay": 0.0},
        {"params": weights, "peak": settings.rate, "weight_decay": settings.decay},
    ]
    return torch.optim.AdamW(groups, lr=settings.rate)


def depths_of(backbone: nn.Module) -> dict[str, int]:
    """Of each parameter the layer, counted from the input."""
    from timm.models import group_parameters

    declared: Any = backbone
    layers: Any = group_parameters(declared, declared.group_matcher(coarse=False), reverse=True)
    return {name: int(layers[name]) for name, _ in backbone.named_parameters()}


def _head_groups(network: MarkNetwork, settings: Optimiser) -> list[dict[str, Any]]:
    head = [p for part in (network.pooling, network.norm, network.projection)
            for p in part.parameters()]  # fmt: skip
    return [
        {"params": [p for p in head if p.ndim > 1], "peak": settings.head_rate,
         "weight_decay": settings.decay},
        {"params": [p for p in head if p.ndim <= 1], "peak": settings.head_rate,
         "weight_decay": 0.0},
    ]  # fmt: skip


def rate_at(step: int, *, steps: int, warmup: int) -> float:
    """The share of the highest rate: a linear warm-up, then half a cosine down to 0.

    warmup: steps; of a short training a quarter of it at most
    """
    warmup = min(warmup, steps // 4)
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def set_rate(optimiser: torch.optim.Optimizer, share: float) -> None:
    for group in optimiser.param_groups:
        group["lr"] = group["peak"] * share


@torch.no_grad()
def follow(average: nn.Module, network: nn.Module, *, step: int, decay: float) -> None:
    """Move the average's weights towards the network's; its buffers become the network's."""
    weight = 1 - min(decay, (1 + step) / (_START + step))
    for ours, theirs in zip(average.parameters(), network.parameters(), strict=True):
        ours.lerp_(theirs, weight)
    for kept, given in zip(average.buffers(), network.buffers(), strict=True):
        kept.copy_(given)


def set_training(network: nn.Module) -> None:
    """To training, but for batch norm: its statistics stay those of the pretrained weights."""
    network.train()
    for module in network.modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.eval()
