"""SSCD (Pizzi et al., CVPR 2022), a ResNet-50 for copy detection, from its TorchScript file."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals.foreign import foreign_encoder
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.db.errors import one_line
from likemark.retrieval.cards import file_sha256

if TYPE_CHECKING:
    import torch

NAME = "SSCD ResNet-50"
FILE = "sscd_disc_mixup.torchscript.pt"
SIZE = 288  # px: its authors' size for the shorter side


def load_sscd(weights: Path | None, *, device: str) -> ModelEncoder:
    """Raises RivalUnavailable: the file comes from the user's folder alone."""
    path = None if weights is None else weights / FILE
    if path is None or not path.is_file():
        raise RivalUnavailable(f"no folder holds {FILE}, and it is not fetched by itself")
    network = _network(path)
    return foreign_encoder(
        NAME, network, size=SIZE, sha256=file_sha256(path), licence="MIT", device=device
    )


def _network(path: Path) -> torch.nn.Module:
    import torch

    torchscript: Any = torch.jit  # untyped
    try:
        with warnings.catch_warnings():
            # TorchScript is deprecated, and the one form in which these weights are published.
            warnings.simplefilter("ignore", FutureWarning)
            network: torch.nn.Module = torchscript.load(path, map_location="cpu")
    except (RuntimeError, ValueError) as error:
        reason = one_line(str(error), limit=120)
        raise RivalUnavailable(f"{path}: not a TorchScript file: {reason}") from error
    return network
