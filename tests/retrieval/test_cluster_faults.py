"""A cluster that fails, refuses or answers too late, and turns that are lost on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pymilvus.exceptions import MilvusException
from support.corpus import write_corpus
from support.indexed import fill, names
from support.marks import DIMENSION, FINGERPRINT, entry, put
from support.milvus import Between, MilvusServer, free_port, names_on
from support.models import tiny_model
from support.postgres import Server

from likemark.db.browse import count
from likemark.db.errors import Busy, CatalogueError, IndexFault, IndexUnreachable
from likemark.db.values import Filters
from likemark.index.milvus import client
from likemark.index.milvus.index import MilvusIndex
from likemark.retrieval import cluster
from likemark.retrieval.cluster import cluster_state, fill_cluster, publish_cluster
from likemark.retrieval.cluster_filters import filtered
from likemark.retrieval.cluster_turn import cluster_turn
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.reindex import ReindexOptions, reindex
from likemark.retrieval.remove import remove_marks
from likemark.retrieval.sync import Opened, open_index
from likemark.retrieval.workspace import Workspace

Meddle = Callable[[str, Callable[[], Any]], Any]


@pytest.fixture
def meddling(monkeypatch: pytest.MonkeyPatch) -> Callable[[Meddle], None]:
    """Puts somebody between every connection made from now on and the server."""
    connect = client._connect

    def set_between(meddle: Meddle) -> None:
        monkeypatch.setattr(client, "_connect", lambda url: Between(connect(url), meddle))

    return set_between


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)


@pytest.fixture
def shared(postgres: Server) -> Iterator[str]:
    """A database of PostgreSQL's for a catalogue of an identity of its own."""
    with postgres.database() as database:
        yield database


def opened(workspace: Workspace, url: str | None = None, *, save: bool | None = None) -> Opened:
    found = open_index(workspace, setting=url, save=save)
    assert found is not None
    assert isinstance(found.index, MilvusIndex)
    return found


def action(workspace: Workspace, url: str | None = None, *, save: bool | None = None) -> str:
    return opened(workspace, url, save=save).action


def statuses(workspace: Workspace, url: str) -> list[str]:
    """Those of "filed", "examined" and "registered" that the cluster finds, as it is."""
    with cluster_turn(workspace.catalogue, wait=5) as turn:  # so that nothing is caught up with
        assert turn
        index = opened(workspace, url).index
    found = []
    for status in ("filed", "examined", "registered"):
        with workspace.catalogue.read() as session:
            within, _ = filtered(workspace, session, index, Filters(status=(status,)))
        hits = within.search(np.eye(1, DIMENSION, dtype=np.float32), 5)
        found += [status] * int((hits.ids >= 0).sum())
    return found


@pytest.mark.parametrize(
    "lost", ["create_collection", "create_index", "create_alias", "alter_alias", "drop_collection"]
)
def test_a_call_whose_answer_was_lost_can_be_made_again(
    workspace: Workspace, url: str, lost: str, meddling: Callable[[Meddle], None]
) -> None:
    answers: list[str] = []

    def lose_once(name: str, call: Callable[[], Any]) -> Any:
        answer = call()
        if name == lost and name not in answers:
            answers.append(name)
            raise MilvusException(2, "the connection is lost")
        return answer

    meddling(lose_once)
    fill(workspace, *names(5))
    assert action(workspace, url, save=True) == "rebuilt"
    found = open_index(workspace, rebuild=True)
    assert found is not None
    assert (found.index.stats().count, action(workspace)) == (5, "current")
    assert answers == [lost]


@pytest.mark.parametrize("at", ["create_index", "upsert", "flush"])
def test_a_filling_that_is_interrupted_leaves_no_collection(
    workspace: Workspace, url: str, at: str, milvus: MilvusServer,
    meddling: Callable[[Meddle], None],
) -> None:  # fmt: skip
    def interrupt(name: str, call: Callable[[], Any]) -> Any:
        if name == at:
            raise KeyboardInterrupt
        return call()

    fill(workspace, *names(5))
    before = names_on(milvus.client())
    meddling(interrupt)
    with pytest.raises(KeyboardInterrupt):
        open_index(workspace, setting=url, save=True)
    assert names_on(milvus.client()) == before


def test_nothing_is_published_while_another_process_writes(
    workspace: Workspace, url: str, milvus: MilvusServer, hasty: None
) -> None:
    fill(workspace, *names(3))
    first = opened(workspace, url, save=True).index
    filled = fill_cluster(workspace, url, FINGERPRINT)
    with cluster_turn(workspace.catalogue, wait=0), pytest.raises(Busy, match="up to date"):
        publish_cluster(workspace, filled)
    assert {first.name, filled.name} <= set(names_on(milvus.client()))  # type: ignore[union-attr]
    publish_cluster(workspace, filled)
    assert opened(workspace).index.name == filled.name  # type: ignore[union-attr]


def test_a_first_filling_by_another_process_is_told_as_such(
    workspace: Workspace, url: str, hasty: None
) -> None:
    fill(workspace, *names(3))
    with cluster_turn(workspace.catalogue, wait=0):
        with pytest.raises(Busy, match="another process is bringing it up to date; try again"):
            open_index(workspace, setting=url, save=True)


def test_a_cluster_that_refuses_what_is_written_can_be_searched(
    workspace: Workspace, url: str, meddling: Callable[[Meddle], None]
) -> None:
    fill(workspace, *names(3))
    opened(workspace, url, save=True)
    fill(workspace, "new")
    refused: list[str] = ["upsert"]

    def refuse(name: str, call: Callable[[], Any]) -> Any:
        if name in refused:
            raise MilvusException(65535, "quota exceeded")
        return call()

    meddling(refuse)
    for name in ("upsert", "flush", "alter_collection_properties"):
        refused[:] = [name]
        found = opened(workspace)
        assert (found.action, found.saved) == ("behind", False)
        with pytest.raises(IndexFault, match="quota exceeded"):
            open_index(workspace, save=True)
    refused.clear()
    assert action(workspace) == "caught up"
    assert opened(workspace).index.stats().count == 4


def test_a_cluster_that_does_not_answer_is_told_before_anything_is_embedded(
    workspace: Workspace, tiny: FoundModel, logos: Path, tmp_path: Path
) -> None:
    nowhere = f"milvus://127.0.0.1:{free_port()}?connect=0.3&retries=0"
    with pytest.raises(IndexUnreachable, match="start the cluster"):
        index_paths(workspace, [logos], tiny, options=IndexingOptions(index=nowhere))
    with workspace.catalogue.read() as session:
        assert count(session).marks == 0
    index_paths(workspace, [logos], tiny)
    other = tiny_model(tmp_path / "models", name="other", seed=1)
    with pytest.raises(IndexUnreachable, match="start the cluster"):
        reindex(workspace, other, ReindexOptions(index=nowhere), progress=_none_is_embedded)


def _none_is_embedded(done: int, total: int) -> None:
    pytest.fail("the network was at work")


def test_a_mark_is_removed_while_the_cluster_is_down_and_the_index_follows(
    workspace: Workspace, url: str, milvus: MilvusServer
) -> None:
    fill(workspace, *names(3))
    opened(workspace, milvus.url("index=FLAT&timeout=20&connect=0.5&retries=0"), save=True)
    notes: list[str] = []
    milvus.kill()
    try:
        assert remove_marks(workspace, ["2"], problem=notes.append) == [2]
    finally:
        milvus.start()
    [line] = notes
    assert line.startswith("removed from the catalogue, and not yet from the index: index milvus:")
    assert action(workspace, url) == "caught up"
    assert opened(workspace, url).index.stats().count == 2


def test_an_older_state_that_a_late_writer_lays_over_a_newer_one_is_mended(
    tmp_path: Path, shared: str, milvus: MilvusServer, postgres: Server,
    meddling: Callable[[Meddle], None],
) -> None:  # fmt: skip
    """Its connection is ended while it waits for the cluster; then it is killed."""
    url = milvus.url("index=FLAT&timeout=20&connect=20")
    acts: list[str] = []

    def lose(name: str, call: Callable[[], Any]) -> Any:
        if name != "upsert" or acts:
            return call()
        acts.append("late")
        _end_locks(postgres)
        put(workspace.catalogue, entry("id:1", "p", status="Registered"))
        acts.append(action(workspace))
        call()
        raise KeyboardInterrupt

    with Workspace.open(tmp_path / "space", database=shared) as workspace:
        put(workspace.catalogue, entry("id:1", "p", status="Filed"))
        opened(workspace, url, save=True)
        put(workspace.catalogue, entry("id:1", "p", status="Examined"))
        meddling(lose)
        with pytest.raises(KeyboardInterrupt):
            open_index(workspace, save=True)
        assert acts == ["late", "caught up"]
        assert statuses(workspace, url) == ["examined"]  # although its stamp is the newest
        with workspace.catalogue.read() as session:
            state, well = cluster_state(session, opened(workspace).model, url)
        assert well, state
        assert statuses(workspace, url) == ["registered"]
        assert action(workspace) == "current"


def test_a_writer_that_has_lost_its_turn_writes_no_more(
    tmp_path: Path, shared: str, milvus: MilvusServer, postgres: Server,
    meddling: Callable[[Meddle], None],
) -> None:  # fmt: skip
    url = milvus.url("index=FLAT&timeout=20&connect=20")
    calls: list[str] = []

    def lose(name: str, call: Callable[[], Any]) -> Any:
        calls.append(name)
        answer = call()
        if name == "alter_collection_properties":  # it is about to write
            _end_locks(postgres)
        return answer

    with Workspace.open(tmp_path / "space", database=shared) as workspace:
        fill(workspace, *names(3))
        opened(workspace, url, save=True)
        fill(workspace, "new")
        meddling(lose)
        with pytest.raises(CatalogueError, match="held the right to write to the cluster is lost"):
            open_index(workspace, save=True)
        assert not {"upsert", "delete", "flush"} & set(calls)
        meddling(lambda name, call: call())
        assert [action(workspace) for _ in range(3)] == ["caught up", "caught up", "current"]
        assert opened(workspace).index.stats().count == 4


def test_a_long_filling_outlasts_the_time_that_a_connection_may_stand_idle(
    tmp_path: Path, shared: str, milvus: MilvusServer, postgres: Server, tiny: FoundModel,
    meddling: Callable[[Meddle], None],
) -> None:  # fmt: skip
    def slow(name: str, call: Callable[[], Any]) -> Any:
        if name == "upsert":
            time.sleep(1.2)
        return call()

    for limit in ("idle_session_timeout", "idle_in_transaction_session_timeout"):
        postgres.run(
            f"ALTER DATABASE {shared.partition('?')[0].rpartition('/')[2]} SET {limit} = 500"
        )
    write_corpus(tmp_path / "logos", range(4))
    meddling(slow)
    options = IndexingOptions(index=milvus.url("index=FLAT&timeout=20&connect=20"))
    with Workspace.open(tmp_path / "space", database=shared) as workspace:
        report, found = index_paths(workspace, [tmp_path / "logos"], tiny, options=options)
        assert (report.added, found.action) == (4, "rebuilt")
        write_corpus(tmp_path / "logos", range(4, 6))
        report, found = index_paths(workspace, [tmp_path / "logos"], tiny, options=options)
        assert (report.added, found.action) == (2, "caught up")
        other = tiny_model(tmp_path / "models", name="other", seed=1)
        assert reindex(workspace, other).embedded == 6
        assert action(workspace) == "current"


def _end_locks(postgres: Server) -> None:
    """End the connections that hold locks of ours."""
    postgres.run("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
    time.sleep(0.2)
