"""The `likemark` command: parse, call, print.

Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 nothing found, 130 stopped by Ctrl-C or SIGTERM. A
command imports what it needs when it runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NoReturn

import typer

from likemark.cli import (
    augment,
    bench,
    browse,
    demo,
    embed,
    export,
    index,
    locate,
    maintain,
    models,
    query,
    redact,
    train,
)
from likemark.cli.output import flush, note, print_what_cannot_be_encoded_as_escapes, say

STOPPED = 130  # what shells report of a program that SIGINT has ended

app = typer.Typer(
    name="likemark",
    help="Trademark similarity search: index a collection of marks, show it a picture, get the "
    "marks that look confusingly like it.",
    epilog="Example: likemark index logos/ && likemark query logo.png --report report.html",
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@app.callback(invoke_without_command=True)
def _start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if version:
        from importlib.metadata import version as version_of

        say(f"likemark {version_of('likemark')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        say(context.get_help())


for _part in (index, query, locate, embed, augment, browse, maintain, demo, train, export, redact):
    _part.register(app)
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")


def main() -> NoReturn:
    print_what_cannot_be_encoded_as_escapes()
    code: object = 0
    try:
        try:
            with _terminated_as_by_ctrl_c():
                code = app(standalone_mode=False, prog_name="likemark")
        finally:
            flush()
    except typer.TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", STOPPED)
    except BrokenPipeError:
        sys.exit(1)  # whoever read our output has gone
    except OSError as error:
        named = "" if error.filename is None else f"{_text(error.filename)}: "
        _fail(f"{named}{error.strerror or error}", 1)
    except Exception as error:
        from likemark.db.errors import LikemarkError

        if not isinstance(error, LikemarkError):
            raise
        _fail(str(error), error.exit_code)
    if code == STOPPED:
        _fail("stopped", STOPPED)
    sys.exit(code if isinstance(code, int) else 0)


@contextmanager
def _terminated_as_by_ctrl_c() -> Iterator[None]:
    """SIGTERM stops a run so that it can still take its drafts away; afterwards it is as it was."""
    if threading.current_thread() is not threading.main_thread():
        yield  # no other may say what signals do
        return
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before or signal.SIG_DFL)


def _text(name: object) -> str:
    return os.fsdecode(name) if isinstance(name, bytes) else str(name)


def _fail(message: str, code: int) -> NoReturn:
    note("likemark: " + " ".join(message.split()))
    sys.exit(code)


if __name__ == "__main__":
    main()
