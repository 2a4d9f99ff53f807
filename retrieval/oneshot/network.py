"""Where a query mark is in a scene: a mask, conditioned on the query at every scale.

Scene tokens carry how like each place is to the query, in ways that are learned and as the features
have it (attention alone loses how good its best match is), look at the query's tokens
(cross-attention) and at what is around them; a small convolutional branch sees the scene's px, so
that edges are sharp, scaled by the query. After Bhunia et al., "A deep one-shot network for
query-based logo retrieval" (Pattern Recognition 2019), whose network concatenates one vector of
the query with a pyramid and may answer without looking at it; here the scene's own features reach
the mask only beside their likeness to the query.

A: questions; B: scenes; Q: queries; H, W: px of a scene, multiples of the patch P; h, w: H / P and
W / P; C: channels of `Features`; L: its layers; D: channels of this network; T: tokens of a query;
K: heads of the likeness.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn
from torch.nn.functional import interpolate, linear, normalize

_WAY = 32  # channels of a learned likeness
STRIDE = 4  # px of a scene that one place of the mask stands for
PEAK = 12  # places: the smallest mark that is looked for, 14 px each way, has as many


@dataclass(frozen=True, slots=True)
class Size:
    """How large the network is."""

    channels: int  # C
    layers: int  # L
    tokens: tuple[int, ...]  # of a query: of each of its sizes, T in all
    width: int = 192  # D
    depth: int = 2  # times that the scene looks at the query
    heads: int = 6
    fine: int = 48  # channels of the branch that sees px
    ways: int = 8  # K

    def __post_init__(self) -> None:
        if self.width % self.heads or self.channels % self.layers or min(self.fine, 8) % 4:
            raise ValueError(f"{self}: heads must divide width, layers channels, and 4 fine")


class Look(nn.Module):
    """The scene looks at the query, then at what is around each place."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        width = size.width
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.attention = nn.MultiheadAttention(width, size.heads, batch_first=True)
        self.around = nn.Conv2d(width, width, 7, padding=3, groups=width)
        self.mix = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, scene: torch.Tensor, query: torch.Tensor) -> torch.Tensor:
        """scene: (A, D, h, w); query: (A, T, D); result: (A, D, h, w)."""
        shape = scene.shape
        tokens = scene.flatten(2).transpose(1, 2)
        seen, _ = self.attention(self.before(tokens), query, query, need_weights=False)
        tokens = tokens + seen
        grid = self.after(tokens).transpose(1, 2).reshape(shape)
        tokens = tokens + self.mix(self.around(grid).flatten(2).transpose(1, 2))
        result: torch.Tensor = tokens.transpose(1, 2).reshape(shape)
        return result


class Likeness(nn.Module):
    """How like each place of a scene is to a query, layer by layer and in K learned ways."""

    def __init__(self, size: Size) -> None:
        super().__init__()
        self.size = size
        self.scene = nn.Linear(size.channels, size.ways * _WAY)
        self.query = nn.Linear(size.channels, size.ways * _WAY)
        channels = 4 * len(size.tokens) * (size.layers + size.ways)
        self.mix = nn.Sequential(
            nn.Conv2d(channels, size.width, 1), nn.GELU(),
            nn.Conv2d(size.width, size.width, 3, padding=1),
        )  # fmt: skip

    def forward(
        self, places: torch.Tensor, tokens: torch.Tensor, asks: torch.Tensor
    ) -> torch.Tensor:
        """places: (B, h, w, C); tokens: (Q, T, C); asks: (A, 2); result: (A, D, h, w)."""
        flat = places.flatten(1, 2)
        found = [
            *self._cosines(flat, tokens, asks, self.size.layers),
            *self._cosines(self.scene(flat), self.query(tokens), asks, self.size.ways),
        ]
        alike = torch.stack(found, dim=1).float()
        # Also as it stands out from the rest of the scene, which may all be somewhat alike.
        alike = torch.cat([alike, alike - alike.mean(2, keepdim=True)], dim=1)
        grid = alike.reshape(len(asks), -1, *places.shape[1:3])
        mixed: torch.Tensor = self.mix(grid)
        return mixed

    def _cosines(
        self, places: torch.Tensor, tokens: torch.Tensor, asks: torch.Tensor, parts: int
    ) -> Iterator[torch.Tensor]:
        """(A, h * w) each: with the class token, and the likest place, of each size of the query.

        places: (B, h * w, c); tokens: (Q, T, c); parts: of the channels, each by itself
        """
        for there, own in zip(places.chunk(parts, 2), tokens.chunk(parts, 2), strict=True):
            alike = _alike(normalize(there, dim=2), normalize(own, dim=2), asks)
            for one in torch.split(alike, list(self.size.tokens), 1):
                yield one[:, 0]
                yield one[:, 1:].amax(1)


class OneShot(nn.Module):
    def __init__(self, size: Size) -> None:
        super().__init__()
        width, fine = size.width, size.fine
        self.size = size
        self.scene_norm = nn.BatchNorm1d(size.channels, affine=False)
        self.query_norm = nn.BatchNorm1d(size.channels, affine=False)
        self.scene = nn.Linear(size.channels, width)
        self.query = nn.Linear(size.channels, width)
        self.likeness = Likeness(size)
        self.looks = nn.ModuleList(Look(size) for _ in range(size.depth))
        self.fine = nn.Sequential(
            nn.Conv2d(3, fine // 2, 3, stride=2, padding=1), nn.GroupNorm(4, fine // 2), nn.GELU(),
            nn.Conv2d(fine // 2, fine, 3, stride=2, padding=1), nn.GroupNorm(4, fine), nn.GELU(),
        )  # fmt: skip
        self.scale = nn.Linear(width, 2 * fine)
        self.coarse = nn.Conv2d(width, fine, 1)
        last = nn.Conv2d(fine, 1, 1)
        assert last.bias is not None
        nn.init.constant_(last.bias, -2.0)  # most of a scene is no mark
        self.head = nn.Sequential(
            nn.Conv2d(2 * fine, fine, 3, padding=1), nn.GroupNorm(4, fine), nn.GELU(),
            nn.Conv2d(fine, fine, 3, padding=1), nn.GroupNorm(4, fine), nn.GELU(),
            last,
        )  # fmt: skip
        # What is asked for where any mark is: in place of a query's features.
        self.any = nn.Parameter(torch.randn(sum(size.tokens), size.channels) * 0.5)

    def any_query(self) -> torch.Tensor:
        """(T, C): the query that every mark answers."""
        return self.any

    def forward(
        self,
        images: torch.Tensor,
        scenes: torch.Tensor,
        queries: torch.Tensor,
        asks: torch.Tensor,
    ) -> torch.Tensor:
        """Logits of the masks of A questions in B scenes.

        images: (B, 3, H, W) as the backbone is fed
        scenes: (B, C, h, w), their features; queries: (Q, T, C), those of the queries
        asks: (A, 2) int64: number of the scene, number of the query
        result: (A, ceil(H / 4), ceil(W / 4)), float32
        """
        scene, query = asks[:, 0], asks[:, 1]
        seen = _standard(self.scene_norm, scenes.movedim(1, -1))
        asked = _standard(self.query_norm, queries)
        tokens = self.query(asked)[query]
        fused = self.scene(seen).movedim(-1, 1)[scene] + self.likeness(seen, asked, asks)
        for look in self.looks:
            fused = look(fused, tokens)
        fine = self.fine(images)
        gain, shift = self.scale(tokens.mean(1))[..., None, None].chunk(2, dim=1)
        coarse = interpolate(
            self.coarse(fused), fine.shape[2:], mode="bilinear", align_corners=False
        )
        mask: torch.Tensor = self.head(torch.cat([fine[scene] * (1 + gain) + shift, coarse], dim=1))
        return mask[:, 0].float()


def _alike(places: torch.Tensor, tokens: torch.Tensor, asks: torch.Tensor) -> torch.Tensor:
    """(A, T, h * w): products of each question's tokens with the places of its scene.

    places: (B, h * w, c); tokens: (Q, T, c); asks: (A, 2)
    """
    asked = tokens[asks[:, 1]]
    if len(places) == 1:  # as where a mark is looked for: nothing is copied for each question
        return linear(asked, places[0])
    return asked @ places[asks[:, 0]].transpose(1, 2)


def _standard(norm: nn.BatchNorm1d, features: torch.Tensor) -> torch.Tensor:
    """(..., C): each channel less its mean over all pictures, which every place shares."""
    flat = features.reshape(-1, features.shape[-1]).float()
    levelled: torch.Tensor = norm(flat)
    return levelled.reshape(features.shape)
