"""The CNN of the package imagededup: MobileNetV3-small, pooled, 576 dimensions."""

from __future__ import annotations

import hashlib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals.foreign import foreign_encoder
from likemark.benchmarks.rivals.hub import Unreachable
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.db.errors import one_line

if TYPE_CHECKING:
    import torch

NAME = "imagededup CNN"
SIZE = 224  # px, the whole square: the package's own crop would cut a mark's edges


def load_dedup(*, device: str, unreachable: Unreachable) -> ModelEncoder:
    """Raises RivalUnavailable. The weights are in torch's cache, else the package fetches them."""
    try:
        package: Any = import_module("imagededup.utils.models")  # it need not be there
    except ImportError as error:
        raise RivalUnavailable("needs the package imagededup: pip install imagededup") from error
    url = _weights_url()
    reason = None if _cached(url).is_file() else unreachable(url)
    if reason:
        raise RivalUnavailable(f"{reason}, and torch's cache does not hold {_cached(url).name}")
    try:
        network: torch.nn.Module = package.MobilenetV3()
    except (OSError, RuntimeError) as error:
        raise RivalUnavailable(f"{url}: {one_line(str(error), limit=120)}") from error
    return foreign_encoder(
        NAME, network, size=SIZE, sha256=state_hash(network), licence="BSD-3-Clause", device=device
    )


def state_hash(network: torch.nn.Module) -> str:
    """Equal for networks of equal tensors: 64 hexadecimal digits."""
    digest = hashlib.sha256()
    for key, value in sorted(network.state_dict().items()):
        digest.update(f"{key}{tuple(value.shape)}".encode())
        digest.update(value.cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()


def _weights_url() -> str:
    from torchvision.models import (  # type: ignore[import-untyped]
        MobileNet_V3_Small_Weights,
    )

    return str(MobileNet_V3_Small_Weights.IMAGENET1K_V1.url)


def _cached(url: str) -> Path:
    import torch

    return Path(torch.hub.get_dir(), "checkpoints", url.rsplit("/", 1)[-1])
