"""Files below a folder, in an order that is the same everywhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterator
from pathlib import Path


def walked(
    folder: Path,
    suffixes: Collection[str],
    *,
    unreadable: Callable[[OSError], None] = lambda error: None,
    left_out: Callable[[Path], bool] = lambda path: False,
) -> Iterator[Path]:
    """By their suffix, hidden files and folders left out, sorted by name.

    suffixes: in lower case, with the dot
    unreadable: called for a folder that cannot be listed; left_out: folders to pass over
    A link to a folder is not followed: it could lead back up.
    """
    for here, folders, names in os.walk(folder, onerror=unreadable):
        shown = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if not left_out(Path(here) / name)]
        for name in sorted(names):
            if os.path.splitext(name)[1].lower() in suffixes and not name.startswith("."):
                yield Path(here) / name
