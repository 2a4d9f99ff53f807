"""The best weights of a training in made scenes as a model: safetensors in 8 bits, and a card."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from likemark.db.errors import InvalidInput, LikemarkError, ModelError
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.devices import AUTO, choose_device
from likemark.retrieval.eight_bits import packed
from likemark.retrieval.files import write_whole
from likemark.retrieval.models import find_model
from likemark.retrieval.oneshot.card import FACTS, OneShotCard, TracerCard
from likemark.retrieval.oneshot.features import load_features
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.oneshot.training.calibration import calibrated
from likemark.retrieval.oneshot.training.config import OneShotTraining, TracerTraining
from likemark.retrieval.oneshot.training.material import read_material
from likemark.retrieval.oneshot.training.sampling import Questions
from likemark.retrieval.training.export import Kept, kept_weights, run_settings
from likemark.retrieval.training.folder import LOG, SHAPES, bound
from likemark.retrieval.training.reports.log import read_log

_SIZE = 392  # px: the scenes that probabilities are learned on are larger than those trained on
_BATCHES = 12  # of them
_SEED = 20_011  # added to the run's, for those scenes


def export_one_shot(
    run: Path, folder: Path, *, name: str,
    told: Callable[[int, int], None] = lambda done, of: None,
) -> OneShotCard:  # fmt: skip
    """Write NAME.safetensors and NAME.json into a folder.

    told: how many batches of scenes, of all that probabilities are learned on, are done
    Raises NotFound for a run without weights, InvalidInput for a name that no file can have or a
    run that finds too little, and what `read_material` and `Finder.load` raise.
    """
    from safetensors.torch import save

    config = run_settings(run)
    if not isinstance(config, OneShotTraining):
        raise InvalidInput(f"{run}: holds no training of a one-shot network")
    kept = kept_weights(run)
    _prepare(folder, name, OneShotCard)
    # A model of which probabilities are not learned yet must not stand where one is looked for.
    with TemporaryDirectory(prefix=".draft-", dir=folder) as made:
        draft = Path(made) / f"{name}.safetensors"
        content = save(packed(kept.weights))
        write_whole(draft, content)
        _card(run, config, kept, draft).write(draft.with_suffix(".json"))
        finder = Finder.load(device=AUTO, card=draft.with_suffix(".json"))
    _, held_out, _ = read_material(config.data, run / SHAPES, told=lambda done, of: None)
    batch = replace(config.batch, size=max(_SIZE, config.batch.size), spread=1.0)
    asked = Questions(held_out, batch, config.run.seed + _SEED, finder.embedder.size, finder.step)
    card = calibrated(finder, asked, _BATCHES, told=told)
    write_whole(folder / card.weights, content)
    card.write(folder / f"{name}.json")
    return card


def export_tracer(run: Path, folder: Path, *, name: str) -> TracerCard:
    """Write NAME.safetensors and NAME.json into a folder.

    Raises NotFound for a run without weights, InvalidInput for a name that no file can have, or
    that another kind of model has.
    """
    from safetensors.torch import save

    config = run_settings(run)
    if not isinstance(config, TracerTraining):
        raise InvalidInput(f"{run}: holds no training of a tracer")
    kept = kept_weights(run)
    _prepare(folder, name, TracerCard)
    weights = folder / f"{name}.safetensors"
    write_whole(weights, save(packed(kept.weights)))
    scenes = f"{2 * config.batch.pairs} scenes"
    card = TracerCard(
        name=name, widths=config.network.widths, licence="Apache-2.0",
        provenance=_provenance(run, config, kept, scenes), weights=weights.name,
        sha256=file_sha256(weights), about={"recipe": _recipe(config)},
    )  # fmt: skip
    card.write(folder / f"{name}.json")
    return card


def _prepare(folder: Path, name: str, kind: type[OneShotCard] | type[TracerCard]) -> None:
    if name.startswith(".") or Path(name).name != name:
        raise InvalidInput(f"name {name!r} must be a file's name, without an ending")
    there = folder / f"{name}.json"
    if there.exists():
        try:
            kind.read(there)
        except ModelError as error:
            raise InvalidInput(f"{there} is no card of a {kind.kind}: give another name") from error
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LikemarkError(f"{folder}: cannot be made: {error.strerror}") from error


def _card(run: Path, config: OneShotTraining, kept: Kept, weights: Path) -> OneShotCard:
    """With probabilities of one half, until they are learned."""
    network, model, batch = config.network, find_model(config.network.model), config.batch
    asked = 2 * batch.pairs * (1 + batch.right + batch.wrong)
    scenes = f"{2 * batch.pairs} scenes and {asked} questions"
    start = f"begun as {Path(network.weights).stem!r}, " if network.weights else ""
    features = load_features(model, network.layers, choose_device("cpu"))
    return OneShotCard(
        name=weights.stem, model=model.card.name, backbone=features.fingerprint(),
        layers=network.layers, width=network.width, depth=network.depth, heads=network.heads,
        fine=network.fine, query=(0.0, 0.0), anything=(0.0,) * (len(FACTS) + 1),
        threshold=0.5, licence="Apache-2.0",
        provenance=start + _provenance(run, config, kept, scenes), weights=weights.name,
        sha256=file_sha256(weights), about={"recipe": _recipe(config)},
        embedder=network.embedder and find_model(network.embedder).card.name,
    )  # fmt: skip


def _recipe(config: OneShotTraining | TracerTraining) -> dict[str, Any]:
    """All settings that the weights depend on, files by their last name."""
    recipe = bound(config.to_dict())
    for name in {"data.corpus", "data.photos", "network.weights"} & recipe.keys():
        recipe[name] = Path(recipe[name]).name
    plain: dict[str, Any] = json.loads(json.dumps(recipe))  # as a card that is read gives it back
    return plain


def _provenance(
    run: Path, config: OneShotTraining | TracerTraining, kept: Kept, scenes: str
) -> str:
    """Data, recipe, and how good it was: names only, no paths of the machine.

    scenes: of a step
    """
    told = read_log(run / LOG, "started")
    data = f" ({told[-1]['drawings']:,} drawings, {told[-1]['photos']:,} photos)" if told else ""
    return (
        f"trained by likemark {version('likemark')} on scenes made of the corpus "
        f"{Path(config.data.corpus).name!r}{data}: {kept.step:,} of {config.run.steps:,} steps of "
        f"{scenes}, seed {config.run.seed}; validation mask IoU {kept.value:.4f} on held-out "
        "marks and photos"
    )
