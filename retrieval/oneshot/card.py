"""What a one-shot model is: a safetensors file and a JSON card, as `likemark.retrieval.cards`.

So is the tracer that draws its masks anew: it stands beside the card that names it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Self

from likemark.db.errors import ModelDamaged
from likemark.retrieval.cards import Card, is_weights_file
from likemark.retrieval.models import BUNDLED

DEFAULT = BUNDLED / "oneshot" / "likemark-oneshot.json"
# Of a place, that its probability is made of where any mark is looked for. A query's is made of the
# likeness of crops alone, as `judging` weighs it: masks say where to look, the retrieval model
# whether it is there. In photos of unseen brands logits mislead, which made scenes do not show.
FACTS = ("peak", "mean", "side")
MOST_LEVELS = 6  # of a tracer: the square that it sees has no more halves


@dataclass(frozen=True, slots=True)
class _CardBesides(Card):
    newer: ClassVar[tuple[str, ...]] = ()  # fields, "" where a card is from before them

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises ModelError when there is no card, ModelDamaged when it cannot be used."""
        values = {**dict.fromkeys(cls.newer, ""), **cls.values(path)}
        if values.keys() ^ {f.name for f in fields(cls)}:
            raise ModelDamaged(f"{cls.kind} card {path}: other fields than it must have")
        lists = {k: tuple(v) for k, v in values.items() if isinstance(v, list)}
        return cls(**{**values, **lists})


@dataclass(frozen=True, slots=True)
class OneShotCard(_CardBesides):
    kind: ClassVar[str] = "one-shot model"
    # A crop had no model of its own, and masks were not traced.
    newer: ClassVar[tuple[str, ...]] = ("embedder", "tracer")
    name: str
    model: str  # of retrieval, whose backbone sees: a name
    backbone: str  # fingerprint of its weights, as `Features.fingerprint` gives it
    layers: tuple[int, ...]  # its blocks that are looked at, from 0
    width: int  # channels
    depth: int  # times that the scene looks at the query
    heads: int
    fine: int  # channels of the branch that sees px
    # A place's probability: the logistic function of the first, and of the others times
    query: tuple[float, ...]  # the likeness, where a query is looked for
    anything: tuple[float, ...]  # `FACTS`, where any mark is
    threshold: float  # probability from which a place counts, unless told otherwise
    licence: str  # SPDX, of the weights
    provenance: str  # training data
    weights: str  # file name, beside the card
    sha256: str  # of the weights file, hexadecimal
    about: Mapping[str, Any] = field(default_factory=dict)  # data, recipe, scores: for people
    embedder: str = ""  # the model that says how like two crops are: a name; empty: `model`
    tracer: str = ""  # what draws masks anew: the name of a card beside this one; empty: nothing

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise ModelDamaged(f"one-shot model card {self.name!r}: {problem}")

    def probability(self, facts: Facts) -> float:
        """Of a place, 0 to 1."""
        weights = self.anything if facts.similarity is None else self.query
        total = sum(w * fact for w, fact in zip(weights, (1.0, *facts.told()), strict=True))
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, total))))


@dataclass(frozen=True, slots=True)
class TracerCard(_CardBesides):
    kind: ClassVar[str] = "tracer"
    name: str
    widths: tuple[int, ...]  # channels of its levels, the finest first
    licence: str  # SPDX, of the weights
    provenance: str  # training data
    weights: str  # file name, beside the card
    sha256: str  # of the weights file, hexadecimal
    about: Mapping[str, Any] = field(default_factory=dict)  # recipe: for people

    def __post_init__(self) -> None:
        texts = (self.name, self.licence, self.weights, self.sha256)
        if not all(isinstance(text, str) and text for text in texts):
            raise self.damaged("name, licence, weights and sha256 must be text")
        if not is_weights_file(self.weights):
            raise self.damaged(f"weights {self.weights!r} must be a .safetensors file beside it")
        fits = isinstance(self.widths, tuple) and 2 <= len(self.widths) <= MOST_LEVELS
        if not fits or not all(isinstance(n, int) and 1 <= n <= 4096 for n in self.widths):
            raise self.damaged(f"widths must be 2 to {MOST_LEVELS} whole numbers")


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a place."""

    peak: float  # mean logit of its surest places
    mean: float  # of all its places
    side: float  # px of its level
    anything: float  # as peak, where any mark is asked for
    similarity: float | None  # cosine of its crop with the query; None: any mark is asked for

    def told(self) -> tuple[float, ...]:
        """What its probability is made of, each of a size near 1."""
        if self.similarity is not None:
            return (self.similarity,)
        return self.peak / 4, self.mean / 4, math.log2(max(self.side, 4.0) / 32) / 2


def _problem(card: OneShotCard) -> str | None:
    texts = (card.name, card.model, card.backbone, card.licence, card.weights, card.sha256)
    if not all(isinstance(text, str) and text for text in texts):
        return "name, model, backbone, licence, weights and sha256 must be text"
    if not isinstance(card.embedder, str):
        return "embedder must be text"
    if not isinstance(card.tracer, str) or Path(card.tracer).name != card.tracer:
        return "tracer must be the name of a card beside this one"
    if not is_weights_file(card.weights):
        return f"weights {card.weights!r} must be a .safetensors file beside the card"
    sizes = (card.width, card.depth, card.heads, card.fine, *card.layers)
    if not card.layers or not all(isinstance(n, int) and 0 <= n <= 4096 for n in sizes):
        return "layers, width, depth, heads and fine must be whole numbers"
    numbers = (*card.query, *card.anything, card.threshold)
    finite = all(isinstance(n, int | float) and math.isfinite(n) for n in numbers)
    if not finite or len(card.query) != 2 or len(card.anything) != len(FACTS) + 1:
        return f"query must be 2 numbers, anything {len(FACTS) + 1}"
    return None if 0 <= card.threshold <= 1 else "threshold must be from 0 to 1"
