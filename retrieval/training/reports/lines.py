"""A training told in lines of text, and summed up."""

from __future__ import annotations

import time
from collections.abc import Callable

from likemark.retrieval.report.text import counted
from likemark.retrieval.training.observers import Facts, Quiet, Step, Validated


class Lines(Quiet):
    """One line now and then.

    tell: takes a line
    every: seconds between two lines about steps
    """

    def __init__(self, tell: Callable[[str], None], *, every: float = 30) -> None:
        self._tell, self._every = tell, every
        self._steps = 0
        self._told = time.monotonic()
        self._recent: list[Step] = []  # since the last line
        self._metric, self._pictures = "", ""

    def surveyed(self, done: int, of: int) -> None:
        if done == of or self._due():
            self._tell(f"{done:,} of {counted(of, 'drawing')} looked at")

    def started(self, facts: Facts) -> None:
        self._steps, self._metric, self._pictures = facts.steps, facts.metric, facts.pictures
        for line in facts.unreadable:
            self._tell(f"left out: {line}")
        for line in facts.said:
            self._tell(line)
        if facts.resumed:
            self._tell(f"going on after step {facts.resumed:,} of {facts.steps:,}")

    def stepped(self, step: Step) -> None:
        for line in step.lost:
            self._tell(f"no longer there: {line}")
        self._recent.append(step)
        if step.step == self._steps or self._due():
            self._tell(self._line(step))
            self._recent.clear()

    def validated(self, validated: Validated) -> None:
        best = ", the best so far" if validated.best else ""
        figures = f"{self._metric} {validated.value:.4f}"
        for name, value in validated.more.items():
            figures += f", {name} {value:.4f}"
        self._tell(f"step {validated.step:,}: validation {figures}{best}")

    def _due(self) -> bool:
        """Whether it is time for a line, which is then told."""
        now = time.monotonic()
        due = now - self._told >= self._every
        if due:
            self._told = now
        return due

    def _line(self, step: Step) -> str:
        recent = self._recent
        seconds = max(sum(one.seconds for one in recent), 1e-9)
        left = (self._steps - step.step) * seconds / len(recent)
        return (
            f"step {step.step:,} of {self._steps:,}: loss "
            f"{sum(one.loss for one in recent) / len(recent):.4f}, "
            f"{sum(one.pictures for one in recent) / seconds:.1f} {self._pictures}/s, "
            f"{sum(one.waiting for one in recent) / seconds:.1%} of the time waiting for them, "
            f"{_duration(left)} to go"
        )


def _duration(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


class Tally(Quiet):
    """What this process did of a training."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self.first: float | None = None  # validation's value before the first step
        self.pictures = "views"  # what they are called
        self.seconds = self.waiting = 0.0  # of the steps; of these without a batch

    @property
    def elapsed(self) -> float:
        """Seconds since this was made."""
        return time.monotonic() - self._began

    @property
    def waited(self) -> float:
        """Share of the steps' time in which no batch was ready."""
        return self.waiting / self.seconds if self.seconds else 0.0

    def started(self, facts: Facts) -> None:
        self.pictures = facts.pictures

    def stepped(self, step: Step) -> None:
        self.seconds += step.seconds
        self.waiting += step.waiting

    def validated(self, validated: Validated) -> None:
        if validated.step == 0:
            self.first = validated.value
