"""Leaving patches out: what a vision transformer is not shown it need not compute.

Half of the patches left out nearly doubles the pictures per second (Li et al., "Scaling
language-image pre-training via masking", CVPR 2023). The last steps see whole pictures, as a search
does.
"""

from __future__ import annotations

from typing import Any

from torch import nn

from likemark.db.errors import InvalidInput
from likemark.retrieval.network import MarkNetwork

_ATTRIBUTE = "patch_drop"  # timm's, of the backbones that can


def let_drop(network: MarkNetwork) -> None:
    """Make it able to leave patches out in training. Raises InvalidInput where it cannot be."""
    from timm.layers.patch_dropout import PatchDropout

    backbone: Any = network.backbone
    if not isinstance(getattr(backbone, _ATTRIBUTE, None), nn.Module):
        raise InvalidInput("network.patch_drop: only vision transformers can leave patches out")
    layer = PatchDropout(0.0, num_prefix_tokens=network.pooling.prefix)
    backbone.patch_drop = layer.train(network.training)


def leaves_out(network: nn.Module) -> bool:
    """Whether it draws anew in each step what it leaves out: features, patches or whole blocks."""
    from timm.layers.drop import DropPath
    from timm.layers.patch_dropout import PatchDropout

    return any(
        isinstance(layer, DropPath | PatchDropout)
        or (isinstance(layer, nn.Dropout) and layer.p > 0)
        for layer in network.modules()
    )


def dropped_at(step: int, *, steps: int, share: float, whole: float) -> float:
    """The share of a picture's patches that a step leaves out.

    whole: share of the steps, the last ones, that leave out none
    """
    return 0.0 if step >= (1 - whole) * steps else share


def set_dropped(network: nn.Module, share: float) -> None:
    """share: of the patches of each picture, drawn anew for each."""
    ready: Any = network
    ready.backbone.patch_drop.prob = share
