"""What the retrieval backbone sees in scenes and queries: its features, its weights untouched.

A query is seen at several sizes, for a mark in a scene has fewer patches than one that fills its
picture, and a patch of it shows more.

N pictures; H, W: px, multiples of the patch; P: px of a patch; h, w: H / P, W / P; C: channels of
all taken layers together; S: px of a query; T: tokens of a query, of its sizes one after the
other, each size's class token first.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import nn
from torch.nn.functional import interpolate, layer_norm

from likemark.db.errors import ModelDamaged, ModelError
from likemark.retrieval.embedder import network_of
from likemark.retrieval.network import Input
from likemark.retrieval.oneshot.network import STRIDE, Size

if TYPE_CHECKING:
    from likemark.retrieval.devices import Device
    from likemark.retrieval.models import FoundModel

_TIMES = (1, 2, 4)  # a query is seen as it is, at half its size, and at a quarter


class Features(nn.Module):
    """Layers of a vision transformer, each token's channels of mean 0 and variance 1."""

    def __init__(self, model: FoundModel, layers: Sequence[int]) -> None:
        """layers: numbers of the blocks whose output is taken, from 0.

        Raises ModelDamaged for weights that do not fit, ModelError for a model that is no vision
        transformer of square patches or has fewer layers.
        """
        super().__init__()
        card = model.card
        self.backbone = _backbone(model)
        depth = len(getattr(self.backbone, "blocks", ()))
        if max(layers) >= depth:
            raise ModelError(
                f"model {card.name!r} has no layers {list(layers)}: a vision transformer with "
                f"{max(layers) + 1} blocks or more is needed"
            )
        self.backbone.requires_grad_(False).eval()
        self.layers = list(layers)
        self.patch: int = self.backbone.patch_embed.patch_size[0]
        self.step = math.lcm(self.patch, STRIDE)  # px: a scene's sides are multiples of it
        self.channels: int = self.backbone.num_features * len(self.layers)
        self.size = card.input_size  # px of a query's square
        self.sizes = [
            max(2, round(self.size / times / self.patch)) * self.patch for times in _TIMES
        ]
        self.tokens = tuple(1 + (size // self.patch) ** 2 for size in self.sizes)  # T in all
        self._input = Input(card)

    def prepare(self, pixels: torch.Tensor) -> torch.Tensor:
        """(N, H, W, 3) uint8 RGB to the (N, 3, H, W) that the backbone is fed."""
        images: torch.Tensor = self._input(pixels)
        return images

    @torch.no_grad()
    def of_scenes(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, H, W), prepared, to (N, C, h, w)."""
        return torch.cat([_levelled(places, 1) for places, _ in self._seen(images)], dim=1)

    @torch.no_grad()
    def of_queries(self, images: torch.Tensor) -> torch.Tensor:
        """(N, 3, S, S), prepared, to (N, T, C)."""
        return torch.cat([self._of_size(images, size) for size in self.sizes], dim=1)

    def _of_size(self, images: torch.Tensor, size: int) -> torch.Tensor:
        """(N, T of that size, C). size: px"""
        shown = images
        if size != images.shape[-1]:
            shown = interpolate(images, (size, size), mode="bilinear", antialias=True)
        parts = []
        for places, tokens in self._seen(shown):
            own = torch.cat([tokens[:, :1], places.flatten(2).transpose(1, 2)], dim=1)
            parts.append(_levelled(own, 2))
        return torch.cat(parts, dim=2)

    def _seen(self, images: torch.Tensor) -> list[tuple[torch.Tensor, torch.Tensor]]:
        seen: list[tuple[torch.Tensor, torch.Tensor]] = self.backbone.forward_intermediates(
            images, indices=self.layers, output_fmt="NCHW", return_prefix_tokens=True,
            intermediates_only=True, norm=False,
        )  # fmt: skip
        return seen

    def train(self, mode: bool = True) -> Features:
        """Never: its weights stay as they are."""
        return self

    def fingerprint(self) -> str:
        """64 hexadecimal digits of the backbone's weights, of which the network learned."""
        digest = hashlib.sha256(repr(self.layers).encode())
        for name, tensor in sorted(self.backbone.state_dict().items()):
            digest.update(name.encode() + tensor.float().cpu().numpy().tobytes())
        return digest.hexdigest()


def _backbone(model: FoundModel) -> Any:
    """For pictures of any size, and without what follows it; of a ResNet, say, an empty one."""
    options = {**model.card.options, "dynamic_img_size": True}
    try:
        network: Any = network_of(replace(model, card=replace(model.card, options=options)))
    except ModelDamaged:
        network_of(model)  # if that is damaged, it says so
        return nn.Identity()
    return network.backbone if hasattr(network, "backbone") else network


class Shape(Protocol):
    """What a card, and a training's settings, say of how large the network is; see `Size`."""

    @property
    def width(self) -> int: ...
    @property
    def depth(self) -> int: ...
    @property
    def heads(self) -> int: ...
    @property
    def fine(self) -> int: ...


def size_of(shape: Shape, features: Features) -> Size:
    """Of a network that looks at these features."""
    return Size(
        channels=features.channels, layers=len(features.layers), tokens=features.tokens,
        width=shape.width, depth=shape.depth, heads=shape.heads, fine=shape.fine,
    )  # fmt: skip


def load_features(model: FoundModel, layers: Sequence[int], device: Device) -> Features:
    """See `Features`; on the device, ready to be asked."""
    features = Features(model, layers).to(device.torch())
    if device.is_cpu:
        attentions: list[Any] = [p for p in features.modules() if hasattr(p, "fused_attn")]
        for each in attentions:
            # Of so many tokens torch's fused attention takes longer on a processor than its parts.
            each.fused_attn = False
    return features


def _levelled(features: torch.Tensor, channels: int) -> torch.Tensor:
    """Each token by itself to mean 0 and variance 1: layers differ in scale a hundredfold."""
    last = features.float().movedim(channels, -1)
    return layer_norm(last, last.shape[-1:]).movedim(-1, channels)
