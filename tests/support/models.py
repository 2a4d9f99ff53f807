"""A real model that runs in milliseconds: timm's own test backbones with fixed random weights."""

from __future__ import annotations

from pathlib import Path

import timm
import torch
from safetensors.torch import save_file

from likemark.retrieval.convert import add_model
from likemark.retrieval.models import FoundModel


def tiny_model(
    folder: Path, *, name: str = "tiny", seed: int = 0, backbone: str = "test_resnet"
) -> FoundModel:
    folder.mkdir(parents=True, exist_ok=True)
    weights = folder / f"{name}-source.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = timm.create_model(backbone, num_classes=0)
    # Fresh batch-norm statistics would let every picture look alike.
    state = {key: value.contiguous() for key, value in network.state_dict().items()}
    save_file(state, weights)
    model = add_model(backbone, folder, weights=weights, name=name, provenance="random")
    weights.unlink()
    return model
