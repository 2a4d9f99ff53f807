"""What the suite reports: plain values, whose `dataclasses.asdict` is JSON."""

from __future__ import annotations

from dataclasses import dataclass

from likemark.db.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Recall:
    """How often a transformed picture still finds the one it was made from."""

    name: str  # the transformation
    description: str  # what it does, one line
    queries: int  # pictures that it applies to
    recall_at_1: float | None  # share found at rank 1; None: no queries
    recall_at_10: float | None  # share found among the first ten

    def __post_init__(self) -> None:
        for value in (self.recall_at_1, self.recall_at_10):
            if (value is None) != (self.queries == 0) or not 0 <= (value or 0) <= 1:
                raise InvalidInput(
                    f"{self.name}: a recall of {value} over {self.queries} queries must be 0 to 1, "
                    "or None without any"
                )


@dataclass(frozen=True, slots=True)
class Asked:
    """The same queries asked in another manner."""

    name: str
    description: str
    transformations: tuple[Recall, ...]  # as those of `Invariance`
    mean_recall_at_1: float
    mean_recall_at_10: float
    worst: str


@dataclass(frozen=True, slots=True)
class Sampled:
    """The queries of some of the sources, which are asked in a costlier manner too."""

    sources: int
    without: Asked
    asked: Asked


@dataclass(frozen=True, slots=True)
class Invariance:
    """One encoder's results over the suite, of whole pictures."""

    encoder: str  # its row in the tables
    fingerprint: str  # of its vectors
    sources: int  # pictures that queries were made from
    gallery: int  # rows searched, the sources' own among them
    transformations: tuple[Recall, ...]  # in the suite's order
    mean_recall_at_1: float  # over the transformations that had queries, each counting the same
    mean_recall_at_10: float
    worst: str  # the transformation of the least recall at 1, at 10 where that is equal
    asked_also: tuple[Asked, ...] = ()  # in other manners
    sampled: Sampled | None = None

    def __post_init__(self) -> None:
        if self.worst not in {recall.name for recall in self.transformations}:
            raise InvalidInput(f"worst {self.worst!r} is none of the transformations measured")


@dataclass(frozen=True, slots=True)
class Summary:
    mean_recall_at_1: float  # over the transformations that had queries, each counting the same
    mean_recall_at_10: float
    worst: str  # the transformation of the least recall at 1, at 10 where that is equal


def summed_up(recalls: tuple[Recall, ...]) -> Summary:
    """Raises InvalidInput where not one transformation had a query."""
    at_1 = [each.recall_at_1 for each in recalls if each.recall_at_1 is not None]
    at_10 = [each.recall_at_10 for each in recalls if each.recall_at_10 is not None]
    if not at_1:
        raise InvalidInput("no transformation applies to these pictures: give marks that have ink")
    asked = [each for each in recalls if each.queries]
    return Summary(
        mean_recall_at_1=sum(at_1) / len(at_1),
        mean_recall_at_10=sum(at_10) / len(at_10),
        worst=min(asked, key=lambda each: (each.recall_at_1, each.recall_at_10)).name,
    )
