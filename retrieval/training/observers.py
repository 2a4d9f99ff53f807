"""What a training tells of itself while it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """Some of the first batch, G rows with K pictures of H x W px each."""

    names: tuple[str, ...]  # G
    views: NDArray[np.uint8]  # (G, K, H, W, 3)


@dataclass(frozen=True, slots=True)
class Facts:
    """Known before the first step."""

    metric: str  # of the validation, such as "mAP"
    said: tuple[str, ...]  # lines: what is trained and validated on
    numbers: Mapping[str, int]  # of these lines, by names for the log
    parameters: int  # that are trained
    steps: int  # to the end
    resumed: int  # steps done before
    pictures: str = "views"  # what a step's pictures are called
    unreadable: tuple[str, ...] = ()  # one line for each picture that was left out
    # Of the first batch, made when it is asked for; None: there is nothing to look at.
    preview: Callable[[], Preview] | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Step:
    step: int  # steps done
    loss: float
    rate: float  # share of the highest learning rate
    gradient: float  # norm, before it is clipped
    pictures: int  # of this step, of all processes
    seconds: float  # the step took
    waiting: float  # seconds of these in which no batch was ready
    # One line for each picture that could be read before and now cannot; each is told once.
    lost: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Validated:
    step: int
    value: float  # of the moving average of the weights, in the metric of the facts
    best: bool  # so far
    seconds: float
    more: Mapping[str, float] = field(default_factory=dict)  # measured beside it, by their names


class Observer(Protocol):
    """Of the process with rank 0. Any of these may come again after a resume."""

    def surveyed(self, done: int, of: int) -> None: ...
    def started(self, facts: Facts) -> None: ...
    def stepped(self, step: Step) -> None: ...
    def validated(self, validated: Validated) -> None: ...
    def ended(self) -> None: ...


class Quiet:
    """Hears everything and says nothing; an observer says what it wants to of it."""

    def surveyed(self, done: int, of: int) -> None:
        pass

    def started(self, facts: Facts) -> None:
        pass

    def stepped(self, step: Step) -> None:
        pass

    def validated(self, validated: Validated) -> None:
        pass

    def ended(self) -> None:
        pass


class Observers:
    """Several that are told the same, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def surveyed(self, done: int, of: int) -> None:
        for observer in self._observers:
            observer.surveyed(done, of)

    def started(self, facts: Facts) -> None:
        for observer in self._observers:
            observer.started(facts)

    def stepped(self, step: Step) -> None:
        for observer in self._observers:
            observer.stepped(step)

    def validated(self, validated: Validated) -> None:
        for observer in self._observers:
            observer.validated(validated)

    def ended(self) -> None:
        for observer in self._observers:
            observer.ended()
