"""Makes a model (safetensors and card) from a timm backbone and its pretrained weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likemark.db.errors import InvalidInput, ModelError, one_line
from likemark.retrieval.cards import ModelCard, file_sha256
from likemark.retrieval.models import FoundModel

if TYPE_CHECKING:
    import torch


# timm writes licences in lower case.
SPDX = {"apache-2.0": "Apache-2.0", "mit": "MIT", "bsd-3-clause": "BSD-3-Clause"}


def add_model(
    backbone: str, folder: Path, *, weights: Path | None = None, name: str | None = None,
    grey: bool = False,
    provenance: str = "",
) -> FoundModel:  # fmt: skip
    """Write NAME.safetensors (float16) and NAME.json into a folder.

    backbone: timm's name, with or without a tag. weights: a safetensors file with timm's keys; by
    default timm fetches the tag's own, which needs a network. Raises InvalidInput for an unknown
    backbone, ModelError when the weights cannot be had or do not fit.
    """
    card = _card(backbone, name or backbone.split(".")[0].replace("_", "-"), provenance)
    from likemark.retrieval.network import build_network

    card = replace(card, colour="grey" if grey else "rgb")
    network = build_network(card) if weights else fetched(backbone)
    if weights:
        _fill(network, weights)
    folder.mkdir(parents=True, exist_ok=True)
    _store(network, folder / card.weights)
    card = replace(card, sha256=file_sha256(folder / card.weights))
    card.write(folder / f"{card.name}.json")
    return FoundModel(card, folder)


def _card(backbone: str, name: str, provenance: str) -> ModelCard:
    import timm

    from likemark.retrieval.network import dimension_of

    settings = pretrained_settings(backbone)
    network = timm.create_model(backbone, num_classes=0)
    return ModelCard(
        name=name,
        backbone=backbone.split(".")[0],
        input_size=settings.size,
        mean=settings.mean,
        std=settings.std,
        pooling=_pooling(network),
        dimension=dimension_of(network),
        licence=settings.licence,
        provenance=provenance or f"timm {backbone}",
        weights=f"{name}.safetensors",
        sha256="-",
    )


@dataclass(frozen=True, slots=True)
class PretrainedSettings:
    """How timm's pretrained weights of a backbone are to be fed."""

    size: int  # px
    mean: tuple[float, float, float]  # of RGB in 0..1
    std: tuple[float, float, float]
    licence: str  # SPDX
    fixed_size: bool  # the backbone must be built for another size


def pretrained_settings(backbone: str) -> PretrainedSettings:
    """backbone: timm's name, with or without a tag. Raises InvalidInput for an unknown one."""
    import timm

    if not timm.is_model(backbone):
        like = (
            ", ".join(timm.list_models(f"*{backbone.split('_')[0]}*")[:5]) or "timm.list_models()"
        )
        raise InvalidInput(f"backbone {backbone!r} is not one of timm's; near it: {like}")
    config: Any = timm.get_pretrained_cfg(backbone, allow_unregistered=False)
    return PretrainedSettings(
        size=int(config.input_size[-1]),
        mean=tuple(config.mean),
        std=tuple(config.std),
        licence=SPDX.get(config.license, config.license or "unknown"),
        fixed_size=bool(config.fixed_input_size),
    )


def _pooling(network: torch.nn.Module) -> str:
    pooling = getattr(network, "global_pool", None)
    return pooling if isinstance(pooling, str) and pooling else "avg"


def fetched(backbone: str) -> torch.nn.Module:
    """timm's own weights. Raises ModelError without a network."""
    import timm

    try:
        network: torch.nn.Module = timm.create_model(backbone, pretrained=True, num_classes=0)
    except Exception as error:  # the hub's client raises errors of many libraries
        raise ModelError(
            f"backbone {backbone!r}: its weights cannot be fetched "
            f"({one_line(str(error), limit=120)}); give a local file with --weights"
        ) from error
    return network


def _fill(network: torch.nn.Module, weights: Path) -> None:
    import safetensors
    from safetensors.torch import load_file

    try:
        missing, _classifier = network.load_state_dict(load_file(weights), strict=False)
    except (OSError, safetensors.SafetensorError, RuntimeError) as error:
        raise ModelError(f"weights {weights}: {one_line(str(error), limit=200)}") from error
    if missing:
        raise ModelError(f"weights {weights}: lacks {len(missing)} tensors, such as {missing[0]}")


def _store(network: torch.nn.Module, path: Path) -> None:
    from safetensors.torch import save_file

    save_file(halves(network.state_dict()), path)
    path.chmod(0o644)  # it is written readable by its owner alone


def halves(weights: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """As models are stored: in float16, but for whole numbers."""
    return {
        key: (value.half() if value.is_floating_point() else value).contiguous()
        for key, value in weights.items()
    }
