"""Kills indexing runs at many points and compares what a re-run makes of the remains.

    python killer.py CARD FOLDER HOW POINTS

HOW "steps" kills at SQL statements, commits, and file operations, counted in an undisturbed run;
"time" kills from outside at moments spread over such a run. A process forked for each run spares
the start of Python; the kill is SIGKILL all the same. FOLDER holds `before` and `after`: the input
first as it was, then as it has become. Prints one JSON line.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import timm  # noqa: F401  # imported before the forks, once for all
import torch  # noqa: F401
from sqlalchemy import Engine, event
from state import catalogue_state, index_state

from likemark.db.vectors import active_model, count_vectors
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.sync import open_index
from likemark.retrieval.workspace import Workspace

WRITES = {"open", "os.rename", "os.remove", "os.mkdir", "os.truncate"}


class Steps:
    """Counts what a run does to its files; ends the process at one of these steps."""

    def __init__(self, last: int | None) -> None:
        self.count = 0
        self.last = last
        event.listen(Engine, "before_cursor_execute", lambda *_: self.step())
        event.listen(Engine, "commit", lambda *_: self.step())
        sys.addaudithook(self.audit)

    def audit(self, name: str, arguments: tuple[Any, ...]) -> None:
        if name in WRITES and "index" in str(arguments[0]):
            self.step()

    def step(self) -> None:
        self.count += 1
        if self.count == self.last:
            os.kill(os.getpid(), signal.SIGKILL)


def forked(work: Callable[[], object]) -> int:
    """The child's wait status."""
    child = begin(work)
    return os.waitpid(child, 0)[1]


def begin(work: Callable[[], object]) -> int:
    child = os.fork()
    if child:
        return child
    try:
        work()
        os._exit(0)
    except BaseException as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
        os._exit(1)


def index(card: str, folder: Path, root: Path) -> None:
    options = IndexingOptions(batch_rows=5, prune=True, wait=30)
    with Workspace.open(root) as space:
        index_paths(space, [folder / "input"], find_model(card), options=options)


def prepared(folder: Path, root: Path) -> None:
    """The workspace as it was indexed from `before`, and the input as in `after`."""
    shutil.rmtree(root, ignore_errors=True)
    if (folder / "indexed").exists():
        shutil.copytree(folder / "indexed", root)


def put_input(folder: Path, name: str) -> None:
    shutil.rmtree(folder / "input", ignore_errors=True)
    shutil.copytree(folder / name, folder / "input")


def state(root: Path) -> object:
    with Workspace.open(root) as space:
        return catalogue_state(space), index_state(space)


def searchable(root: Path) -> None:
    """What a killed run left answers rightly: the index holds the catalogue's vectors."""
    with Workspace.open(root) as space:
        opened = open_index(space, save=False)
        with space.catalogue.read() as session:
            model = active_model(session)
            expected = 0 if model is None else count_vectors(session, model.id)
    assert (0 if opened is None else opened.index.stats().count) == expected


def main(card: str, folder: Path, how: str, points: int) -> None:
    if (folder / "before").exists():
        put_input(folder, "before")
        assert forked(lambda: index(card, folder, folder / "indexed")) == 0
    put_input(folder, "after")
    undisturbed = folder / "undisturbed"
    prepared(folder, undisturbed)
    started = time.monotonic()
    total = counted(lambda: index(card, folder, undisturbed))
    seconds = time.monotonic() - started
    wanted = state(undisturbed)
    killed = equal = 0
    root = folder / "killed"
    for number in range(points):
        prepared(folder, root)
        if how == "steps":
            last = 1 + number * (total - 1) // max(points - 1, 1)
            status = forked(lambda last=last: (Steps(last), index(card, folder, root)))
        else:
            child = begin(lambda: index(card, folder, root))
            time.sleep(seconds * (number + 0.5) / points)
            os.kill(child, signal.SIGKILL)
            status = os.waitpid(child, 0)[1]
        killed += os.WIFSIGNALED(status)
        assert forked(lambda: searchable(root)) == 0, f"point {number}"
        assert forked(lambda: index(card, folder, root)) == 0, f"point {number}"
        equal += state(root) == wanted
    print(json.dumps({"steps": total, "points": points, "killed": killed, "equal": equal}))


def counted(work: Callable[[], object]) -> int:
    reader, writer = os.pipe()

    def count() -> None:
        steps = Steps(None)
        work()
        os.write(writer, str(steps.count).encode())

    assert forked(count) == 0
    os.close(writer)
    with os.fdopen(reader) as stream:
        return int(stream.read())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), sys.argv[3], int(sys.argv[4]))
