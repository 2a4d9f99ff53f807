"""What stands in the folder of a training, and whether the training may be gone on with."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.files import write_whole
from likemark.retrieval.training.settings import TASK
from likemark.retrieval.training.state import read_facts
from likemark.retrieval.training.task import Settings
from likemark.retrieval.training.tasks import settings_of, written

LAST, BEST, SHAPES, SETTINGS = "last.safetensors", "best.safetensors", "shapes.npz", "settings.json"
LOG = "log.jsonl"
# Settings that may change between a run and its going on: none of them moves a weight.
_FREE = {
    "data": ("workers", "ahead"),
    "run": ("validate", "validate_first", "checkpoint", "device"),
}


def prepare_folder(folder: Path, config: Settings) -> None:
    """Make the folder.

    Raises InvalidInput when it holds a run with other settings, ModelDamaged when that cannot be
    read, LikemarkError when the folder cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LikemarkError(f"{folder}: cannot be made: {error.strerror}") from error
    if (folder / LAST).exists():
        _check_same(folder, config)


def keep_settings(folder: Path, config: Settings) -> None:
    """Write them into the folder, as soon as they are known to be good for a run."""
    write_whole(folder / SETTINGS, json.dumps(written(config), indent=2).encode())


def _check_same(folder: Path, config: Settings) -> None:
    # Settings that came later than the run have the values that they had before they came.
    before = settings_of(read_facts(folder / LAST)["settings"])
    ours, theirs = bound(written(config)), bound(written(before))
    other = [name for name in ours if ours[name] != theirs.get(name)]
    if other:
        name = other[0]
        raise InvalidInput(
            f"{folder} holds a run with {name} = {theirs[name]!r}, not {ours[name]!r}; "
            "give another folder, or the same settings"
        )


def bound(settings: dict[str, Any]) -> dict[str, Any]:
    """Those that the weights depend on, as "batch.groups"; before all the task if it is said."""
    task = {TASK: settings[TASK]} if TASK in settings else {}
    return task | {
        f"{section}.{name}": value
        for section, table in settings.items()
        if section != TASK
        for name, value in table.items()
        if name not in _FREE.get(section, ())
    }
