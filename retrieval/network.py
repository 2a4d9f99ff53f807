"""The network of a card: a timm backbone, a pooling, and a linear layer where the card has one.

N pictures; S px; T places of the feature map; C its channels; D dimensions of the embedding.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from likemark.db.errors import InvalidInput, ModelDamaged, one_line
from likemark.retrieval.poolings import OURS, is_ours, parts

if TYPE_CHECKING:
    from likemark.retrieval.cards import ModelCard

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
_LEAST = 1e-6


class Pooling(nn.Module):
    """Feature maps to one vector: the named parts, one beside the other.

    gem: generalised mean with a learned exponent (Radenovic et al., 2018), of non-negative maps
    avg, max: over the places; token: the class token of a transformer
    """

    def __init__(self, kind: str, *, prefix: int) -> None:
        super().__init__()
        self.kinds = parts(kind)
        self.prefix = prefix  # tokens before those of the places
        if "token" in self.kinds and not prefix:
            raise ValueError(f"pooling {kind!r}: this backbone has no class token")
        if "gem" in self.kinds:
            self.exponent = nn.Parameter(torch.tensor(3.0))

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """features: (N, C, H, W), or (N, prefix + T, C); result: (N, C * number of parts)."""
        if features.ndim == 4:
            features = features.flatten(2).transpose(1, 2)
        places = features[:, self.prefix :]
        return torch.cat([self._part(kind, features, places) for kind in self.kinds], dim=1)

    def _part(self, kind: str, features: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        if kind == "token":
            return features[:, 0]
        if kind == "max":
            return places.amax(1)
        if kind == "gem":
            powers = places.float().clamp(min=_LEAST).pow(self.exponent)
            return powers.mean(1).pow(1 / self.exponent)
        return places.mean(1)


class MarkNetwork(nn.Module):
    """A backbone whose pooled features a linear layer turns into the embedding."""

    def __init__(self, backbone: nn.Module, pooling: Pooling, dimension: int) -> None:
        super().__init__()
        self.backbone = backbone
        self.pooling = pooling
        declared: Any = backbone
        width = int(declared.num_features) * len(pooling.kinds)
        self.norm = nn.LayerNorm(width)
        self.projection = nn.Linear(width, dimension)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, 3, S, S); result: (N, D), of any length."""
        pooled = self.pooled(images)
        # In full precision: a whitened projection takes differences of much larger numbers.
        with torch.autocast(images.device.type, enabled=False):
            projected: torch.Tensor = self.projection(pooled)
        return projected

    def pooled(self, images: torch.Tensor) -> torch.Tensor:
        """images: (N, 3, S, S); result: (N, C * number of parts), what the projection is given."""
        backbone: Any = self.backbone
        features = self.pooling(backbone.forward_features(images))
        with torch.autocast(images.device.type, enabled=False):
            normed: torch.Tensor = self.norm(features.float())
        return normed


def build_network(card: ModelCard) -> nn.Module:
    """The card's network without weights.

    Raises ModelDamaged when it cannot be built so, InvalidInput for a size that it cannot be fed.
    """
    try:
        network = _build(card)
    except (RuntimeError, TypeError, ValueError, AssertionError, AttributeError) as error:
        reason = one_line(str(error), limit=200)
        raise ModelDamaged(f"model {card.name!r}: timm cannot build it: {reason}") from error
    _check_size(card, network)
    found = dimension_of(network)
    if found != card.dimension:
        raise ModelDamaged(
            f"model {card.name!r}: {card.backbone!r} gives {found} dimensions, "
            f"its card says {card.dimension}"
        )
    return network


def _check_size(card: ModelCard, network: nn.Module) -> None:
    """Raises InvalidInput for a size that a vision transformer's patches do not divide."""
    declared: Any = getattr(network, "backbone", network)
    patch = getattr(getattr(declared, "patch_embed", None), "patch_size", None)
    if not isinstance(patch, tuple) or all(card.input_size % side == 0 for side in patch):
        return
    least = card.input_size // patch[0] * patch[0]
    raise InvalidInput(
        f"size {card.input_size}: {card.backbone} sees patches of {patch[0]} px; "
        f"give {' or '.join(str(s) for s in (least, least + patch[0]) if s)}"
    )


def _build(card: ModelCard) -> nn.Module:
    import timm

    if not is_ours(card.pooling):
        backbone: nn.Module = timm.create_model(
            card.backbone, num_classes=0, global_pool=card.pooling, **card.options
        )
        return backbone
    backbone = timm.create_model(card.backbone, num_classes=0, **card.options)
    declared: Any = backbone
    prefix = int(getattr(declared, "num_prefix_tokens", 0))
    kind = card.pooling.removeprefix(OURS)
    return MarkNetwork(backbone, Pooling(kind, prefix=prefix), card.dimension)


def dimension_of(network: nn.Module) -> int:
    if isinstance(network, MarkNetwork):
        return network.projection.out_features
    # Not every backbone's pooled width is its `num_features`, but all declare this one.
    declared: Any = network
    return int(getattr(declared, "head_hidden_size", declared.num_features))


def multiplying(network: nn.Module) -> nn.Module:
    """The part of a card's network that may compute in less than full precision."""
    return network.backbone if isinstance(network, MarkNetwork) else network


class Input(nn.Module):
    """Bytes to what a card's network expects; it has no weights."""

    mean: torch.Tensor
    std: torch.Tensor
    luma: torch.Tensor

    def __init__(self, card: ModelCard) -> None:
        super().__init__()
        self.grey = card.colour == "grey"
        for name, values in (("mean", card.mean), ("std", card.std)):
            self.register_buffer(name, torch.tensor(values).mul(255).view(1, 3, 1, 1))
        self.register_buffer("luma", torch.tensor(LUMA).view(1, 3, 1, 1))

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        """pixels: (N, S, S, 3) uint8 RGB; result: (N, 3, S, S) float32, channels last."""
        images = pixels.permute(0, 3, 1, 2).float()
        if self.grey:
            images = (images * self.luma).sum(1, keepdim=True).expand_as(images)
        images = images.sub(self.mean).div_(self.std)
        return images.contiguous(memory_format=torch.channels_last)
