"""A model that came as bytes is the one that its folder holds."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.torch import save

from likemark.db.errors import ModelDamaged
from likemark.retrieval.distributed.sent import network_from_bytes
from likemark.retrieval.embedder import network_of
from likemark.retrieval.models import FoundModel


@pytest.fixture
def files(tiny: FoundModel) -> list[NDArray[np.uint8]]:
    return [np.fromfile(tiny.folder / name, np.uint8) for name, _ in tiny.card.files]


def test_the_network_has_the_weights_of_the_files(
    tiny: FoundModel, files: list[NDArray[np.uint8]]
) -> None:
    found = network_from_bytes(tiny.card, files).state_dict()
    torch.testing.assert_close(dict(found), dict(network_of(tiny).state_dict()), rtol=0, atol=0)


def test_bytes_that_are_not_the_cards_are_refused(
    tiny: FoundModel, files: list[NDArray[np.uint8]]
) -> None:
    with pytest.raises(ModelDamaged, match=r"tiny\.safetensors changed on its way"):
        network_from_bytes(tiny.card, [files[0][:-1]])


@pytest.mark.parametrize("data", [b"no safetensors", save({"other": torch.zeros(1)})])
def test_weights_that_do_not_fit_are_refused(tiny: FoundModel, data: bytes) -> None:
    card = replace(tiny.card, sha256=hashlib.sha256(data).hexdigest())
    with pytest.raises(ModelDamaged, match=r"tiny\.safetensors does not fit"):
        network_from_bytes(card, [np.frombuffer(data, np.uint8)])
