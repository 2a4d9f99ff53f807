"""Folders that results are written to."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.oneshot.sources import Source


def make_folder(path: Path) -> None:
    """Make it and those above it. Raises LikemarkError where that cannot be done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidInput(f"{path}: is no folder; give another name") from None
    except OSError as error:
        raise LikemarkError(f"{path}: cannot be made: {error.strerror}") from error


def check_apart(folder: Path, sources: Sequence[Source]) -> None:
    """Raise InvalidInput where a scene is in the folder: it could be written over."""
    inside = os.path.realpath(folder)
    for source in sources:
        if os.path.realpath(source.name).startswith(os.path.join(inside, "")):
            raise InvalidInput(f"{folder}: holds the scene {source.name}; give another folder")
