"""Triplet and supervised contrastive losses against slow, plain references."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.supcon import SupCon
from likemark.retrieval.losses.triplet import Mining, Triplet

names_of_rows = st.lists(st.integers(0, 4), min_size=1, max_size=12)
names_of_gallery = st.lists(st.integers(0, 5), max_size=6)
seeds = st.integers(0, 999)


def unit(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(count, 6, generator=generator, dtype=torch.float64))


class Batch:
    """Rows, labels and a gallery, and what a loop over queries needs of them."""

    def __init__(self, names: list[int], others: list[int], seed: int) -> None:
        rows, gallery = unit(len(names), seed), unit(len(others), seed + 1)
        self.given = (rows, torch.tensor(names), gallery, torch.tensor(others, dtype=torch.int64))
        self.sims = (rows @ torch.cat([rows, gallery]).T).tolist()
        self.queries = range(len(names))
        self.names = names + others

    def positives(self, query: int) -> list[int]:
        everyone = range(len(self.names))
        return [j for j in everyone if j != query and self.names[j] == self.names[query]]

    def negatives(self, query: int) -> list[int]:
        return [j for j in range(len(self.names)) if self.names[j] != self.names[query]]


def mean(values: list[float]) -> float:
    return sum(values) / len(values) if values else 0.0


@given(names_of_rows, names_of_gallery, seeds, st.sampled_from([0.05, 0.2, 1.0]))
def test_hard_mining_takes_the_farthest_positive_and_the_nearest_negative(
    names: list[int], others: list[int], seed: int, margin: float
):
    batch, costs = Batch(names, others, seed), []
    for query in batch.queries:
        near = [1 - batch.sims[query][j] for j in batch.positives(query)]
        far = [1 - batch.sims[query][j] for j in batch.negatives(query)]
        if near and far:
            costs.append(max(0, margin + max(near) - min(far)))
    assert Triplet(margin)(*batch.given).item() == pytest.approx(mean(costs))


@given(names_of_rows, names_of_gallery, seeds, st.sampled_from([0.05, 0.2, 1.0]))
def test_semi_hard_mining_takes_the_nearest_negative_beyond_each_positive(
    names: list[int], others: list[int], seed: int, margin: float
):
    batch, costs = Batch(names, others, seed), []
    for query in batch.queries:
        far = [1 - batch.sims[query][j] for j in batch.negatives(query)]
        for j in batch.positives(query) if far else []:
            near = 1 - batch.sims[query][j]
            beyond = [distance for distance in far if distance > near]
            costs.append(max(0, margin + near - min(beyond, default=max(far))))
    loss = Triplet(margin, "semi-hard")(*batch.given)
    assert loss.item() == pytest.approx(mean(costs))


@given(names_of_rows, names_of_gallery, seeds, st.sampled_from([0.07, 0.5]))
def test_supcon_is_its_formula(names: list[int], others: list[int], seed: int, temperature: float):
    batch, costs = Batch(names, others, seed), []
    for query in batch.queries:
        exps = [math.exp(sim / temperature) for sim in batch.sims[query]]
        everything = sum(exps[:query] + exps[query + 1 :])
        costs.append(mean([-math.log(exps[j] / everything) for j in batch.positives(query)]))
    asking = [cost for query, cost in enumerate(costs) if batch.positives(query)]
    assert SupCon(temperature)(*batch.given).item() == pytest.approx(mean(asking))


def test_supcon_of_two_views_of_each_mark_is_infonce():
    first, second = unit(5, 0), unit(5, 1)
    rows, labels = torch.cat([first, second]), torch.arange(10) % 5
    logits = (rows @ rows.T / 0.07).fill_diagonal_(-torch.inf)
    partners = (torch.arange(10) + 5) % 10
    infonce = torch.nn.functional.cross_entropy(logits, partners)
    assert torch.allclose(SupCon()(rows, labels), infonce)


@pytest.mark.parametrize("mining", ["hard", "semi-hard"])
def test_triplets_pull_positives_and_push_negatives(mining: Mining):
    rows = normalize(torch.tensor([[1.0, 0.0], [1.0, 0.5], [1.0, -0.7]])).requires_grad_()
    loss = Triplet(mining=mining)(rows, torch.tensor([0, 0, 1]), queries=slice(0, 1))
    loss.backward()
    assert loss.item() > 0
    assert rows.grad is not None
    assert rows.grad[1, 0] < 0  # towards the query at (1, 0)
    assert rows.grad[2, 0] > 0


def test_a_batch_of_one_label_has_no_triplets():
    rows = unit(4, 0).requires_grad_()
    for mining in ("hard", "semi-hard"):
        loss = Triplet(mining=mining)(rows, torch.zeros(4, dtype=torch.int64))
        loss.backward()
        assert loss.item() == 0


def test_settings_that_cannot_be_are_refused():
    with pytest.raises(InvalidInput, match="temperature 0: give more than 0"):
        SupCon(0)
    with pytest.raises(InvalidInput, match="margin -1: give 0 or more"):
        Triplet(-1)
    with pytest.raises(InvalidInput, match="mining 'easy': must be one of"):
        Triplet(mining="easy")  # type: ignore[arg-type]
