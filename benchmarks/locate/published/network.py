"""The published architecture: a query's vector, met at five scales by a U-Net over the scene.

As published (the paper, and its authors' code, whose sigmoid the paper misprints as a softmax):
  - target 256 x 256 px, query 64 x 64 px;
  - segmentation branch as VGG-13's ten convolutions, 3 x 3, ReLU, no normalisation, max pooling;
  - conditional branch of seven such, pooled to 2 x 2, then a 2 x 2 convolution to one vector;
  - the vector tiled beside pool5, and beside conv5_2, conv4_2, conv3_2 and conv2_2, where a 1 x 1
    convolution compares both; the result beside the map from below, two 3 x 3 convolutions, and a
    transposed one of stride 2 with ReLU, up to 256 px; a last 3 x 3 convolution to one logit;
  - pixel-wise binary cross-entropy; random weights at the start.
Chosen here:
  - `width`: the published 64 channels at the first scale are 35.7 million parameters; all channels
    shrink with it in the published ratios, to 2.2 million at 16;
  - He's initialisation, in place of one that lets the signal fade in twenty layers of ReLU: it
    shortens the training, the function is the same.
What is known of it (its issue tracker, and others' copies): a training that does not punish it
answers the same mask whatever the query is.

W: `width`; B: scenes; Q: queries; A: questions; s: side of a map, px.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import interpolate, relu

from likemark.db.errors import ModelDamaged

SCENE, QUERY = 256, 64  # px, sides of the squares that it sees
PUBLISHED = 64  # width
_SCALES = (1, 2, 4, 8, 8)  # channels of the segmentation branch at 256, 128, ... 16 px, over W
_PAIRS = (True, True, False, False, False)  # which stages of the conditional branch have two
_VECTOR = 8  # of the query's vector, over W


class Published(nn.Module):
    def __init__(self, width: int) -> None:
        """width: W, even"""
        super().__init__()
        self.width = width
        channels = [scale * width for scale in _SCALES]
        vector = _VECTOR * width
        self.segmentation = nn.ModuleList(
            _convolutions(before, after, 2) for before, after in pairwise((3, *channels))
        )
        stages = zip(pairwise(_query_channels(width)), _PAIRS, strict=True)
        self.conditional = nn.ModuleList(
            _convolutions(before, after, 1 + is_pair) for (before, after), is_pair in stages
        )
        self.vector = nn.Conv2d(vector, vector, 2)
        self.lowest = _Up(channels[-1] + vector, channels[-1])
        self.fuse = nn.ModuleList()
        self.up = nn.ModuleList()
        below = channels[-1]
        # The skip of a scale is compared at the channels of the scale above it.
        for skip, fused in pairwise(reversed(channels)):
            self.fuse.append(Compare(skip, vector, fused))
            self.up.append(_Up(below + fused, fused))
            below = fused
        self.last = nn.Conv2d(below, 1, 3, padding=1)
        _begin(self)

    def forward(
        self, scenes: torch.Tensor, queries: torch.Tensor, asks: torch.Tensor
    ) -> torch.Tensor:
        """Logits of the masks of A questions in B scenes.

        scenes: (B, 3, 256, 256); queries: (Q, 3, 64, 64), both from 0 to 1
        asks: (A, 2) int64: number of the scene, number of the query
        result: (A, 256, 256), float32
        """
        return self.answer(self.of_scenes(scenes), self.of_queries(queries), asks)

    def of_scenes(self, scenes: torch.Tensor) -> list[torch.Tensor]:
        """What does not depend on the query: pool5, conv5_2, conv4_2, conv3_2 and conv2_2.

        scenes: (B, 3, 256, 256); result: (B, c, s, s) each, the smallest first
        """
        seen: list[torch.Tensor] = []
        maps = scenes
        for stage in self.segmentation:
            maps = stage(maps)
            seen.append(maps)
            maps = nn.functional.max_pool2d(maps, 2)
        return [maps, *reversed(seen[1:])]

    def of_queries(self, queries: torch.Tensor) -> torch.Tensor:
        """(Q, 3, 64, 64) to (Q, 8 W)."""
        maps = queries
        for stage in self.conditional:
            maps = nn.functional.max_pool2d(stage(maps), 2)
        return relu(self.vector(maps)).flatten(1)

    def answer(
        self, seen: list[torch.Tensor], vectors: torch.Tensor, asks: torch.Tensor
    ) -> torch.Tensor:
        """seen, vectors: as `of_scenes` and `of_queries` give them; else as `forward`."""
        scene, query = asks[:, 0], asks[:, 1]
        deepest, *skips = seen
        tiled = vectors[query][..., None, None].expand(-1, -1, *deepest.shape[2:])
        maps = self.lowest(torch.cat([deepest[scene], tiled], dim=1))
        for skip, fuse, up in zip(skips, self.fuse, self.up, strict=True):
            maps = up(torch.cat([maps, fuse(skip, vectors, asks)], dim=1))
        logits: torch.Tensor = self.last(maps)
        return logits[:, 0].float()


class Compare(nn.Module):
    """The 1 x 1 convolution over a map and the tiled vector, ReLU; the map's part is found once
    for all questions of its scene, which is the same sum in another order."""

    def __init__(self, skip: int, vector: int, fused: int) -> None:
        super().__init__()
        self.map = nn.Conv2d(skip, fused, 1)
        self.vector = nn.Linear(vector, fused, bias=False)

    def forward(
        self, skip: torch.Tensor, vectors: torch.Tensor, asks: torch.Tensor
    ) -> torch.Tensor:
        """skip: (B, c, s, s); vectors: (Q, v); asks: (A, 2); result: (A, f, s, s)."""
        there, own = self.map(skip), self.vector(vectors)
        return relu(there[asks[:, 0]] + own[asks[:, 1]][..., None, None])


class _Up(nn.Sequential):
    """Two 3 x 3 convolutions and a transposed one to twice the side, each with ReLU."""

    def __init__(self, before: int, after: int) -> None:
        up = nn.ConvTranspose2d(after, after, 3, stride=2, padding=1, output_padding=1)
        super().__init__(*_convolutions(before, after, 2), up, nn.ReLU())


def load_published(weights: Mapping[str, torch.Tensor]) -> Published:
    """The network of these weights, in evaluation mode. Raises ModelDamaged where they are not
    such a network's."""
    try:
        first = weights["segmentation.0.0.weight"]
        network = Published(len(first)).eval()
        network.load_state_dict({key: value.float() for key, value in weights.items()})
    except (KeyError, RuntimeError) as error:
        raise ModelDamaged(f"no weights of the published network: {error}") from error
    return network


def squashed(pixels: torch.Tensor, side: int) -> torch.Tensor:
    """Whatever its aspect, to a square, as published. (N, H, W, 3) uint8 to (N, 3, side, side)."""
    images = pixels.movedim(-1, 1).float() / 255
    if images.shape[2:] == (side, side):
        return images
    return interpolate(images, (side, side), mode="bilinear", antialias=True)


def _query_channels(width: int) -> tuple[int, ...]:
    return 3, width // 2, width, 2 * width, 4 * width, _VECTOR * width


def _convolutions(before: int, after: int, count: int) -> nn.Sequential:
    return nn.Sequential(*_layers(before, after, count))


def _layers(before: int, after: int, count: int) -> Iterator[nn.Module]:
    for number in range(count):
        yield nn.Conv2d(after if number else before, after, 3, padding=1)
        yield nn.ReLU()


def _begin(network: Published) -> None:
    """He's: each place's sum has the variance of its inputs."""
    for module in network.modules():
        if isinstance(module, nn.Conv2d):
            _draw(module, module.in_channels * module.kernel_size[0] ** 2)
        elif isinstance(module, nn.ConvTranspose2d):  # of its nine weights 9 / 4 meet in a place
            _draw(module, module.in_channels * 9 / 4)
    for compare in network.fuse:
        assert isinstance(compare, Compare)
        both = compare.map.in_channels + compare.vector.in_features
        _draw(compare.map, both)
        _draw(compare.vector, both)


def _draw(module: nn.Conv2d | nn.ConvTranspose2d | nn.Linear, inputs: float) -> None:
    nn.init.normal_(module.weight, std=(2 / inputs) ** 0.5)
    if module.bias is not None:
        nn.init.zeros_(module.bias)
