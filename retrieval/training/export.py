"""A training's best weights as a model: safetensors in float16, and the card that says of what."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

from likemark.db.errors import InvalidInput, LikemarkError, ModelDamaged, NotFound, one_line
from likemark.retrieval.cards import ModelCard, file_sha256
from likemark.retrieval.convert import halves
from likemark.retrieval.devices import AUTO
from likemark.retrieval.files import write_whole
from likemark.retrieval.models import FoundModel, find_model
from likemark.retrieval.training.anew import Anew, Weights, learned_anew
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.folder import BEST, LAST, LOG, SETTINGS, bound
from likemark.retrieval.training.reports.log import read_log
from likemark.retrieval.training.task import Settings
from likemark.retrieval.training.tasks import settings_of


@dataclass(frozen=True, slots=True)
class Kept:
    """Of a run the weights that are worth keeping."""

    weights: Weights  # float32, of the moving average
    step: int  # that they are from
    value: float  # on validation, in the task's metric; -1: never validated


def export_model(
    source: str, folder: Path, *, name: str | None = None, extra: Path | None = None,
    anew: Anew | None = None, size: int | None = None, over: str | None = None,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> FoundModel:  # fmt: skip
    """Write NAME.safetensors and NAME.json into a folder.

    source: a training's folder, a model's name, or the path of its card
    name: by default the run's or the model's own
    extra: a folder with further models
    anew: how its last layer is learned anew; None: it is not
    size: px of its pictures, in place of its own
    over: a model that it shares weights with: only the others are written, and that model's files
        are copied beside them
    told: how many drawings are embedded, of all that its last layer learns from
    Raises NotFound for a folder without a training, ModelError for an unknown model, ModelDamaged
    for weights that do not fit, InvalidInput for a name that no file can have, for a model to lie
    over that shares no weights, and what `learned_anew` raises.
    """
    settings, card, weights = _taken(source, extra)
    if size is not None:
        card = _sized(card, size)
    if anew is not None:
        device = AUTO if settings is None else settings.run.device
        card, weights = learned_anew(
            card, weights, anew, anew.data(card, settings), device=device, told=told
        )
    _check_fit(card, weights)
    card, weights = _named(card, name or card.name), halves(weights)
    if over is None:
        return _written(card, weights, folder)
    return _written_over(find_model(over, extra), card, weights, folder)


def _taken(source: str, extra: Path | None) -> tuple[Training | None, ModelCard, Weights]:
    """A training's settings, or none of a model, its card and its weights."""
    if not os.path.isdir(source):
        found = find_model(source, extra)
        return None, found.card, found.card.read_weights(found.folder)
    settings = run_settings(Path(source))
    if not isinstance(settings, Training):
        raise InvalidInput(f"{source}: holds no training of a model for retrieval")
    return settings, *_of_run(Path(source), settings)


def _named(card: ModelCard, name: str) -> ModelCard:
    if name.startswith(".") or Path(name).name != name:
        raise InvalidInput(f"name {name!r} must be a file's name, without an ending")
    return replace(card, name=name, weights=f"{name}.safetensors", bases=())


def _sized(card: ModelCard, size: int) -> ModelCard:
    if not 16 <= size <= 1024:
        raise InvalidInput(f"size {size}: give 16 to 1024 px")
    # Position embeddings are stretched to the size that comes.
    stretched = {"dynamic_img_size": True} if "img_size" in card.options else {}
    return replace(
        card, input_size=size, options={**card.options, **stretched},
        provenance=f"{card.provenance}, fed {size} px",
    )  # fmt: skip


def _check_fit(card: ModelCard, weights: Weights) -> None:
    from likemark.retrieval.lowrank import merged
    from likemark.retrieval.network import build_network

    try:
        build_network(card).load_state_dict(merged(weights), strict=True)
    except (KeyError, RuntimeError) as error:
        reason = one_line(str(error), limit=200)
        raise ModelDamaged(f"model {card.name!r}: its weights do not fit: {reason}") from error


def _written_over(base: FoundModel, card: ModelCard, weights: Weights, folder: Path) -> FoundModel:
    import torch

    there = base.card.read_weights(base.folder)
    own = {
        key: value
        for key, value in weights.items()
        if key not in there or not torch.equal(value, there[key])
    }
    if not there.keys() <= weights.keys() or len(own) == len(weights):
        raise InvalidInput(f"{base.card.name}: has no file that {card.name} could lie over")
    found = _written(replace(card, bases=base.card.files), own, folder)
    for name, _ in base.card.files:
        if not (folder / name).exists():
            write_whole(folder / name, (base.folder / name).read_bytes())
    found.card.check_weights(folder)
    return found


def _written(card: ModelCard, weights: Weights, folder: Path) -> FoundModel:
    from safetensors.torch import save

    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LikemarkError(f"{folder}: cannot be made: {error.strerror}") from error
    write_whole(folder / card.weights, save(weights))
    card = replace(card, sha256=file_sha256(folder / card.weights))
    card.write(folder / f"{card.name}.json")
    return FoundModel(card, folder)


def _of_run(run: Path, settings: Training) -> tuple[ModelCard, Weights]:
    from likemark.retrieval.training.start import starting_card

    kept = kept_weights(run)
    card = starting_card(settings.network, name=run.resolve().name)
    about = {"recipe": _recipe(settings)}
    card = replace(card, provenance=_provenance(run, settings, kept), about=about)
    return card, kept.weights


def run_settings(run: Path) -> Settings:
    """Of any task. Raises NotFound for a folder without a training, ModelDamaged, InvalidInput."""
    try:
        return settings_of(json.loads((run / SETTINGS).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotFound(f"{run}: holds no training: there is no {SETTINGS}") from None
    except (OSError, ValueError) as error:
        raise ModelDamaged(f"{run / SETTINGS}: {error}") from error


def kept_weights(run: Path) -> Kept:
    """The best weights; the last ones where nothing was validated.

    Raises NotFound before the first checkpoint, ModelDamaged for files that cannot be read.
    """
    from likemark.retrieval.training.state import read_facts

    if (run / BEST).exists():
        weights = _read(run / BEST)
        # Of runs that were begun before best weights said what they are, the checkpoint says it.
        facts = _facts(run / BEST) or read_facts(run / LAST)
        return Kept(weights, int(facts.get("best_step", facts["step"])), facts["best"])
    if not (run / LAST).exists():
        raise NotFound(f"{run}: has no weights yet: wait for its first checkpoint")
    facts, prefix = read_facts(run / LAST), "average."
    tensors = _read(run / LAST)
    weights = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
    return Kept(weights, int(facts["step"]), -1.0)


def _facts(best: Path) -> dict[str, Any] | None:
    import safetensors

    with safetensors.safe_open(best, "pt") as file:
        text = (file.metadata() or {}).get("training")
    return None if text is None else dict(json.loads(text))


def _read(path: Path) -> Weights:
    import safetensors
    from safetensors.torch import load_file

    try:
        return load_file(path)
    except (OSError, safetensors.SafetensorError) as error:
        raise ModelDamaged(f"{path}: {one_line(str(error), limit=200)}") from error


def _recipe(settings: Training) -> dict[str, Any]:
    """All settings that the weights depend on, files by their last name."""
    recipe = bound(settings.to_dict())
    for name in ("data.corpus", "augment.photos", "network.weights"):
        recipe[name] = Path(recipe[name]).name
    # As a card that is read gives it back.
    return {name: list(v) if isinstance(v, tuple) else v for name, v in recipe.items()}


def _provenance(run: Path, settings: Training, kept: Kept) -> str:
    """Data, recipe, and how good it was: names only, no paths of the machine."""
    batch, network = settings.batch, settings.network
    start = f"{Path(network.weights).stem} ({network.backbone})" if network.weights else (
        network.backbone
    )  # fmt: skip
    told = read_log(run / LOG, "started")
    drawings = f" ({told[-1]['drawings']:,} drawings)" if told else ""
    figure = "not validated"
    if kept.value >= 0:
        asked = f" of {told[-1]['queries']:,} queries" if told else ""
        figure = f"validation mAP {kept.value:.4f}{asked} on held-out groups"
    return (
        f"{start}, trained by likemark {version('likemark')} on the corpus "
        f"{Path(settings.data.corpus).name!r}{drawings}: {kept.step:,} of {settings.run.steps:,} "
        f"steps of {batch.groups} x {batch.views} views, loss {settings.loss.name}, augmentation "
        f"{settings.augment.recipe!r}, seed {settings.run.seed}; {figure}"
    )
