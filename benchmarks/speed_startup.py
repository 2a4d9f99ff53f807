"""How long the command takes to start: its help, and one query in a new process.

Wall time, by the clock of whoever types it; files are in the system's cache. `python -c pass` is
what any Python program takes on the same machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from likemark.db.errors import LikemarkError, one_line

ENTRY = "from likemark.cli.main import main; main()"


@dataclass(frozen=True, slots=True)
class Seconds:
    best: float  # least disturbed by other programs
    median: float
    runs: tuple[float, ...]  # in their order

    @classmethod
    def of(cls, runs: Sequence[float]) -> Seconds:
        return cls(min(runs), median(runs), tuple(runs))


@dataclass(frozen=True, slots=True)
class StartUp:
    python: Seconds  # `python -c pass`
    help: Seconds  # `likemark --help`
    query: Seconds  # `likemark query PICTURE`, with the network loaded anew
    marks: int  # in the workspace that is asked


def measure_start_up(
    workspace: Path, picture: Path, *, marks: int, helps: int, queries: int
) -> StartUp:
    """workspace: indexed with the default model. Raises LikemarkError when a command fails."""
    query = [*likemark_command(), "query", str(picture), "--workspace", str(workspace), "--json"]
    return StartUp(
        python=_timed([sys.executable, "-c", "pass"], helps),
        help=_timed([*likemark_command(), "--help"], helps),
        query=_timed(query, queries),
        marks=marks,
    )


def likemark_command() -> list[str]:
    """The script beside this interpreter, or else the interpreter with what the script does."""
    folder = Path(sys.executable).parent
    scripts = [folder / name for name in ("likemark", "likemark.exe")]
    there = [str(path) for path in scripts if path.exists()]
    return there[:1] or [sys.executable, "-c", ENTRY]


def _timed(command: Sequence[str], runs: int) -> Seconds:
    return Seconds.of([_seconds(command) for _ in range(runs)])


def _seconds(command: Sequence[str]) -> float:
    # Settings of the user's would send the query to another catalogue or model.
    environment = {k: v for k, v in os.environ.items() if not k.startswith("LIKEMARK_")}
    start = time.perf_counter()
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        last = one_line((done.stderr.strip().splitlines() or ["no message"])[-1])
        raise LikemarkError(f"{' '.join(command)}: {last}; exit code {done.returncode}")
    return seconds
