"""What a training changes in a large network, as products of narrow matrices beside its weights.

Hu et al., "LoRA: Low-rank adaptation of large language models", ICLR 2022. The network that a
training starts from keeps its weights: two models then share one file of them, and what was made
for the one network goes on with it. O, I: a linear layer's outputs and inputs; R: the rank.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import torch
from torch import nn
from torch.nn.functional import linear

DOWN, UP = ".down", ".up"  # what a layer's two matrices are named with, after the layer
_WEIGHT = ".weight"


class Changed(nn.Linear):
    """A linear layer, and what is learned on top of it: nothing at first."""

    def __init__(self, layer: nn.Linear, rank: int) -> None:
        super().__init__(layer.in_features, layer.out_features, bias=layer.bias is not None)
        self.weight, self.bias = layer.weight, layer.bias
        like = layer.weight
        self.down = nn.Parameter(torch.empty(rank, layer.in_features, device=like.device))
        self.up = nn.Parameter(torch.zeros(layer.out_features, rank, device=like.device))
        nn.init.kaiming_uniform_(self.down, a=5**0.5)  # as a linear layer's own

    def forward(self, input: torch.Tensor) -> torch.Tensor:
        """input: (…, I); result: (…, O)."""
        whole: torch.Tensor = super().forward(input)
        return whole + linear(linear(input, self.down), self.up)


def let_change(network: nn.Module, rank: int, wanted: Callable[[str], bool]) -> None:
    """Put a change of that rank beside linear layers.

    wanted: by the name of a layer's weights
    """
    for name, layer in list(network.named_modules()):
        if type(layer) is nn.Linear and wanted(name + _WEIGHT):
            parent, _, own = name.rpartition(".")
            setattr(network.get_submodule(parent), own, Changed(layer, rank))


def is_change(name: str) -> bool:
    """Whether a parameter of that name belongs to a change."""
    return name.endswith((DOWN, UP))


def merged(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """The weights with their changes added, in float32 where there are any.

    Raises KeyError for a change without its other half or its layer, RuntimeError for one that
    does not fit its layer.
    """
    whole = {name: value for name, value in weights.items() if not is_change(name)}
    layers = {name.rpartition(".")[0] for name in weights if is_change(name)}
    for layer in layers:
        change = weights[layer + UP].float() @ weights[layer + DOWN].float()
        own = whole[layer + _WEIGHT].float()
        if change.shape != own.shape:
            raise RuntimeError(f"{layer}: a change of {tuple(change.shape)}, {tuple(own.shape)}")
        whole[layer + _WEIGHT] = own + change
    return whole
