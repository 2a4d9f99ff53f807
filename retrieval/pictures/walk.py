"""Files below a folder, in an order that is the same everywhere."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path


def walked(
    folder: Path,
    suffixes: Collection[str],
    *,
    unreadable: Callable[[OSError], None] = lambda error: None,
    left_out: Callable[[Path], bool] = lambda path: False,
    passed_over: Counter[str] | None = None,
) -> Iterator[Path]:
    """By their suffix, hidden files and folders left out, sorted by name.

    suffixes: in lower case, with the dot
    unreadable: called for a folder that cannot be listed; left_out: folders to pass over
    passed_over: counts the other files by their suffix
    A link to a folder is not followed: it could lead back up.
    """
    for here, folders, names in os.walk(folder, onerror=unreadable):
        shown = sorted(name for name in folders if not name.startswith("."))
        folders[:] = [name for name in shown if not left_out(Path(here) / name)]
        for name in sorted(names):
            suffix = os.path.splitext(name)[1].lower()
            if name.startswith("."):
                continue
            if suffix in suffixes:
                yield Path(here) / name
            elif passed_over is not None:
                passed_over[suffix] += 1


def told(folder: Path, passed_over: Counter[str]) -> str:
    """In a line what was passed over below a folder; empty for nothing."""
    if not passed_over:
        return ""
    kinds = [f"{count} {suffix or 'without one'}" for suffix, count in passed_over.most_common(5)]
    more = ", ..." if len(passed_over) > len(kinds) else ""
    return f"{folder}: {passed_over.total()} files passed over for their ending: " + (
        f"{', '.join(kinds)}{more}"
    )
