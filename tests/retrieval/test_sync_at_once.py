"""Processes that open one index at once: the newest state stays, and it is built once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier, Event, Thread
from typing import Any

import numpy as np
import pytest
from filelock import FileLock
from sqlalchemy import event
from support.indexed import fill, flip_data, folder, names, opened
from support.marks import DIMENSION

from likemark.db.catalogue import Catalogue
from likemark.db.errors import IndexDamaged, IndexFault
from likemark.db.vectors import activate, add_model, add_vectors
from likemark.index.faiss_index import FaissIndex
from likemark.index.layers import LayeredIndex
from likemark.index.lists import MappedLists
from likemark.index.storage import stored_state
from likemark.retrieval import catching_up, sync
from likemark.retrieval.sync import BUILDING, Opened, build_index, open_index
from likemark.retrieval.workspace import Workspace


@contextmanager
def beside(workspace: Workspace) -> Iterator[Workspace]:
    """The same workspace as another process has it."""
    url = workspace.catalogue.engine.url.render_as_string(False)
    with Workspace(workspace.root, Catalogue.open(url)) as other:
        yield other


@pytest.fixture
def builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was built, by the number of vectors."""
    made: list[int] = []

    def counted(*arguments: Any, **named: Any) -> Any:
        made.append(named["count"])
        return build_local(*arguments, **named)

    build_local = catching_up.build_local
    monkeypatch.setattr(catching_up, "build_local", counted)
    return made


def write_before_it_is_opened(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, name: str, *, where: str, turn: int = 1
) -> None:
    """Another process adds a mark and stores it, after one of the reader's transactions began."""
    as_it_is, calls = getattr(sync, where), 0

    def overtaken(*arguments: Any, **named: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == turn:
            with beside(workspace) as other:
                fill(other, name)
                stored = open_index(other, save=True)
                assert stored is not None
                assert stored.saved
        return as_it_is(*arguments, **named)

    monkeypatch.setattr(sync, where, overtaken)


@pytest.mark.parametrize("where", ["stored_state", "caught_up"])
@pytest.mark.parametrize("save", [None, False, True])
def test_a_reader_that_a_writer_overtakes_takes_the_newer_state_and_keeps_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, builds: list[int],
    where: str, save: bool | None,
) -> None:  # fmt: skip
    fill(workspace, *names(10))
    opened(workspace, save=True)
    builds.clear()
    write_before_it_is_opened(workspace, monkeypatch, "new", where=where)
    found = opened(workspace, save=save)
    assert (found.action, found.index.stats().count, builds) == ("current", 11, [])
    state = stored_state(folder(workspace))
    assert state is not None
    assert state.stamp.generation == found.model.generation


@pytest.mark.parametrize("turn", [1, 2], ids=["before its turn", "in its turn"])
def test_a_rebuild_that_a_writer_overtakes_is_of_the_newer_state(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, turn: int
) -> None:
    fill(workspace, *names(10))
    opened(workspace, save=True)
    write_before_it_is_opened(workspace, monkeypatch, "new", where="stored_state", turn=turn)
    found = opened(workspace, rebuild=True)
    assert (found.action, found.index.stats().count) == ("rebuilt", 11)
    assert opened(workspace).action == "current"


@pytest.mark.parametrize("save", [None, True])
def test_an_older_state_does_not_replace_the_newer_one_that_overtook_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, save: bool | None
) -> None:
    fill(workspace, *names(10))
    opened(workspace, save=True)
    fill(workspace, "one more")
    as_it_is, done = FaissIndex.save, Event()

    def overtaken(self: FaissIndex, *arguments: Any, **named: Any) -> None:
        if not done.is_set():
            done.set()
            with beside(workspace) as other:
                fill(other, "new")
                assert opened(other, save=True).saved
        as_it_is(self, *arguments, **named)

    monkeypatch.setattr(FaissIndex, "save", overtaken)
    found = open_index(workspace, save=save)
    assert found is not None
    assert (found.saved, found.index.stats().count) == ((True, 12) if save else (False, 11))
    assert opened(workspace).action == "current"


def test_many_readers_of_a_missing_index_build_it_once(
    workspace: Workspace, builds: list[int]
) -> None:
    fill(workspace, *names(50))
    found = [each.action for each in at_once(workspace)]
    assert builds == [50]
    assert sorted(found) == ["current"] * 5 + ["rebuilt"]


def test_many_readers_of_a_damaged_index_build_it_once(
    workspace: Workspace, builds: list[int]
) -> None:
    fill(workspace, *names(50))
    opened(workspace, save=True)
    flip_data(workspace)
    builds.clear()
    assert {each.index.stats().count for each in at_once(workspace)} == {50}
    assert builds == [50]


def at_once(workspace: Workspace, readers: int = 6) -> list[Opened]:
    start = Barrier(readers)

    def read(_: int) -> Opened:
        with beside(workspace) as other:
            start.wait()
            found = open_index(other)
        assert found is not None
        return found

    with ThreadPoolExecutor(readers) as pool:
        return list(pool.map(read, range(readers)))


def test_a_reader_waits_for_the_one_that_builds_and_holds_no_state_of_the_catalogue(
    workspace: Workspace, builds: list[int]
) -> None:
    fill(workspace, *names(10))
    folder(workspace).mkdir(parents=True)
    found: list[Opened] = []
    with FileLock(folder(workspace) / BUILDING):
        thread = Thread(target=lambda: found.extend(at_once(workspace, readers=1)))
        thread.start()
        thread.join(0.5)
        assert thread.is_alive()
        fill(workspace, "new")  # what it reads in the end was not there when it came
    thread.join(30)
    assert (builds, found[0].index.stats().count) == ([11], 11)


def test_a_builder_that_fails_leaves_its_turn_to_the_next(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    with pytest.raises(IndexFault, match="too few"):
        open_index(workspace, setting="IVF64,Flat", save=True)
    assert opened(workspace, setting="auto").action == "rebuilt"


def test_where_nothing_can_be_locked_everybody_builds(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    folder(workspace).parent.mkdir(parents=True)
    folder(workspace).write_text("in the way")
    found = at_once(workspace, readers=3)
    assert [(each.action, each.saved) for each in found] == [("rebuilt", False)] * 3


def test_a_current_index_is_opened_without_counting_the_catalogues_vectors(
    workspace: Workspace,
) -> None:
    fill(workspace, *names(10))
    opened(workspace, save=True)
    asked: list[str] = []
    engine = workspace.catalogue.engine
    event.listen(engine, "before_cursor_execute", lambda *a: asked.append(str(a[2])))
    assert open_index(workspace) is not None
    assert asked
    assert not [query for query in asked if "count(" in query.lower()]
    fill(workspace, "new")
    asked.clear()
    assert open_index(workspace) is not None
    assert [query for query in asked if "count(" in query.lower()]


def test_a_list_that_is_damaged_is_found_by_the_next_joining_and_all_is_built_anew(
    workspace: Workspace,
) -> None:
    fill(workspace, *names(300))
    open_index(workspace, setting="IVF4,SQ8", save=True)
    (lists,) = folder(workspace).rglob("lists.bin")
    content = bytearray(lists.read_bytes())
    content[10] ^= 1
    lists.write_bytes(content)
    fill(workspace, *names(30, "few"))
    assert opened(workspace, save=True).action == "caught up"  # nothing is joined yet
    fill(workspace, *names(80, "more"))
    found = opened(workspace, save=True)
    assert (found.action, found.saved) == ("rebuilt", True)
    assert "is not as it was stored" in found.why
    index = opened(workspace, save=True).index
    assert isinstance(index, LayeredIndex)
    index.check()


def test_where_marks_are_only_searched_what_was_added_is_joined_when_it_is_very_much(
    workspace: Workspace,
) -> None:
    fill(workspace, *names(300))
    open_index(workspace, setting="IVF4,SQ8", save=True)
    added = []
    for count, prefix in ((120, "few"), (60, "more")):
        fill(workspace, *names(count, prefix))
        found = opened(workspace)  # as a search does
        assert found.saved
        index = found.index
        assert isinstance(index, LayeredIndex)
        added.append(index.stats().added)
    assert added == [120, 0]  # a writer would have joined the first


def test_a_list_that_is_damaged_as_it_is_written_is_a_fault_and_no_endless_building(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch, builds: list[int]
) -> None:
    fill(workspace, *names(300))

    def check(self: MappedLists, numbers: Any) -> None:
        raise IndexDamaged("list 0 is not as it was stored")

    monkeypatch.setattr(MappedLists, "check", check)
    with pytest.raises(IndexFault, match="list 0 is not as it was stored"):
        open_index(workspace, setting="IVF4,SQ8", save=True)
    assert len(builds) == 2


def test_the_index_of_a_model_is_built_while_another_answers(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    ids = opened(workspace, save=True).index.ids()
    with workspace.catalogue.write() as session:
        new = add_model(session, fingerprint="cd" * 32, name="new", dimension=2)
        add_vectors(session, new.id, {int(i): np.array([0, 1], np.float32) for i in ids})
    built = build_index(workspace, new.fingerprint, setting="SQfp16", recall=None)
    assert (built.action, built.saved, built.index.dimension) == ("rebuilt", True, 2)
    assert (opened(workspace).action, opened(workspace).index.dimension) == ("current", DIMENSION)
    with workspace.catalogue.write() as session:
        activate(session, new.id)
    found = opened(workspace)
    assert (found.action, found.index.setting) == ("current", "SQfp16")
