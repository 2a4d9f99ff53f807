"""The network that a training starts from, and the card that its result will have."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from likemark.db.errors import InvalidInput, ModelError, one_line
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.convert import fetched, pretrained_settings
from likemark.retrieval.models import FoundModel, find_model
from likemark.retrieval.network import MarkNetwork, build_network
from likemark.retrieval.poolings import OURS, is_ours, parts
from likemark.retrieval.training.config import Network

INNER = "backbone."  # what the backbone's weights are named with in a whole network's


def starting_card(network: Network, *, name: str) -> ModelCard:
    """The card without weights; those that the training starts from decide on its licence.

    Raises InvalidInput for an unknown backbone or pooling, ModelError for an unknown model.
    """
    try:
        parts(network.pooling)
    except ValueError as error:
        raise InvalidInput(f"network.{error}") from error
    settings = pretrained_settings(network.backbone)
    model = starting_model(network)
    fed: Any = settings if model is None else model.card  # as the weights were pretrained
    return ModelCard(
        name=name,
        backbone=network.backbone.split(".")[0],
        input_size=network.size,
        mean=fed.mean,
        std=fed.std,
        pooling=OURS + network.pooling,
        dimension=network.dimension,
        licence=fed.licence,
        provenance="trained by likemark train",
        weights=f"{name}.safetensors",
        sha256="-",
        colour=network.colour,
        options={"img_size": network.size} if settings.fixed_size else {},
    )


def starting_network(card: ModelCard, network: Network, *, seed: int) -> MarkNetwork:
    """Raises ModelError when the pretrained weights cannot be had or do not fit."""
    torch.manual_seed(seed)
    built = build_network(card)
    assert isinstance(built, MarkNetwork)
    model = starting_model(network)
    if model is None:
        weights = _read(Path(network.weights)) if network.weights else _pretrained(network.backbone)
        fill(built.backbone, weights, network)
    else:
        _go_on(built, card, model, network)
    return built


def starting_model(network: Network) -> FoundModel | None:
    """The likemark model that `weights` names, if it names one and not a file.

    Raises ModelError when there is no such model, or when it has another backbone.
    """
    if not network.weights or network.weights.endswith(".safetensors"):
        return None
    model = find_model(network.weights)
    if model.card.backbone != network.backbone.split(".")[0]:
        raise ModelError(
            f"network.weights: the model {model.card.name} has the backbone "
            f"{model.card.backbone!r}, network.backbone is {network.backbone!r}"
        )
    return model


def _go_on(built: MarkNetwork, card: ModelCard, model: FoundModel, network: Network) -> None:
    """Take the model's backbone, and what follows it where that is of the same form."""
    stored = model.card.read_merged(model.folder)
    weights = {key: value.float() for key, value in stored.items()}
    if not is_ours(model.card.pooling):
        fill(built.backbone, weights, network)
        return
    inner = {k.removeprefix(INNER): v for k, v in weights.items() if k.startswith(INNER)}
    fill(built.backbone, inner, network)
    if (model.card.pooling, model.card.dimension) == (card.pooling, card.dimension):
        head = {k: v for k, v in weights.items() if not k.startswith(INNER)}
        built.load_state_dict(head, strict=False)


def fill(backbone: nn.Module, weights: dict[str, torch.Tensor], network: Network) -> None:
    """Raises ModelError when the weights do not fit."""
    missing, _classifier = _loaded(backbone, weights, network)
    if missing:
        raise ModelError(f"weights of {network.backbone}: lack {len(missing)}, as {missing[0]}")


def _loaded(backbone: nn.Module, weights: dict[str, torch.Tensor], network: Network) -> Any:
    declared: Any = backbone
    if hasattr(declared, "pos_embed"):
        weights = _resampled(declared, weights)
    try:
        return backbone.load_state_dict(weights, strict=False)
    except RuntimeError as error:
        reason = one_line(str(error), limit=200)
        raise ModelError(f"weights of {network.backbone} do not fit: {reason}") from error


def _resampled(backbone: Any, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Position embeddings at the backbone's own grid."""
    from timm.layers.pos_embed import resample_abs_pos_embed

    if "pos_embed" not in weights:
        return weights
    resized = resample_abs_pos_embed(
        weights["pos_embed"],
        new_size=list(backbone.patch_embed.grid_size),
        num_prefix_tokens=0 if backbone.no_embed_class else backbone.num_prefix_tokens,
    )
    return {**weights, "pos_embed": resized}


def _read(path: Path) -> dict[str, torch.Tensor]:
    import safetensors
    from safetensors.torch import load_file

    try:
        stored = load_file(path)
    except FileNotFoundError:
        raise ModelError(f"weights {path}: no such file") from None
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelError(f"weights {path}: {one_line(str(error), limit=200)}") from error
    return {key: value.float() for key, value in stored.items()}


def _pretrained(backbone: str) -> dict[str, torch.Tensor]:
    return dict(fetched(backbone).state_dict())
