"""Leaving patches out: in training alone, in none of its last steps, and by vision transformers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from support.training import pixels

from likemark.db.errors import InvalidInput
from likemark.retrieval.network import Input, MarkNetwork, build_network
from likemark.retrieval.training.config import Network
from likemark.retrieval.training.patches import dropped_at, leaves_out, let_drop, set_dropped
from likemark.retrieval.training.start import starting_card, starting_network


def test_a_network_sees_all_patches_but_in_training(weights: Path) -> None:
    wanted = Network("test_vit", str(weights), size=64, pooling="token+avg", dimension=16)
    card = starting_card(wanted, name="mine")
    network, images = starting_network(card, wanted, seed=0).eval(), Input(card)(pixels(2))
    whole = network(images)
    let_drop(network)
    set_dropped(network, 0.5)
    assert torch.equal(network(images), whole)
    seen: list[int] = []
    network.pooling.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape[1]))
    network.train()
    assert not torch.allclose(network(images), whole)
    set_dropped(network, 0.0)
    assert torch.allclose(network(images), whole, atol=1e-5)
    assert seen == [1 + 8, 1 + 16]  # of 16 patches, beside the class token


@pytest.mark.parametrize(
    ("rates", "draws"),
    [({}, False), ({"drop_path_rate": 0.1}, True), ({"proj_drop_rate": 0.1}, True),
     ({"patch_drop_rate": 0.1}, True)],
    ids=str,
)  # fmt: skip
def test_a_network_that_leaves_something_out_at_random_is_known(
    rates: dict[str, Any], draws: bool
) -> None:
    assert leaves_out(timm.create_model("test_vit", num_classes=0, **rates)) == draws


def test_other_networks_are_refused() -> None:
    wanted = Network("test_resnet", size=64, dimension=16)
    network = build_network(starting_card(wanted, name="mine"))
    assert isinstance(network, MarkNetwork)
    with pytest.raises(InvalidInput, match=r"network\.patch_drop: only vision transformers"):
        let_drop(network)


def test_the_last_steps_leave_nothing_out() -> None:
    steps = [dropped_at(step, steps=10, share=0.5, whole=0.2) for step in range(10)]
    assert steps == [0.5] * 8 + [0.0] * 2
    assert dropped_at(9, steps=10, share=0.5, whole=0.0) == 0.5
    assert dropped_at(0, steps=10, share=0.5, whole=1.0) == 0.0
