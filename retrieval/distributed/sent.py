"""A model that came as bytes. No file is made of them: a worker may be killed at any moment."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.cards import ModelCard

if TYPE_CHECKING:
    import torch
    from torch import nn


def network_from_bytes(card: ModelCard, files: Sequence[NDArray[np.uint8]]) -> nn.Module:
    """The card's network with its weights, as `network_of` makes it of a folder.

    files: each of the card's weights files whole, (n,) uint8
    Raises ModelDamaged where they are not the card's or do not fit.
    """
    import safetensors
    from safetensors.torch import load

    from likemark.retrieval.network import build_network

    network = build_network(card)
    weights: dict[str, torch.Tensor] = {}
    for (name, sha256), file in zip(card.files, files, strict=True):
        data = file.tobytes()
        if hashlib.sha256(data).hexdigest() != sha256:
            raise card.damaged(f"{name} changed on its way to a worker: run again")
        try:
            weights |= load(data)
        except safetensors.SafetensorError as error:
            raise card.unfit(card.weights, error) from error
    card.put(network, weights, card.weights)
    return network
