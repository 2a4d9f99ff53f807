"""What a training starts from: a file of weights, or a model; and the card that follows of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.training import settings

from likemark.db.errors import InvalidInput, ModelError
from likemark.retrieval.models import FoundModel, find_model
from likemark.retrieval.training.config import Network
from likemark.retrieval.training.start import starting_card, starting_network


def network(weights: object, **more: Any) -> Network:
    return Network(**{
        "backbone": "test_vit", "size": 64, "dimension": 16, "weights": str(weights), **more
    })  # fmt: skip


def test_weights_fill_the_backbone_at_another_size(weights: Path) -> None:
    wanted = network(weights)
    card = starting_card(wanted, name="mine")
    made = starting_network(card, wanted, seed=0)
    stored = load_file(weights)
    assert torch.equal(made.backbone.state_dict()["norm.weight"], stored["norm.weight"])
    assert made.backbone.state_dict()["pos_embed"].shape != stored["pos_embed"].shape
    assert made(torch.zeros(2, 3, 64, 64)).shape == (2, 16)


def test_the_head_is_a_function_of_the_seed(weights: Path) -> None:
    wanted = network(weights)
    card = starting_card(wanted, name="mine")
    heads = [starting_network(card, wanted, seed=n).projection.weight for n in (0, 0, 1)]
    assert torch.equal(heads[0], heads[1])
    assert not torch.equal(heads[0], heads[2])


def test_a_model_of_timms_form_gives_its_backbone(tiny: FoundModel) -> None:
    wanted = network(tiny.folder / "tiny.json", backbone="test_resnet")
    made = starting_network(starting_card(wanted, name="mine"), wanted, seed=0)
    stored = load_file(tiny.folder / "tiny.safetensors")
    assert torch.equal(
        made.backbone.state_dict()["conv1.0.weight"], stored["conv1.0.weight"].float()
    )


def test_a_model_may_be_named_and_decides_on_licence_and_colours() -> None:
    shipped = find_model()
    wanted = network("default", backbone=shipped.card.backbone)
    card = starting_card(wanted, name="mine")
    assert (card.licence, card.mean, card.std) == (
        shipped.card.licence, shipped.card.mean, shipped.card.std
    )  # fmt: skip


def test_a_model_with_another_backbone_is_refused(tiny: FoundModel) -> None:
    with pytest.raises(ModelError, match=r"has the backbone 'test_resnet', network.backbone is"):
        starting_card(network(tiny.folder / "tiny.json"), name="mine")


@pytest.mark.parametrize(
    ("changed", "said"),
    [({"backbone": "no_such_net"}, "'no_such_net' is not one of timm's"),
     ({"pooling": "median"}, "network.pooling 'median' must be some of")],
)  # fmt: skip
def test_what_cannot_be_built_is_refused(weights: Path, changed: dict[str, str], said: str) -> None:
    with pytest.raises(InvalidInput, match=said):
        starting_card(replace(network(weights), **changed), name="mine")


def test_weights_that_cannot_be_used_are_named(weights: Path, tmp_path: Path) -> None:
    stored = load_file(weights)
    files = {"none": None, "lacking": dict(list(stored.items())[:5]),
             "other": {**stored, "norm.weight": torch.zeros(3)}}  # fmt: skip
    said = {"none": "no such file", "lacking": "lack", "other": "do not fit"}
    for name, tensors in files.items():
        path = tmp_path / f"{name}.safetensors"
        if tensors is not None:
            save_file(tensors, path)
        wanted = network(path)
        card = starting_card(wanted, name="mine")
        with pytest.raises(ModelError, match=said[name]):
            starting_network(card, wanted, seed=0)


def test_settings_name_the_weights(brands: Path, weights: Path) -> None:
    assert settings(brands, weights).network.weights == str(weights)
