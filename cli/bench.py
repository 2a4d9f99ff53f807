"""`likemark bench`"""

from __future__ import annotations

import typer

app = typer.Typer(rich_markup_mode=None, help="Measure speed and quality.")


@app.callback(epilog="Example: likemark bench speed")
def _bench() -> None:
    """Measure speed and quality."""
