"""Two processes at once: one waits or is refused clearly, readers go on, nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

from support.corpus import write_corpus
from support.state import index_state

from likemark.db.browse import count
from likemark.db.lock import writer_lock
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.indexing import index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.workspace import Workspace

COMMAND = [sys.executable, "-c", "from likemark.cli.main import main; main()"]


def start(
    workspace: Workspace, model: FoundModel, folder: Path, *more: str
) -> subprocess.Popen[str]:
    card = str(model.folder / f"{model.card.name}.json")
    arguments = ["index", str(folder), "--model", card, "--workspace", str(workspace.root), *more]
    return subprocess.Popen(
        [*COMMAND, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def test_a_second_writer_is_refused_in_one_line_that_names_the_first(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    with writer_lock(workspace.catalogue):
        process = start(workspace, tiny, logos)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert out == ""
    assert len(err.splitlines()) == 1
    assert "is writing to" in err
    assert "--wait" in err


def test_a_second_writer_that_waits_gets_its_turn(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    with writer_lock(workspace.catalogue):
        process = start(workspace, tiny, logos, "--wait", "60")
        time.sleep(3)
        assert process.poll() is None
    _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert len(index_state(workspace)[1]) == 24


def test_two_writers_at_once_both_end_up_in_catalogue_and_index(
    workspace: Workspace, tiny: FoundModel, tmp_path: Path
) -> None:
    folders = [tmp_path / "one", tmp_path / "two"]
    for number, folder in enumerate(folders):
        # Eight pictures are in both folders.
        write_corpus(folder, range(number * 20, number * 20 + 28))
    processes = [start(workspace, tiny, folder, "--wait", "120") for folder in folders]
    for process in processes:
        _, err = process.communicate(timeout=120)
        assert process.returncode == 0, err
    with workspace.catalogue.read() as session:
        counts = count(session)
    assert (counts.marks, counts.pictures, counts.vectors) == (56, 48, 48)
    assert len(index_state(workspace)[1]) == 48


def test_queries_are_answered_while_a_writer_writes(
    workspace: Workspace, tiny: FoundModel, logos: Path
) -> None:
    index_paths(workspace, [logos], tiny)
    requests = query_requests([str(logos / "mark-0003.png")])
    with writer_lock(workspace.catalogue), workspace.catalogue.write():
        _, answers = search_pictures(workspace, requests, tiny, QueryOptions(k=1))
        (result,) = answers
    assert result.hits[0].mark.title == "mark-0003"
