"""What a locator does worst: marks it was sure to see elsewhere, and marks that are not there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from likemark.benchmarks.locate.asks import Ask, Kind, Tasks
from likemark.benchmarks.locate.found import Rect
from likemark.benchmarks.locate.matches import Answer, match
from likemark.db.errors import InvalidInput

WORST = 12  # of either kind
PLACES = 3  # of an answer that are kept


@dataclass(frozen=True, slots=True)
class Source:
    """Where a picture comes from, without its px."""

    image: str | None  # its path below the data set's folder; None of a drawing
    box: Rect | None = None  # px of the image, where only a part of it is meant


@dataclass(frozen=True, slots=True)
class Failure:
    query: str  # its id
    kind: Kind
    brand: str  # of the query
    asked: Source  # the query's picture
    scene: str  # its id
    photo: Source
    truth: tuple[Rect, ...]  # where the brand stands, px; none where another one is shown
    boxes: tuple[Rect, ...]  # that were found, the surest first, `PLACES` at most
    scores: tuple[float, ...]  # of these, as the locator gives them

    def __post_init__(self) -> None:
        if not self.boxes or len(self.boxes) != len(self.scores):
            raise InvalidInput(f"{self.query} in {self.scene}: a failure has places with scores")


@dataclass(frozen=True, slots=True)
class Failures:
    missed: tuple[Failure, ...]  # right questions without a right box, the surest wrong one first
    false: tuple[Failure, ...]  # queries of another brand that found something, the surest first


class Sourced(Tasks, Protocol):
    """Questions whose pictures a reader can look up."""

    def scene_source(self, scene: int) -> Source: ...

    def query_source(self, query: int) -> Source: ...


def worst(tasks: Sourced, answers: Sequence[Answer], *, most: int = WORST) -> Failures:
    """answers: to every question, in order; most: of either kind"""
    asked = tasks.asked
    given = [pair for pair in zip(asked.asks, answers, strict=True) if pair[1].boxes]
    given.sort(key=lambda pair: -pair[1].scores[0])  # equal ones in the order they were asked
    missed = [(a, got) for a, got in given if asked.is_right(a) and not _is_found(tasks, a, got)]
    false = [(ask, got) for ask, got in given if not asked.is_right(ask)]
    return Failures(
        tuple(_failure(tasks, ask, got) for ask, got in missed[:most]),
        tuple(_failure(tasks, ask, got) for ask, got in false[:most]),
    )


def _is_found(tasks: Sourced, ask: Ask, got: Answer) -> bool:
    """At IoU .5, any of them."""
    return bool(match(got.boxes, tasks.asked.scenes[ask.scene].boxes).hit[0].any())


def _failure(tasks: Sourced, ask: Ask, got: Answer) -> Failure:
    scene, query = tasks.asked.scenes[ask.scene], tasks.asked.queries[ask.query]
    return Failure(
        query=query.id,
        kind=query.kind,
        brand=query.brand,
        asked=tasks.query_source(ask.query),
        scene=scene.id,
        photo=tasks.scene_source(ask.scene),
        truth=scene.boxes if tasks.asked.is_right(ask) else (),
        boxes=got.boxes[:PLACES],
        scores=got.scores[:PLACES],
    )
