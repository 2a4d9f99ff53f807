"""The `likemark` command: parse, call, print.

Exit codes: 0 ok, 1 failed, 2 wrong usage, 3 nothing found. A command imports what it needs when it
runs, so that `--help` answers at once.
"""

from __future__ import annotations

import os
import sys
from typing import Annotated, NoReturn

import typer

from likemark.cli import bench, browse, demo, embed, index, maintain, models, query
from likemark.cli.output import note

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

        print(f"likemark {version_of('likemark')}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help())


for _part in (index, query, embed, browse, maintain, demo):
    _part.register(app)
app.add_typer(models.app, name="models")
app.add_typer(bench.app, name="bench")


def main() -> NoReturn:
    code: object = 0
    try:
        code = app(standalone_mode=False, prog_name="likemark")
    except typer.TyperException as error:
        _fail(error.format_message(), error.exit_code)
    except typer.Abort:
        _fail("stopped", 1)
    except BrokenPipeError:
        # Whoever read our output has gone; the interpreter must not try to flush it again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:
        from likemark.db.errors import LikemarkError

        if not isinstance(error, LikemarkError):
            raise
        _fail(str(error), error.exit_code)
    sys.exit(code if isinstance(code, int) else 0)


def _fail(message: str, code: int) -> NoReturn:
    note("likemark: " + " ".join(message.split()))
    sys.exit(code)
