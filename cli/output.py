"""Printing: data to stdout, everything else to stderr, one line a message."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any

GAP = "  "


def print_json(document: Any) -> None:
    print(json.dumps(document, ensure_ascii=False, indent=2))


def note(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns side by side, empty ones left out.

    On a terminal the widest column gives way to fit; elsewhere nothing is cut.
    """
    from likemark.db.errors import one_line

    cells = [[one_line("" if value is None else str(value)) for value in row] for row in rows]
    filled = [n for n in range(len(head)) if not cells or any(row[n] for row in cells)]
    head, cells = [head[n] for n in filled], [[row[n] for n in filled] for row in cells]
    widths = [max(_width(text) for text in column) for column in zip(head, *cells, strict=True)]
    if sys.stdout.isatty():
        over = sum(widths) + len(GAP) * (len(widths) - 1) - shutil.get_terminal_size().columns
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] - max(over, 0), 8)
    lines = [GAP.join(map(_fit, row, widths)).rstrip() for row in [list(head), *cells]]
    return "\n".join(lines)


def _fit(text: str, width: int) -> str:
    while _width(text) > width:
        text = text[:-2] + "…"
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


class Bar:
    """Draws how much is done, on a terminal only."""

    def __init__(self, update: Callable[..., None] | None = None) -> None:
        self._update = update

    def __call__(self, done: int, total: int | None = None) -> None:
        if self._update is not None:
            self._update(completed=done, **({} if total is None else {"total": total}))


@contextmanager
def progress_bar(label: str, total: int | None) -> Iterator[Bar]:
    if not sys.stderr.isatty():
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield Bar(partial(bar.update, task))
