"""What a training is of: the part of it that the loop in `trainer` does not know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, Self

import torch
from torch import nn
from torch.utils.data import Dataset

from likemark.retrieval.devices import Device
from likemark.retrieval.training.config import Optimiser, Run
from likemark.retrieval.training.observers import Facts, Observer

if TYPE_CHECKING:
    from likemark.retrieval.training.validation import Measure

Batch = tuple[torch.Tensor, ...]


@dataclass(frozen=True, slots=True)
class Share:
    """Which of the processes that train together this one is."""

    rank: int = 0
    world: int = 1


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task is trained, and what it is watched by."""

    folder: Path  # of the run
    share: Share
    device: Device
    observer: Observer  # told what the task does before the first step
    measure: Measure | None  # validation mAP of embeddings


@dataclass(frozen=True, slots=True)
class Measured:
    value: float  # in the task's metric: 0 or more, higher is better
    more: Mapping[str, float] = field(default_factory=dict)  # shown beside it, by their names


class Feed(Protocol):
    """How batches are read: settings of the table `data` that every task has."""

    @property
    def workers(self) -> int: ...  # processes that make batches
    @property
    def ahead(self) -> int: ...  # batches that each of them prepares in advance


class Settings(Protocol):
    """A configuration, as far as the loop reads it: a frozen dataclass of tables."""

    @property
    def data(self) -> Feed: ...
    @property
    def optimiser(self) -> Optimiser: ...
    @property
    def run(self) -> Run: ...
    @classmethod
    def of(cls, values: Mapping[str, Any]) -> Self: ...
    def to_dict(self) -> dict[str, Any]: ...


class Task(Protocol):
    """A network, batches for it, what is wrong with its answers, and how good they are.

    Whatever it draws at random is a function of the seed and the step alone: a killed training then
    ends with the weights of an undisturbed one.
    """

    @property
    def metric(self) -> str:
        """What is measured, such as "mAP"."""
        ...

    @property
    def network(self) -> nn.Module:
        """What is trained, on its device; the same one at every call."""
        ...

    def optimiser(self) -> torch.optim.Optimizer:
        """Asked for once. Each group has its highest rate as `peak`; what is frozen is in none."""
        ...

    def batches(self) -> Dataset[Batch]:
        """Item n is the batch of step n, from 0: this process's share of it."""
        ...

    def prepare(self, network: nn.Module, step: int) -> None:
        """Before each step: modes and schedules."""
        ...

    def backward(self, network: nn.Module, batch: Batch, step: int) -> float:
        """Add to the gradients, and return the loss.

        batch: on the task's device
        The gradients of all processes are summed: a mean over the whole batch is a process's sum
        over its share, divided by the number of all.
        """
        ...

    def pictures(self, batch: Batch) -> int:
        """Of this process, for the pace."""
        ...

    def measure(self, network: nn.Module) -> Measured | None:
        """Of a network in evaluation mode; None where nothing is held out. In rank 0 alone."""
        ...

    def facts(self, resumed: int) -> Facts:
        """resumed: steps done before. In rank 0 alone."""
        ...

    def state(self) -> dict[str, torch.Tensor]:
        """What else a resume needs; no name begins with network., average. or optimiser."""
        ...

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        """Take back, from the CPU, what `state` gave. Raises KeyError for what is missing."""
        ...


def weights_of(network: nn.Module) -> int:
    """How many numbers are trained."""
    return sum(p.numel() for p in network.parameters() if p.requires_grad)
