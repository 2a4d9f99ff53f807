"""A last layer learned at once on many drawings, in place of a training's or of a model's own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from likemark.db.errors import InvalidInput, ModelDamaged, one_line
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.poolings import OURS, is_ours, parts
from likemark.retrieval.training.config import Data, Training
from likemark.retrieval.training.corpus import MANIFEST

if TYPE_CHECKING:
    import torch

_NOTHING = 2.0**-48  # share of the groups: fewer than one
Weights = dict[str, "torch.Tensor"]


@dataclass(frozen=True, slots=True)
class Anew:
    drawings: int  # to learn from, at most
    corpus: Path | None = None  # theirs; None: the training's own
    pooling: str | None = None  # what the layer is given, as "token+avg"; None: as it was

    def __post_init__(self) -> None:
        if self.drawings < 1:
            raise InvalidInput(f"drawings {self.drawings}: give 1 or more")
        try:
            parts(self.pooling or "avg")
        except ValueError as error:
            raise InvalidInput(str(error)) from error

    def data(self, card: ModelCard, settings: Training | None) -> Data:
        """The drawings; what a training left out and held out of its corpus is so here too, and of
        built ones. Of a user's other drawings nothing is: no figure was measured on them.

        settings: of the training whose weights they are; None: of a model
        Raises InvalidInput for a model without a corpus.
        """
        if settings is not None:
            own = Path(settings.data.corpus).name
            return settings.data if self.corpus is None else self._of(settings.data, own)
        if self.corpus is None:
            raise InvalidInput(
                f"{card.name} is no training's folder: name the corpus that its layer learns from"
            )
        recipe: Any = card.about.get("recipe", {})
        names = {field.name for field in fields(Data)} - {"corpus"}
        told = {name: recipe[f"data.{name}"] for name in names if f"data.{name}" in recipe}
        exclude = tuple(told.get("exclude", ()))
        data = Data(str(self.corpus), **{**told, "exclude": exclude})
        return self._of(data, str(recipe.get("data.corpus", "")))

    def _of(self, data: Data, own: str) -> Data:
        """own: the name of the training's corpus"""
        assert self.corpus is not None
        if self.corpus.name == own or (self.corpus / MANIFEST).exists():
            return replace(data, corpus=str(self.corpus))
        return replace(data, corpus=str(self.corpus), exclude=(), validation=_NOTHING)


def learned_anew(
    card: ModelCard, weights: Weights, anew: Anew, data: Data, *, device: str,
    told: Callable[[int, int], None],
) -> tuple[ModelCard, Weights]:  # fmt: skip
    """The card that says so, and the weights, those of the backbone as they were.

    told: how many drawings of all are embedded
    Raises InvalidInput for too few drawings, or for a model of timm's own pooling where none is
    named, ModelDamaged for weights that do not fit, and what `read_corpus` raises.
    """
    from likemark.retrieval.lowrank import merged
    from likemark.retrieval.network import MarkNetwork, build_network
    from likemark.retrieval.training.start import INNER
    from likemark.retrieval.training.whitening import whiten_on

    card, weights = _pooled_so(card, weights, anew.pooling)
    network = build_network(card)
    assert isinstance(network, MarkNetwork)
    try:
        missing, unknown = network.load_state_dict(merged(weights), strict=False)
    except (KeyError, RuntimeError) as error:
        raise ModelDamaged(f"model {card.name!r}: {one_line(str(error), limit=200)}") from error
    if unknown or any(name.startswith(INNER) for name in missing):
        raise ModelDamaged(f"model {card.name!r}: its weights do not fit")
    count = whiten_on(network, card, data, anew.drawings, device=device, told=told)
    whose = "its drawings" if anew.corpus is None else f"the drawings of {anew.corpus.name!r}"
    about = {**card.about, "whitened": count}
    said = f"{card.provenance}, then whitened on {count:,} of {whose}"
    head = {k: v for k, v in network.state_dict().items() if not k.startswith(INNER)}
    inner = {k: v for k, v in weights.items() if k.startswith(INNER)}
    return replace(card, provenance=said, about=about), {**inner, **head}


def _pooled_so(card: ModelCard, weights: Weights, pooling: str | None) -> tuple[ModelCard, Weights]:
    """With the backbone's weights alone where the pooling is another one."""
    from likemark.retrieval.training.start import INNER

    if pooling is None and not is_ours(card.pooling):
        raise InvalidInput(
            f"{card.name} has no last layer: say what it is to be given, as pooling avg"
        )
    if pooling is None or card.pooling == OURS + pooling:
        return card, weights
    if is_ours(card.pooling):
        weights = {name: value for name, value in weights.items() if name.startswith(INNER)}
    else:
        weights = {INNER + name: value for name, value in weights.items()}
    card = replace(
        card, pooling=OURS + pooling,
        provenance=f"{card.provenance}, a last layer over {pooling}",
    )  # fmt: skip
    return card, weights
