"""What a training tells of itself while it runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """Some of the first batch, G groups with K views each."""

    names: tuple[str, ...]  # G
    views: NDArray[np.uint8]  # (G, K, S, S, 3)


@dataclass(frozen=True, slots=True)
class Facts:
    """Known before the first step."""

    drawings: int  # to train on
    brands: int  # groups: brands drawn more than once
    ideas: int  # groups: everyday ideas drawn more than once
    singles: int  # groups: of one drawing
    queries: int  # of the validation
    gallery: int  # drawings of the validation
    parameters: int  # that are trained
    steps: int  # to the end
    resumed: int  # steps done before
    unreadable: tuple[str, ...]  # one line for each drawing that was left out
    preview: Callable[[], Preview] = field(repr=False, compare=False)  # made when it is asked for


@dataclass(frozen=True, slots=True)
class Step:
    step: int  # steps done
    loss: float
    rate: float  # share of the highest learning rate
    gradient: float  # norm, before it is clipped
    pictures: int  # views of this step, of all processes
    seconds: float  # the step took
    waiting: float  # seconds of these in which no batch was ready


@dataclass(frozen=True, slots=True)
class Validated:
    step: int
    map: float  # of the moving average of the weights, on held-out groups
    best: bool  # so far
    seconds: float


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
