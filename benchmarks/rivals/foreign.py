"""A network that timm does not build, run as likemark's own models are. S: px; D: dimensions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.db.errors import one_line
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import choose_device
from likemark.retrieval.embedder import Embedder

if TYPE_CHECKING:
    import torch

Triple = tuple[float, float, float]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def foreign_encoder(
    name: str, network: torch.nn.Module, *, size: int, sha256: str, licence: str, device: str,
    mean: Triple = IMAGENET_MEAN,
    std: Triple = IMAGENET_STD,
) -> ModelEncoder:  # fmt: skip
    """network: (B, 3, S, S) -> (B, D). sha256: of its weights. mean, std: of RGB in 0..1.

    Raises RivalUnavailable when it does not give vectors.
    """
    where = choose_device(device)
    card = ModelCard(
        name=name,
        backbone=type(network).__name__,
        input_size=size,
        mean=mean,
        std=std,
        pooling="its own",
        dimension=_dimension(name, network, size),
        licence=licence,
        provenance=name,
        weights=f"{sha256}.safetensors",  # never read: the network holds its weights already
        sha256=sha256,
    )
    return ModelEncoder(Embedder(card, network, where), name)


def _dimension(name: str, network: torch.nn.Module, size: int) -> int:
    import torch

    try:
        with torch.inference_mode():
            shape = network.eval()(torch.zeros(1, 3, size, size)).shape
    except (RuntimeError, AttributeError, TypeError) as error:
        raise RivalUnavailable(
            f"{name}: does not run: {one_line(str(error), limit=200)}"
        ) from error
    if len(shape) != 2:
        raise RivalUnavailable(f"{name}: gives {tuple(shape)} for one picture, not (1, D)")
    return int(shape[1])
