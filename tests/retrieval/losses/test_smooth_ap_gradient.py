from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize
from torch.utils._python_dispatch import TorchDispatchMode

from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.smooth_ap import SmoothAP, smooth_ap

LABELS = torch.tensor([0, 1, 0, 2, 2, 0, 3, 1, 0])


def rows_of(count: int, seed: int = 0) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(count, 5, generator=generator, dtype=torch.float64, requires_grad=True)


@pytest.mark.parametrize("include_self", [True, False])
@pytest.mark.parametrize("temperature", [0.05, 0.5])
@pytest.mark.parametrize("chunk", [None, 4])
def test_its_gradient_is_the_slope(include_self: bool, temperature: float, chunk: int | None):
    gallery = normalize(rows_of(4, seed=1)).detach()

    def loss(rows: Tensor) -> Tensor:
        return smooth_ap(
            normalize(rows),
            LABELS,
            temperature=temperature,
            gallery=gallery,
            gallery_labels=torch.tensor([0, 9, 3, 2]),
            queries=torch.tensor([0, 1, 3, 6, 8]),
            chunk=chunk,
            include_self=include_self,
        )

    assert torch.autograd.gradcheck(loss, (rows_of(9),))


def test_its_gradient_is_the_slope_among_ties():
    def loss(rows: Tensor) -> Tensor:
        return smooth_ap(normalize(rows[[0, 0, 1, 1, 2, 2, 0, 1, 2]]), LABELS, temperature=0.1)

    assert torch.autograd.gradcheck(loss, (rows_of(3),))


def test_a_second_derivative_is_refused_rather_than_wrong():
    rows = rows_of(9)
    loss = smooth_ap(normalize(rows), LABELS)
    with pytest.raises(InvalidInput, match="create_graph=True: Smooth-AP has a first derivative"):
        torch.autograd.grad(loss, rows, create_graph=True)


def test_the_gradient_scales_with_what_comes_from_above_and_can_be_asked_for_twice():
    rows = rows_of(9)
    loss = smooth_ap(normalize(rows), LABELS)
    once, thrice = (
        torch.autograd.grad(factor * loss, rows, retain_graph=True)[0] for factor in (1, 3)
    )
    assert torch.allclose(3 * once, thrice)
    assert once.abs().max() > 0


@pytest.mark.parametrize("chunk", [1, 3, 1000])
def test_the_chunk_does_not_change_the_result(chunk: int):
    whole, parts = rows_of(9), rows_of(9)
    losses = (
        smooth_ap(normalize(whole), LABELS),
        smooth_ap(normalize(parts), LABELS, chunk=chunk),
    )
    assert torch.allclose(*losses, rtol=1e-14, atol=1e-14)
    sum(losses, torch.zeros(())).backward()
    assert whole.grad is not None
    assert parts.grad is not None
    assert torch.allclose(whole.grad, parts.grad, rtol=1e-12, atol=1e-14)


def test_a_gallery_gets_no_gradient():
    rows, gallery = rows_of(9), rows_of(4, seed=1)
    smooth_ap(
        normalize(rows), LABELS, gallery=normalize(gallery), gallery_labels=LABELS[:4]
    ).backward()
    assert rows.grad is not None
    assert gallery.grad is None


def test_a_row_learns_from_positives_that_only_the_gallery_has():
    rows = normalize(torch.tensor([[1.0, 0.0], [0.9, 0.3]])).requires_grad_()
    gallery = normalize(torch.tensor([[0.9, -0.31]]))
    labels, gallery_labels = torch.tensor([0, 1]), torch.tensor([0])
    smooth_ap(rows, labels, gallery=gallery, gallery_labels=gallery_labels).backward()
    assert rows.grad is not None
    assert rows.grad[0, 1] > 0  # downhill is towards the positive, away from the negative


def test_similarities_are_float32_under_bfloat16():
    rows = normalize(rows_of(9)).detach().float()
    with torch.autocast("cpu", torch.bfloat16):
        loss = smooth_ap(rows, LABELS)
    assert loss.dtype == torch.float32
    assert torch.equal(loss, smooth_ap(rows, LABELS))
    half = rows.bfloat16().requires_grad_()
    loss = smooth_ap(half, LABELS)
    loss.backward()
    assert torch.equal(loss, smooth_ap(half.detach().float(), LABELS))
    assert half.grad is not None
    assert half.grad.dtype == torch.bfloat16
    assert half.grad.isfinite().all()


def test_a_network_learns_under_bfloat16():
    torch.manual_seed(0)
    labels = torch.arange(24) % 6
    pictures = torch.eye(6)[labels] + 0.5 * torch.randn(24, 6)
    network = torch.nn.Linear(6, 4)
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    losses = []
    for _ in range(60):
        with torch.autocast("cpu", torch.bfloat16):
            loss = smooth_ap(normalize(network(pictures)), labels, temperature=0.05)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.7 * losses[0]


class Sizes(TorchDispatchMode):
    """How many numbers each operation inside makes."""

    def __init__(self) -> None:
        super().__init__()
        self.made: list[int] = []

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(result, Tensor) and not func._schema.is_mutable:
            self.made.append(result.numel())
        return result


def test_only_the_rows_of_positive_pairs_are_computed_a_chunk_at_a_time():
    rows = normalize(torch.randn(128, 8)).requires_grad_()
    labels = torch.arange(128) % 32
    with Sizes() as sizes:
        smooth_ap(rows, labels, chunk=16).backward()
    assert max(sizes.made) == 128 * 128  # never one of 128 x 128 x 128, or 512 x 128
    assert sum(sizes.made) < 128**3 / 2  # of all operations together


@pytest.mark.parametrize("settings", [{"temperature": 0.0}, {"temperature": -1.0}, {"chunk": 0}])
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]):
    with pytest.raises(InvalidInput, match="give more than 0"):
        SmoothAP(**settings)
    with pytest.raises(InvalidInput, match="give more than 0"):
        smooth_ap(rows_of(2), LABELS[:2], **settings)


def test_a_value_of_settings_does_what_the_function_does():
    rows = normalize(rows_of(9))
    loss = SmoothAP(temperature=0.2, chunk=2, include_self=False)
    same = smooth_ap(rows, LABELS, temperature=0.2, chunk=2, include_self=False)
    assert torch.equal(loss(rows, LABELS), same)
