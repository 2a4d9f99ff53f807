"""A rival in the list: what it is, and how to get it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from likemark.benchmarks.encoders import Encoder
from likemark.benchmarks.rivals.scorer import Scorer
from likemark.db.errors import InvalidInput, LikemarkError

Kind = Literal["vectors", "scores"]
KINDS: tuple[Kind, ...] = ("vectors", "scores")


class RivalUnavailable(LikemarkError):
    """It cannot be had here: a package, a file or a network is missing. The message says which."""


@dataclass(frozen=True, slots=True)
class Rival:
    name: str  # its row in the tables
    kind: Kind  # "vectors": an Encoder; "scores": a Scorer
    about: str  # one line: what is computed, by which code or weights
    load: Callable[[], Encoder | Scorer]  # raises RivalUnavailable with the reason

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise InvalidInput(f"rival {self.name!r}: kind {self.kind!r} must be one of {KINDS}")
        for field, text in (("name", self.name), ("about", self.about)):
            if not text.strip() or "\n" in text:
                raise InvalidInput(f"rival {self.name!r}: {field} {text!r} must be one line")
