"""The same commands on a catalogue in PostgreSQL."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.command import Outcome, Run, run_here
from support.corpus import draw_mark, write_corpus
from support.models import tiny_model
from support.postgres import Server
from support.state import catalogue_state, index_state

from likemark.db.errors import CatalogueError
from likemark.db.lock import writer_lock
from likemark.db.vectors import active_model
from likemark.index.local import LocalIndex
from likemark.retrieval import catching_up
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.reindex import reindex
from likemark.retrieval.workspace import Workspace


@pytest.fixture
def database(postgres: Server, postgres_template: str) -> Iterator[str]:
    with postgres.database(postgres_template) as url:
        yield url


class Desk:
    def __init__(self, home: Path, database: str, model: FoundModel, here: Run) -> None:
        self.home, self._here = home, here
        self.environment = {
            "LIKEMARK_HOME": str(home),
            "LIKEMARK_DATABASE": database,
            "LIKEMARK_MODEL": str(model.folder / "tiny.json"),
        }

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        code = "from likemark.cli.main import main; main()"
        return subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)], env=os.environ | self.environment,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        outcome = self._here(self.environment, *arguments, "--json")
        assert outcome.code == code, outcome.err
        return outcome.json


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """The command in this process: environment, then its words."""

    def run(environment: dict[str, str], *words: str | Path) -> Outcome:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return run_here(["likemark", *map(str, words)], monkeypatch, capsys)

    return run


@pytest.fixture
def desk(tmp_path: Path, database: str, tiny: FoundModel, here: Run) -> Desk:
    return Desk(tmp_path / "home", database, tiny, here)


def test_indexing_querying_changing_and_pruning(desk: Desk, logos: Path) -> None:
    assert desk.json("index", logos)["embedded"] == 24
    assert desk.json("index", logos)["embedded"] == 0
    (query,) = desk.json("query", logos / "mark-0007.png", "-k", "3")["queries"]
    assert query["hits"][0]["path"] == str(logos / "mark-0007.png")
    draw_mark(90).save(logos / "mark-0007.png")
    (logos / "mark-0008.png").unlink()
    changed = desk.json("index", logos, "--prune")
    assert (changed["updated"], changed["removed"], changed["index"]["vectors"]) == (1, 1, 23)
    found = {f["check"]: f for f in desk.json("doctor", code=1)["findings"]}
    assert found["index"]["detail"] == "23 vectors, those of the catalogue"
    assert not found["model"]["ok"]  # its card stands elsewhere


def test_a_second_machine_builds_its_own_index_from_the_shared_catalogue(
    desk: Desk, logos: Path, tmp_path: Path, database: str, tiny: FoundModel, here: Run
) -> None:
    desk.json("index", logos)
    other = Desk(tmp_path / "second home", database, tiny, here)
    assert other.json("stats")["index"]["state"] == "rebuilt"
    assert other.json("stats")["index"]["state"] == "current"
    (query,) = other.json("query", logos / "mark-0002.png", "-k", "1")["queries"]
    assert query["hits"][0]["score"] > 0.999


def test_a_long_build_outlasts_the_time_that_a_connection_may_stand_idle(
    tmp_path: Path, logos: Path, database: str, tiny: FoundModel, postgres: Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    name = database.partition("?")[0].rpartition("/")[2]
    postgres.run(f"ALTER DATABASE {name} SET idle_in_transaction_session_timeout = 500")
    build = catching_up.build_local

    def slow(*given: Any, **named: Any) -> LocalIndex:
        time.sleep(1.2)
        return build(*given, **named)

    monkeypatch.setattr(catching_up, "build_local", slow)
    with Workspace.open(tmp_path / "home", database=database) as space:
        report, found = index_paths(space, [logos], tiny)
        assert (report.added, found.action, found.index.stats().count) == (24, "rebuilt", 24)


def test_two_machines_do_not_write_at_once(desk: Desk, logos: Path, database: str) -> None:
    with (
        Workspace.open(logos.parent / "elsewhere", database=database) as elsewhere,
        writer_lock(elsewhere.catalogue),
    ):
        process = desk.start("index", logos)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "another process is writing to" in err
    assert desk.json("index", logos)["added"] == 24


def test_a_reindexing_that_has_lost_its_right_to_write_switches_nothing(
    tmp_path: Path, logos: Path, database: str, tiny: FoundModel, postgres: Server
) -> None:
    def lose(done: int, total: int) -> None:
        postgres.disconnect(str(space.catalogue.engine.url.database))

    with Workspace.open(tmp_path / "home", database=database) as space:
        index_paths(space, [logos], tiny)
        other = tiny_model(space.models, name="other", seed=1)
        with pytest.raises(CatalogueError, match="the right to write is lost"):
            reindex(space, other, progress=lose)
        with space.catalogue.read() as session:
            model = active_model(session)
        assert model is not None
        assert model.name == tiny.card.name
        report = reindex(space, other)  # goes on where it stopped
        assert (report.embedded, report.opened.model.name) == (0, "other")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_killed_runs_end_in_the_state_of_an_undisturbed_one(
    desk: Desk, tmp_path: Path, database: str, tiny: FoundModel, postgres: Server
) -> None:
    write_corpus(tmp_path / "many", range(400))
    for seconds in (1.5, 3, 4):
        process = desk.start("index", tmp_path / "many")
        time.sleep(seconds)
        process.kill()
        process.communicate()
    with Workspace.open(desk.home, database=database) as space:
        # The server notices the dead connection, and with it the lock goes.
        options = IndexingOptions(wait=30)
        index_paths(space, [tmp_path / "many"], tiny, options=options)
        disturbed = catalogue_state(space), index_state(space)[1:]
    with (
        postgres.database("likemark_template") as url,
        Workspace.open(tmp_path / "fresh", database=url) as fresh,
    ):
        index_paths(fresh, [tmp_path / "many"], tiny)
        undisturbed = catalogue_state(fresh), index_state(fresh)[1:]
    # Sequences leave gaps where a transaction was rolled back: rows are compared without ids.
    assert len(disturbed[0]["marks"]) == len(undisturbed[0]["marks"]) == 400
    for table in ("marks", "images"):
        assert _without_ids(disturbed[0][table]) == _without_ids(undisturbed[0][table])
    assert sorted(row[-1] for row in disturbed[0]["embeddings"]) == sorted(
        row[-1] for row in undisturbed[0]["embeddings"]
    )
    assert disturbed[1][1] == undisturbed[1][1]


def _without_ids(rows: list[tuple[Any, ...]]) -> list[str]:
    return sorted(repr(row[1:]) for row in rows)
