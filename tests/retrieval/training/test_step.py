"""One step: two passes give the gradient of one, earlier rows rank beside the batch's."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from support.training import pixels
from torch import nn

from likemark.retrieval.losses.registry import find_loss
from likemark.retrieval.training.step import Gallery, backward, unit

GROUPS = torch.tensor([0, 0, 0, 1, 1, 1, 2, 2, 2, 3])
SEED = 5, 0, 0  # the run's, the step, the process


class Small(nn.Module):
    def __init__(self, *, dropout: float = 0.0) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Linear(192, 32), nn.Dropout(dropout), nn.Linear(32, 8))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        rows: torch.Tensor = self.layers(images.flatten(1).float() / 255)
        return unit(rows)

    def gradient(self) -> torch.Tensor:
        return torch.cat([p.grad.flatten() for p in self.parameters() if p.grad is not None])


def gallery(most: int) -> Gallery:
    return Gallery.empty(most, 8, torch.device("cpu"))


def step(
    network: Small, *, chunk: int = 0, name: str = "smooth-ap", earlier: Gallery | None = None
) -> float:
    rows = gallery(0) if earlier is None else earlier
    loss = find_loss(name)
    return backward(network, loss, pixels(10, 8), GROUPS, rows, chunk=chunk, seed=SEED)


@pytest.mark.parametrize("name", ["smooth-ap", "supcon", "triplet"])
@pytest.mark.parametrize("chunk", [1, 3, 5, 9])
def test_two_passes_give_the_gradient_of_one(name: str, chunk: int) -> None:
    whole, parts = Small(), Small()
    assert step(whole, name=name) == pytest.approx(step(parts, name=name, chunk=chunk), rel=1e-5)
    assert whole.gradient().abs().max() > 1e-4
    torch.testing.assert_close(whole.gradient(), parts.gradient(), rtol=1e-4, atol=1e-6)


def drawn(network: Small, *, chunk: int, seed: tuple[int, ...]) -> list[float]:
    """The first number that each pass of each chunk draws."""
    numbers: list[float] = []

    def embed(images: torch.Tensor) -> torch.Tensor:
        with torch.random.fork_rng():
            numbers.append(float(torch.rand(())))
        rows: torch.Tensor = network(images)
        return rows

    loss = find_loss("smooth-ap")
    backward(embed, loss, pixels(10, 8), GROUPS, gallery(0), chunk=chunk, seed=seed)
    return numbers


def test_both_passes_draw_the_same_dropout() -> None:
    network, chunk = Small(dropout=0.5), 4
    numbers = drawn(network, chunk=chunk, seed=SEED)
    assert numbers[:3] == numbers[3:]
    reference = Small(dropout=0.5)
    rows = []
    for number, part in enumerate(torch.split(pixels(10, 8), chunk)):
        entropy = np.random.SeedSequence((*SEED, number))
        torch.manual_seed(int(entropy.generate_state(1, np.uint64)[0]))
        rows.append(reference(part))
    torch.autograd.backward(find_loss("smooth-ap")(torch.cat(rows), GROUPS))
    torch.testing.assert_close(network.gradient(), reference.gradient(), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("chunk", [0, 3])
def test_no_two_chunks_steps_or_processes_draw_the_same(chunk: int) -> None:
    seeds = [(seed, step, rank) for seed in range(2) for step in range(4) for rank in range(3)]
    numbers = [each for seed in seeds for each in drawn(Small(), chunk=chunk, seed=seed)]
    assert len(set(numbers)) == len(seeds) * (4 if chunk else 1)


def test_a_step_is_a_function_of_its_seed() -> None:
    one, two = Small(dropout=0.5), Small(dropout=0.5)
    torch.manual_seed(99)
    step(one)
    torch.manual_seed(7)
    step(two)
    assert torch.equal(one.gradient(), two.gradient())


def test_the_gallery_keeps_the_latest_rows() -> None:
    kept = gallery(12)
    for _ in range(2):
        step(Small(), earlier=kept)
    assert kept.groups.tolist() == [*GROUPS.tolist()[-2:], *GROUPS.tolist()]
    assert not kept.rows.requires_grad
    torch.testing.assert_close(kept.rows[-10:], Small()(pixels(10, 8)).detach())


def test_rows_of_earlier_batches_make_the_ranking_harder() -> None:
    kept = gallery(40)
    alone = step(Small(), earlier=kept)
    kept.groups += 7  # the same pictures, as those of other groups
    assert step(Small(), earlier=kept) > alone


def test_no_gallery_keeps_nothing() -> None:
    kept = gallery(0)
    step(Small(), earlier=kept)
    assert kept.rows.shape == (0, 8)
