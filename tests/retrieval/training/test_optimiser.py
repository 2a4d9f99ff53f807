"""Rates over the steps and the layers, what is frozen, and the moving average."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from torch import nn

from likemark.retrieval.network import MarkNetwork, Pooling
from likemark.retrieval.training.config import Optimiser
from likemark.retrieval.training.optimiser import (
    follow,
    make_optimiser,
    rate_at,
    set_rate,
    set_training,
)


def network(backbone: str = "test_vit") -> MarkNetwork:
    made = timm.create_model(backbone, num_classes=0)
    prefix = int(getattr(made, "num_prefix_tokens", 0))
    return MarkNetwork(made, Pooling("avg", prefix=prefix), 16)


def test_the_rate_warms_up_then_falls_as_half_a_cosine() -> None:
    rates = [rate_at(step, steps=110, warmup=10) for step in range(110)]
    assert rates[:3] == pytest.approx([0.1, 0.2, 0.3])
    assert (rates[9], rates[10]) == pytest.approx((1, 1))
    assert rates[60] == pytest.approx(0.5)
    assert rates[-1] < 0.001
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_without_warmup_it_begins_at_the_top() -> None:
    assert rate_at(0, steps=10, warmup=0) == 1


def test_head_and_backbone_have_rates_of_their_own_and_deeper_layers_lower_ones() -> None:
    made = network()
    settings = Optimiser(rate=1e-4, head_rate=1e-2, layer_decay=0.5)
    optimiser = make_optimiser(made, settings, freeze=0)
    set_rate(optimiser, 0.5)
    rates = {id(p): group["lr"] for group in optimiser.param_groups for p in group["params"]}
    named = {name: rates[id(p)] for name, p in made.named_parameters()}
    assert named["projection.weight"] == named["norm.bias"] == pytest.approx(5e-3)
    assert named["backbone.norm.weight"] == pytest.approx(5e-5)
    assert named["backbone.blocks.0.norm1.weight"] < named["backbone.blocks.1.norm1.weight"]


def test_biases_and_norms_do_not_decay() -> None:
    made = network()
    optimiser = make_optimiser(made, Optimiser(), freeze=0)
    for group in optimiser.param_groups:
        for parameter in group["params"]:
            assert (group["weight_decay"] > 0) <= (parameter.ndim > 1)
    assert {id(p) for group in optimiser.param_groups for p in group["params"]} == {
        id(p) for p in made.parameters()
    }


def test_frozen_layers_are_not_trained() -> None:
    made = network()
    optimiser = make_optimiser(made, Optimiser(), freeze=2)
    given = {id(p) for group in optimiser.param_groups for p in group["params"]}
    frozen = {name for name, p in made.named_parameters() if not p.requires_grad}
    assert "backbone.patch_embed.proj.weight" in frozen
    assert "backbone.blocks.0.mlp.fc1.weight" in frozen
    assert "projection.weight" not in frozen
    assert given == {id(p) for p in made.parameters() if p.requires_grad}


def test_the_average_follows_fast_at_first_and_slowly_later() -> None:
    average, target = nn.Linear(2, 2), nn.Linear(2, 2)
    nn.init.zeros_(average.weight)
    nn.init.ones_(target.weight)
    early, late = copy.deepcopy(average), copy.deepcopy(average)
    follow(early, target, step=0, decay=0.99)
    follow(late, target, step=100_000, decay=0.99)
    assert early.weight.detach().numpy() == pytest.approx(0.9)
    assert late.weight.detach().numpy() == pytest.approx(0.01, abs=1e-5)


def test_what_is_counted_and_not_learned_is_taken_over_as_it_is() -> None:
    average, target = nn.BatchNorm1d(2), nn.BatchNorm1d(2)
    target(torch.randn(8, 2) + 5)
    follow(average, target, step=100, decay=0.99)
    for kept, given in zip(average.buffers(), target.buffers(), strict=True):
        assert torch.equal(kept, given)


def test_batch_norm_keeps_the_statistics_that_it_came_with() -> None:
    made = network("test_resnet")
    before = {key: value.clone() for key, value in made.named_buffers()}
    set_training(made)
    made(torch.randn(4, 3, 64, 64))
    assert made.training
    assert all(torch.equal(before[key], value) for key, value in made.named_buffers())
