"""The vector index catches up with whatever happens to the catalogue."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.indexed import (
    cut_data,
    data_file,
    fill,
    flip_data,
    folder,
    lose_data,
    lose_head,
    names,
    opened,
    remove,
)
from support.marks import entry, file_entry, model, put, vector

from likemark.db.browse import list_marks
from likemark.db.catalogue import Catalogue
from likemark.db.errors import IndexFault
from likemark.db.removal import remove_marks
from likemark.db.values import Filters
from likemark.index.layers import LayeredIndex
from likemark.index.protocol import Stamp
from likemark.index.storage import HEAD
from likemark.retrieval import sync
from likemark.retrieval.sync import open_index
from likemark.retrieval.workspace import Workspace


def test_there_is_no_index_before_there_is_a_model(workspace: Workspace) -> None:
    assert open_index(workspace) is None


def test_a_model_without_vectors_has_an_empty_index(workspace: Workspace) -> None:
    with workspace.catalogue.write() as session:
        model(session)
    found = opened(workspace, save=True)
    assert (found.action, found.index.factory, found.saved) == ("rebuilt", "Flat", True)
    assert opened(workspace).action == "current"


def test_the_first_opening_builds_and_the_second_finds_it(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    first = opened(workspace)
    assert (first.action, first.why, first.saved) == ("rebuilt", "there is none yet", True)
    second = opened(workspace)
    assert (second.action, second.why, second.saved) == ("current", "", True)


def test_the_nearest_is_the_picture_itself(workspace: Workspace) -> None:
    fill(workspace, *names(30))
    index = opened(workspace).index
    queries = np.stack([vector(name) for name in names(30)])
    assert index.search(queries, 1).ids[:, 0].tolist() == index.ids().tolist()


def test_added_and_removed_pictures_are_caught_up_with(workspace: Workspace) -> None:
    fill(workspace, *names(40))
    opened(workspace, save=True)
    fill(workspace, "new 1", "new 2")
    assert opened(workspace, save=False).action == "caught up"
    remove(workspace, "p3", "new 1")
    assert opened(workspace, save=False).action == "caught up"
    put(workspace.catalogue, file_entry("/in/p5.png", "changed"))
    found = opened(workspace, save=True)
    assert (found.action, found.why, found.saved) == ("caught up", "", True)
    assert opened(workspace).action == "current"


def test_everything_may_go_and_come_again(workspace: Workspace) -> None:
    fill(workspace, *names(5))
    opened(workspace, save=True)
    remove(workspace, *names(5))
    assert opened(workspace, save=True).index.stats().count == 0
    fill(workspace, *names(5))
    assert opened(workspace).action == "caught up"


def test_a_change_of_register_data_alone_leaves_the_index_current(workspace: Workspace) -> None:
    put(workspace.catalogue, entry("id:1", "p", text="FOX"))
    opened(workspace, save=True)
    put(workspace.catalogue, entry("id:1", "p", text="FOXY"))
    assert opened(workspace).action == "current"


def test_it_is_saved_only_when_enough_has_changed(workspace: Workspace) -> None:
    fill(workspace, *names(100))
    opened(workspace)
    stored = data_file(workspace)
    fill(workspace, *names(5, "few"))
    assert not opened(workspace).saved
    assert data_file(workspace) == stored
    fill(workspace, "one more")
    assert opened(workspace).saved
    assert data_file(workspace) != stored


def test_it_is_saved_when_many_have_changed_however_small_their_share(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sync, "SAVE_COUNT", 3)
    fill(workspace, *names(100))
    opened(workspace)
    fill(workspace, *names(3, "few"))
    assert not opened(workspace).saved
    fill(workspace, "one more")
    assert opened(workspace).saved
    assert opened(workspace).action == "current"


@pytest.mark.parametrize("save", [False, True])
def test_saving_can_be_forbidden_or_asked_for(workspace: Workspace, save: bool) -> None:
    fill(workspace, *names(100))
    assert opened(workspace, save=save).saved == save
    assert (folder(workspace) / HEAD).exists() == save
    opened(workspace, save=True)
    fill(workspace, "one more")
    assert opened(workspace, save=save).saved == save
    assert opened(workspace, save=False).action == ("current" if save else "caught up")


def test_a_folder_that_cannot_be_written_is_no_fault_unless_saving_was_asked_for(
    workspace: Workspace,
) -> None:
    fill(workspace, *names(10))
    (workspace.root / "index").write_text("in the way")
    found = opened(workspace)
    assert (found.action, found.saved) == ("rebuilt", False)
    with pytest.raises(IndexFault, match="cannot be stored"):
        open_index(workspace, save=True)


def test_catching_up_reads_one_state_while_another_process_writes(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    opened(workspace, save=True)
    with Catalogue.open(workspace.catalogue.engine.url.render_as_string(False)) as other:
        put(other, file_entry("/in/new.png", "new"))
        found = open_index(workspace, save=True)
        put(other, file_entry("/in/newer.png", "newer"))
    assert found is not None
    assert found.index.stats().count == 11
    assert opened(workspace).action == "caught up"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["put", "put", "remove", "open", "save", "damage"]), st.integers(0, 11)
    ),
    min_size=3, max_size=15,
)  # fmt: skip


@settings(max_examples=30)
@given(steps=STEPS)
@pytest.mark.parametrize("setting", ["auto", "SQfp16"])
def test_after_any_history_the_index_is_the_catalogue(
    sqlite_workspace: Workspace, setting: str, steps: list[tuple[str, int]]
) -> None:
    with sqlite_workspace.catalogue.write() as session:
        remove_marks(session, [row.id for row in list_marks(session, Filters())])
        model(session)
    held: set[str] = set()
    for turn, (step, number) in enumerate(steps):
        name = f"m{number}"
        if step == "put":
            put(sqlite_workspace.catalogue, file_entry(f"/in/{name}.png", f"{name} at {turn % 3}"))
            held.add(name)
        elif step == "remove" and name in held:
            remove(sqlite_workspace, name)
            held.remove(name)
        elif step == "damage" and (folder(sqlite_workspace) / HEAD).exists():
            [cut_data, flip_data, lose_data, lose_head][number % 4](sqlite_workspace)
            opened(sqlite_workspace, setting=setting)
        elif step in ("open", "save"):
            opened(sqlite_workspace, setting=setting, save=step == "save")
    assert opened(sqlite_workspace, setting=setting).index.stats().count == len(held)


def test_a_writer_that_another_overtook_stores_all_the_same(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(workspace, *names(300))
    open_index(workspace, setting="IVF4,SQ8", save=True)
    fill(workspace, "late")
    save, calls = LayeredIndex.save, 0

    def overtaken(
        self: LayeredIndex, folder: Path, stamp: Stamp, *, instead: Stamp | None = None
    ) -> None:
        nonlocal calls
        calls += 1
        if calls == 1:  # the other sweeps away the base that this one has opened
            open_index(workspace, save=True, rebuild=True)
        save(self, folder, stamp, instead=instead)

    monkeypatch.setattr(LayeredIndex, "save", overtaken)
    found = opened(workspace, save=True)
    assert (found.action, found.saved, calls) == ("current", True, 2)
    assert len(found.index.ids()) == 301
