"""A network trained on few examples, with what it has learnt after every epoch.

N examples, C classes. Everything runs on the CPU: the same seed gives the same figures.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.flickr27.scores import Answers, Labels
from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    import torch

Inputs = NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Examples:
    inputs: Inputs  # (N, ...)
    labels: Labels  # (N,)

    def __post_init__(self) -> None:
        if not len(self.labels) or len(self.inputs) != len(self.labels):
            raise InvalidInput(
                f"{len(self.inputs)} inputs with {len(self.labels)} labels: give one for each"
            )


@dataclass(frozen=True, slots=True)
class Curve:
    """One figure for each epoch, taken after it with dropout off."""

    train_loss: tuple[float, ...]  # cross-entropy in nats, mean over the examples
    train_accuracy: tuple[float, ...]  # share of the examples
    validation_loss: tuple[float, ...]
    validation_accuracy: tuple[float, ...]

    def __post_init__(self) -> None:
        lengths = {len(self.train_loss), len(self.train_accuracy)}
        lengths |= {len(self.validation_loss), len(self.validation_accuracy)}
        if len(lengths) != 1 or 0 in lengths:
            raise InvalidInput("a curve needs four figures for each of one or more epochs")


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """torch's draws fixed and its work in one thread within; both as they were outside."""
    import torch

    threads = torch.get_num_threads()
    # One thread sums in one order, whatever the machine, and batches this small gain by no other.
    torch.set_num_threads(1)
    try:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            yield
    finally:
        torch.set_num_threads(threads)


def fit(
    network: torch.nn.Module,
    optimiser: torch.optim.Optimizer,
    training: Examples,
    validation: Examples,
    *,
    epochs: int,
    batch: int,
    seed: int,
) -> Curve:
    """Train by cross-entropy, in a new order every epoch; nothing stops early or is picked.

    network: (N, ...) to (N, C) logits
    batch: examples in a step; seed: of their order, apart from what `seeded` fixes
    """
    import torch

    inputs, labels = torch.from_numpy(training.inputs), torch.from_numpy(training.labels)
    rng = np.random.default_rng(seed)
    points = []
    for _ in range(epochs):
        network.train()
        order = torch.from_numpy(rng.permutation(len(labels)))
        for start in range(0, len(labels), batch):
            chosen = order[start : start + batch]
            optimiser.zero_grad()
            loss = torch.nn.functional.cross_entropy(network(inputs[chosen]), labels[chosen])
            torch.autograd.backward(loss)
            optimiser.step()
        points.append((*_measure(network, training), *_measure(network, validation)))
    return Curve(*zip(*points, strict=True))


def answer(network: torch.nn.Module, inputs: Inputs) -> Answers:
    """The class of the highest logit; the confidence is its log-probability.

    The greatest softmax probability is the baseline of Hendrycks and Gimpel (ICLR 2017); in
    logarithms, because the probabilities of a sure network all round to 1.
    """
    chances = log_chances(network, inputs)
    return Answers(chances.argmax(axis=1), chances.max(axis=1))


def _measure(network: torch.nn.Module, examples: Examples) -> tuple[float, float]:
    """(loss, accuracy)."""
    chances = log_chances(network, examples.inputs)
    loss = -chances[np.arange(len(chances)), examples.labels].mean()
    return float(loss), float((chances.argmax(axis=1) == examples.labels).mean())


def log_chances(network: torch.nn.Module, inputs: Inputs) -> NDArray[np.float64]:
    """(N, C): the logarithm of each class's probability, dropout off."""
    import torch

    network.eval()
    with torch.inference_mode():
        logits = network(torch.from_numpy(inputs)).double()
        result: NDArray[np.float64] = torch.log_softmax(logits, dim=1).numpy()
    return result
