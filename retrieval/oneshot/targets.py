"""Folders that results are written to."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError


def make_folder(path: Path) -> None:
    """Make it and those above it. Raises LikemarkError where that cannot be done."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise InvalidInput(f"{path}: is no folder; give another name") from None
    except OSError as error:
        raise LikemarkError(f"{path}: cannot be made: {error.strerror}") from error


def check_apart(folder: Path, names: Iterable[str], *, kind: str) -> None:
    """Raise InvalidInput where a file that is read is in the folder: it could be written over.

    kind: of the files, for the message
    """
    inside = os.path.realpath(folder)
    for name in names:
        if os.path.realpath(name).startswith(os.path.join(inside, "")):
            raise InvalidInput(f"{folder}: holds the {kind} {name}; give another folder")
