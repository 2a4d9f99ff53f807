"""What every loss of the registry holds."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.losses.registry import LOSSES, find_loss
from likemark.retrieval.losses.triplet import Triplet

LABELS = torch.tensor([0, 1, 0, 2, 2, 0, 3, 1, 0])
names = pytest.mark.parametrize("name", LOSSES)


def rows_of(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=generator, dtype=torch.float64, requires_grad=True)


def test_losses_are_found_by_name():
    assert set(LOSSES) == {"smooth-ap", "triplet", "supcon"}
    assert find_loss("triplet") == Triplet()
    with pytest.raises(NotFound, match="loss 'arcface': must be one of smooth-ap, triplet, supcon"):
        find_loss("arcface")


@names
def test_a_gradient_is_the_slope(name: str):
    gallery = normalize(rows_of(4, seed=1)).detach()

    def loss(rows: Tensor) -> Tensor:
        return LOSSES[name](normalize(rows), LABELS, gallery, torch.tensor([0, 9, 3, 2]))

    assert torch.autograd.gradcheck(loss, (rows_of(9),), atol=1e-4)


@names
def test_the_order_of_a_batch_does_not_matter(name: str):
    rows, order = normalize(rows_of(9)), torch.tensor([3, 8, 1, 0, 7, 2, 6, 5, 4])
    assert torch.allclose(LOSSES[name](rows[order], LABELS[order]), LOSSES[name](rows, LABELS))


@names
def test_the_mean_over_the_rows_that_ask_is_the_whole(name: str):
    labels = torch.tensor([0, 1, 0, 1, 0, 1, 0, 1])  # each of them has positives and negatives
    rows = normalize(rows_of(8))
    halves = [LOSSES[name](rows, labels, queries=half) for half in (slice(0, 4), slice(4, 8))]
    if name != "triplet":
        assert torch.allclose((halves[0] + halves[1]) / 2, LOSSES[name](rows, labels))
    some = LOSSES[name](rows, labels, queries=torch.tensor([1, 5]))
    assert torch.allclose(some, LOSSES[name](rows, labels, queries=torch.tensor([5, 1])))


@names
@pytest.mark.parametrize("labels", [[0, 1, 2, 3, 4, 5], [7]])
def test_lone_rows_cost_nothing_and_can_be_differentiated(name: str, labels: list[int]):
    rows = torch.eye(6, requires_grad=True)
    loss = LOSSES[name](rows[: len(labels)], torch.tensor(labels))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-6)
    assert rows.grad is not None
    assert rows.grad.abs().max() < 1e-6


@names
def test_the_gallery_counts_as_candidates_and_never_asks(name: str):
    rows, gallery = normalize(rows_of(9)), normalize(rows_of(5, seed=1))
    gallery_labels = torch.tensor([0, 2, 9, 9, 1])
    joined = LOSSES[name](
        torch.cat([rows, gallery]), torch.cat([LABELS, gallery_labels]), queries=slice(0, 9)
    )
    assert torch.allclose(LOSSES[name](rows, LABELS, gallery, gallery_labels), joined)


@names
def test_a_loss_is_a_value(name: str):
    loss = LOSSES[name]
    field = "margin" if name == "triplet" else "temperature"
    assert replace(loss, **{field: 0.4}) != loss  # type: ignore[type-var]
    with pytest.raises(FrozenInstanceError):
        setattr(loss, field, 0.4)


@names
def test_similarities_are_float32_under_bfloat16(name: str):
    rows = normalize(rows_of(9)).detach().float()
    with torch.autocast("cpu", torch.bfloat16):
        loss = LOSSES[name](rows, LABELS)
    assert loss.dtype == torch.float32
    assert torch.allclose(loss, LOSSES[name](rows, LABELS))


def test_batches_that_do_not_fit_are_refused():
    rows, loss = rows_of(9), LOSSES["smooth-ap"]
    with pytest.raises(InvalidInput, match=r"labels \(8,\) for rows \(9, 5\)"):
        loss(rows, LABELS[:8])
    with pytest.raises(InvalidInput, match="give both or neither"):
        loss(rows, LABELS, rows)
    with pytest.raises(InvalidInput, match=r"gallery_labels \(9,\) for rows \(3, 5\)"):
        loss(rows, LABELS, rows[:3], LABELS)
    with pytest.raises(InvalidInput, match="gallery of 4 dimensions: the batch has 5"):
        loss(rows, LABELS, rows[:, :4], LABELS)
    with pytest.raises(InvalidInput, match="no query"):
        loss(rows[:0], LABELS[:0])
    with pytest.raises(InvalidInput, match="no query"):
        loss(rows, LABELS, queries=slice(0, 0))
