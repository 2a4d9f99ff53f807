"""Which models there are: those in the package, those in the workspace, or a card anywhere."""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass, field
from pathlib import Path

from likemark.db.errors import ModelError
from likemark.db.vectors import active_model
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.workspace import Workspace

DEFAULT, SMALL, PHOTOS = "default", "small", "photos"
BUNDLED = Path(__file__).parent / "weights"
# What these names stand for.
DEFAULT_NAME = "likemark-vit-s14"
NAMES = {DEFAULT: DEFAULT_NAME, **{name: f"{DEFAULT_NAME}-{name}" for name in (SMALL, PHOTOS)}}


@dataclass(frozen=True, slots=True)
class FoundModel:
    card: ModelCard
    folder: Path  # where card and weights stand
    file: str = field(default="", compare=False)  # the card's; empty: the model's name and .json

    @property
    def reference(self) -> str:
        """What names it on a command line, wherever it stands."""
        if self.folder == BUNDLED:
            return self.card.name
        return shlex.quote(str(self.folder / (self.file or f"{self.card.name}.json")))

    @property
    def is_default(self) -> bool:
        return self.folder == BUNDLED and self.card.name == DEFAULT_NAME


def list_models(extra: Path | None = None) -> list[FoundModel]:
    """All models of the package and of the folder `extra`, by name.

    Raises ModelDamaged for a card that cannot be read, ModelError for a folder that cannot.
    """
    folders = [BUNDLED] if extra is None else [BUNDLED, extra]
    cards = [path for folder in folders for path in _cards(folder)]
    return [FoundModel(ModelCard.read(path), path.parent, path.name) for path in cards]


def _cards(folder: Path) -> list[Path]:
    """Raises ModelError where the folder is there and cannot be looked into."""
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    except OSError as error:
        raise ModelError(f"{folder}: cannot be looked into: {error.strerror}") from error
    return sorted(folder / name for name in names if name.endswith(".json"))


def find_model(name: str = DEFAULT, extra: Path | None = None) -> FoundModel:
    """A model by one of `NAMES`, by its own, or by the path of its card. Raises ModelError."""
    if name.endswith(".json"):
        path = Path(name).absolute()
        return FoundModel(ModelCard.read(path), path.parent, path.name)
    wanted = NAMES.get(name, name)
    found = list_models(extra)
    for model in found:
        if model.card.name == wanted:
            return model
    there = ", ".join(model.card.name for model in found)
    raise ModelError(f"no model {name!r}; there are: {there}; or give the path of a card (.json)")


def chosen_model(workspace: Workspace, name: str | None) -> FoundModel:
    """The model by name, or the one that the catalogue is embedded with (else the default).

    Raises ModelError when there is no such model.
    """
    if name is not None:
        return find_model(name, workspace.models)
    with workspace.catalogue.read() as session:
        active = active_model(session)
    if active is None:
        return find_model(DEFAULT)
    for model in list_models(workspace.models):
        if model.card.fingerprint == active.fingerprint:
            return model
    raise ModelError(
        f"the catalogue's model {active.name} ({active.fingerprint[:8]}) is in neither the package "
        "nor the workspace; give --model PATH-OF-ITS-CARD, or embed everything with another one: "
        "likemark reindex --model default"
    )
