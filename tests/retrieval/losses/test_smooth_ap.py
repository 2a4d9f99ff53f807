from __future__ import annotations

import math
from collections.abc import Sequence
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import normalize

from likemark.retrieval.losses.smooth_ap import smooth_ap


def unit(count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return normalize(torch.randn(count, 6, generator=generator, dtype=torch.float64))


def s(difference: float, temperature: float) -> float:
    return 1 / (1 + math.exp(min(max(-difference / temperature, -50), 50)))


def average_precision(
    sims: Sequence[float], positives: Sequence[int], candidates: Sequence[int], temperature: float
) -> float:
    """As printed in the paper, number by number."""
    total = 0.0
    for i in positives:
        among = [s(sims[j] - sims[i], temperature) for j in positives if j != i]
        everywhere = [s(sims[j] - sims[i], temperature) for j in candidates if j != i]
        total += (1 + sum(among)) / (1 + sum(everywhere))
    return total / len(positives)


def by_definition(
    rows: Tensor,
    labels: Tensor,
    gallery: Tensor | None = None,
    gallery_labels: Tensor | None = None,
    *,
    temperature: float = 0.01,
    queries: Sequence[int] | None = None,
    include_self: bool = True,
) -> float:
    everything = rows if gallery is None else torch.cat([rows, gallery])
    named = labels.tolist() + ([] if gallery_labels is None else gallery_labels.tolist())
    sims = (rows.double() @ everything.double().T).tolist()
    found = []
    for query in range(len(rows)) if queries is None else queries:
        candidates = [j for j in range(len(named)) if include_self or j != query]
        positives = [j for j in candidates if named[j] == named[query]]
        if positives:
            found.append(average_precision(sims[query], positives, candidates, temperature))
    return 1 - sum(found) / len(found) if found else 0.0


names_of_rows = st.lists(st.integers(0, 4), min_size=1, max_size=14)


@given(
    names_of_rows,
    st.lists(st.integers(0, 6), max_size=9),
    st.integers(0, 999),
    st.sampled_from([0.01, 0.3]),
    st.booleans(),
)
def test_it_is_the_published_objective_for_any_labels_in_any_order_and_a_gallery(
    names: list[int], others: list[int], seed: int, temperature: float, include_self: bool
):
    gallery_labels = torch.tensor(others, dtype=torch.int64)
    rows, labels = unit(len(names), seed), torch.tensor(names)
    gallery = unit(len(others), seed + 1)
    ours = smooth_ap(
        rows,
        labels,
        temperature=temperature,
        gallery=gallery,
        gallery_labels=gallery_labels,
        include_self=include_self,
    )
    slow = by_definition(
        rows, labels, gallery, gallery_labels, temperature=temperature, include_self=include_self
    )
    assert ours.item() == pytest.approx(slow, abs=1e-12)


@given(names_of_rows, st.integers(0, 999))
def test_it_is_the_published_objective_among_ties(names: list[int], seed: int):
    rows = unit(3, seed)[torch.arange(len(names)) % 3]  # three different rows only
    labels = torch.tensor(names)
    assert smooth_ap(rows, labels).item() == pytest.approx(by_definition(rows, labels), abs=1e-12)


def test_float32_is_near_float64():
    labels = torch.arange(60) % 13
    for seed in range(5):
        rows = unit(60, seed)
        exact = by_definition(rows, labels)
        assert smooth_ap(rows.float(), labels).item() == pytest.approx(exact, abs=1e-4)


@given(names_of_rows, st.integers(0, 999), st.randoms(use_true_random=False))
def test_the_order_of_a_batch_does_not_matter(names: list[int], seed: int, random: Random):
    rows, labels = unit(len(names), seed), torch.tensor(names)
    order = list(range(len(names)))
    random.shuffle(order)
    assert torch.allclose(smooth_ap(rows[order], labels[order]), smooth_ap(rows, labels))


def test_perfect_groups_cost_nothing_in_any_order_and_size():
    rows = torch.eye(16)
    for labels in (torch.arange(64) // 4, torch.arange(64) % 16, torch.arange(64) ** 2 % 16):
        assert smooth_ap(rows[labels], labels).item() == pytest.approx(0, abs=1e-6)


def test_positives_behind_negatives_cost_what_their_ranks_say():
    angles = torch.tensor([0, 90, 18, 108], dtype=torch.float64).deg2rad()
    rows = torch.stack([angles.cos(), angles.sin()], dim=1)
    third, fourth = (1 + 2 / 3) / 2, (1 + 2 / 4) / 2  # the query itself is the first
    average = (third + fourth + fourth + third) / 4
    loss = smooth_ap(rows, torch.tensor([0, 0, 1, 1]), temperature=0.001)
    assert loss.item() == pytest.approx(1 - average)


def test_lone_rows_ask_for_nothing_but_are_negatives_of_the_others():
    rows, labels = torch.eye(8, dtype=torch.float64).requires_grad_(), torch.arange(8)
    alone = smooth_ap(rows, labels)
    alone.backward()
    assert alone.item() == pytest.approx(0, abs=1e-12)
    assert rows.grad is not None
    assert rows.grad.abs().max() < 1e-12
    pair = normalize(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    between = normalize(torch.tensor([[1.0, 0.3]]))
    with_it = smooth_ap(torch.cat([pair, between]), torch.tensor([0, 0, 1]))
    assert smooth_ap(pair, torch.tensor([0, 0])).item() == pytest.approx(0, abs=1e-6)
    assert with_it.item() > 0.1


def test_without_self_a_batch_of_lone_rows_costs_nothing_and_can_be_differentiated():
    rows = unit(6, 0).requires_grad_()
    loss = smooth_ap(rows, torch.arange(6), include_self=False)
    loss.backward()
    assert loss.item() == 0
    assert rows.grad is not None
    assert torch.equal(rows.grad, torch.zeros_like(rows))


def test_queries_are_the_rows_that_ask_and_all_rows_are_candidates():
    rows, labels = unit(12, 3), torch.tensor([0, 1, 2, 0, 1, 2, 0, 0, 3, 1, 4, 4])
    some = [7, 2, 5]
    slow = by_definition(rows, labels, queries=some)
    assert smooth_ap(rows, labels, queries=torch.tensor(some)).item() == pytest.approx(slow)
    halves = [smooth_ap(rows, labels, queries=half) for half in (slice(0, 6), slice(6, 12))]
    assert torch.allclose(sum(halves, torch.zeros(())) / 2, smooth_ap(rows, labels))
