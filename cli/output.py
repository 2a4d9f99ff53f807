"""Printing: data to stdout, everything else to stderr, one line a message."""

from __future__ import annotations

import codecs
import io
import json
import os
import re
import shutil
import sys
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console

NOTHING_FOUND = 3  # an exit code
GAP = "  "
# No path is longer on Linux.
CELL_CHARACTERS = 4096


def print_json(document: Any) -> None:
    """Always valid JSON: half a surrogate pair, as in a name that is not UTF-8, becomes `?`."""
    text = json.dumps(document, ensure_ascii=False, indent=2).encode("utf-8", "replace").decode()
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    if codecs.lookup(encoding).name != "utf-8":
        text = re.sub(r"[^\x00-\x7f]", lambda found: json.dumps(found[0])[1:-1], text)
    say(text)


def say(text: str) -> None:
    """Print to stdout. Raises LikemarkError when it takes no more, such as a full disk."""
    with _writing():
        print(text, flush=True)


def flush() -> None:
    """Write out what Typer printed itself; raises as `say` does."""
    if sys.stdout is not None:
        with _writing():
            sys.stdout.flush()


@contextmanager
def _writing() -> Iterator[None]:
    from likemark.db.errors import LikemarkError

    try:
        yield
    except OSError as error:
        # The interpreter must not try to write the rest again when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(error, BrokenPipeError):
            raise
        raise LikemarkError(f"standard output: {error.strerror}") from error


def print_what_cannot_be_encoded_as_escapes() -> None:
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def note(line: str) -> None:
    print(plain(line), file=sys.stderr, flush=True)


def plain(name: str) -> str:
    """A file's name that cannot end a line, nor tell a terminal what to do.

    What is not UTF-8 stays, for the stream to escape.
    """
    return "".join(c if c.isprintable() or "\udc80" <= c <= "\udcff" else " " for c in name)


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Columns side by side, empty ones left out.

    On a terminal the widest column gives way to fit; elsewhere only a cell of more than
    CELL_CHARACTERS is cut.
    """
    from likemark.db.errors import one_line

    texts = [["" if value is None else str(value) for value in row] for row in rows]
    cells = [[one_line(text, limit=CELL_CHARACTERS) for text in row] for row in texts]
    filled = [n for n in range(len(head)) if not cells or any(row[n] for row in cells)]
    head, cells = [head[n] for n in filled], [[row[n] for n in filled] for row in cells]
    widths = [max(_width(text) for text in column) for column in zip(head, *cells, strict=True)]
    if sys.stdout is not None and sys.stdout.isatty():
        over = sum(widths) + len(GAP) * (len(widths) - 1) - shutil.get_terminal_size().columns
        widest = widths.index(max(widths))
        widths[widest] = max(widths[widest] - max(over, 0), 8)
    lines = [GAP.join(map(_fit, row, widths)).rstrip() for row in [list(head), *cells]]
    return "\n".join(lines)


def _fit(text: str, width: int) -> str:
    if _width(text) > width:
        text = text[: bisect_left(list(accumulate(map(_width, text))), width)] + "…"
    return text + " " * (width - _width(text))


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    return len(text) + wide - sum(unicodedata.combining(c) > 0 for c in text)


class Bar:
    """Draws how much is done, on a terminal only."""

    def __init__(
        self, update: Callable[..., None] | None = None, console: Console | None = None
    ) -> None:
        self._update = update
        self._console = console

    def __call__(self, done: int, total: int | None = None) -> None:
        if self._update is not None:
            self._update(completed=done, **({} if total is None else {"total": total}))

    def note(self, line: str) -> None:
        """Print a line to stderr, above what is drawn; the terminal alone may wrap it."""
        if self._console is None:
            note(line)
        else:
            self._console.out(plain(line), highlight=False)


@contextmanager
def progress_bar(label: str, total: int | None) -> Iterator[Bar]:
    if sys.stderr is None or not sys.stderr.isatty():  # closed by a daemon, say
        yield Bar()
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    from rich.progress import TimeRemainingColumn as Remaining

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), Remaining())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield Bar(partial(bar.update, task), bar.console)
