"""A stored index that cannot be trusted, or is not what is wanted, is rebuilt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from support.indexed import (
    break_head,
    cut_data,
    fill,
    flip_data,
    folder,
    lose_data,
    lose_folder,
    lose_head,
    names,
    opened,
    remove,
)
from support.layers import stream_of
from support.marks import DIMENSION, FINGERPRINT, file_entry, model, put, vector
from support.vectors import clustered_rows

from likemark.db.catalogue import Catalogue
from likemark.db.errors import IndexFault, InvalidInput
from likemark.db.vectors import activate, add_model, add_vectors, forget_vectors
from likemark.index.building import Plan, build
from likemark.index.factory import AUTO, EXACT_BELOW
from likemark.index.faiss_index import FaissIndex
from likemark.retrieval.sync import open_index
from likemark.retrieval.trust import unfit
from likemark.retrieval.workspace import Workspace


@pytest.mark.parametrize(
    ("harm", "why"),
    [
        (cut_data, "its bytes are not those stored"), (flip_data, "its bytes are not those stored"),
        (lose_data, "is gone"), (break_head, "its bytes are not those stored"),
        (lose_head, "there is none yet"), (lose_folder, "there is none yet"),
    ],
)  # fmt: skip
def test_a_damaged_or_missing_index_is_rebuilt(
    workspace: Workspace, harm: Callable[[Workspace], None], why: str
) -> None:
    fill(workspace, *names(20))
    opened(workspace, save=True)
    harm(workspace)
    found = opened(workspace)
    assert (found.action, found.saved) == ("rebuilt", True)
    assert why in found.why
    assert opened(workspace).action == "current"


def test_a_damaged_index_is_rebuilt_as_what_it_was_asked_to_be(sqlite_workspace: Workspace) -> None:
    fill(sqlite_workspace, *names(100))
    opened(sqlite_workspace, setting="SQfp16", save=True)
    flip_data(sqlite_workspace)
    found = opened(sqlite_workspace)
    assert (found.action, found.index.factory) == ("rebuilt", "SQfp16")


def test_an_index_of_another_catalogue_is_rebuilt(
    tmp_path: Path, sqlite_workspace: Workspace
) -> None:
    fill(sqlite_workspace, *names(5))
    opened(sqlite_workspace, save=True)
    # Not a copy of the template: a catalogue with an identity of its own.
    with Workspace(sqlite_workspace.root, Catalogue.open(tmp_path / "other.db")) as other:
        fill(other, *names(5))
        found = opened(other)
        assert (found.action, found.why) == ("rebuilt", "it belongs to another catalogue")


def restore(workspace: Workspace, backup: Path) -> None:
    """Ten marks, as they were before one more was indexed."""
    path = workspace.root / "catalogue.db"
    fill(workspace, *names(10))
    workspace.close()
    shutil.copy(path, backup)
    fill(workspace, "later")
    opened(workspace, save=True)
    workspace.close()
    shutil.copy(backup, path)


def test_a_restored_backup_is_noticed(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    restore(sqlite_workspace, tmp_path / "backup.db")
    found = opened(sqlite_workspace, save=False)
    assert (found.action, found.why) == (
        "rebuilt", "the catalogue has another history (restored from a backup?)"
    )  # fmt: skip

    # Its own state, older by number, takes the place of the other history's.
    found = opened(sqlite_workspace, save=True)
    assert (found.action, found.saved) == ("rebuilt", True)
    assert opened(sqlite_workspace).action == "current"


def test_a_history_of_as_many_changes_is_told_by_its_token(
    sqlite_workspace: Workspace, tmp_path: Path
) -> None:
    restore(sqlite_workspace, tmp_path / "backup.db")
    fill(sqlite_workspace, "something else")
    found = opened(sqlite_workspace)
    assert found.action == "rebuilt"
    assert "another history" in found.why


def test_a_restored_index_catches_up(sqlite_workspace: Workspace, tmp_path: Path) -> None:
    fill(sqlite_workspace, *names(10))
    opened(sqlite_workspace, save=True)
    shutil.copytree(folder(sqlite_workspace), tmp_path / "backup")
    fill(sqlite_workspace, *names(10, "later"))
    remove(sqlite_workspace, "p1")
    opened(sqlite_workspace, save=True)
    shutil.rmtree(folder(sqlite_workspace))
    shutil.copytree(tmp_path / "backup", folder(sqlite_workspace))
    assert opened(sqlite_workspace).action == "caught up"


def test_another_setting_rebuilds_and_then_stays(workspace: Workspace) -> None:
    fill(workspace, *names(300))
    opened(workspace, save=True)
    found = opened(workspace, setting="IVF4,Flat", save=True)
    assert (found.action, found.why) == ("rebuilt", "it was made for auto, IVF4,Flat is wanted")
    assert opened(workspace).action == "current"
    assert opened(workspace).index.setting == "IVF4,Flat"
    fill(workspace, "one more")
    assert opened(workspace).action == "caught up"
    assert opened(workspace, setting="auto").index.factory == "Flat"


def test_a_rebuild_can_be_asked_for(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    opened(workspace, save=True)
    found = opened(workspace, rebuild=True)
    assert (found.action, found.why, found.saved) == ("rebuilt", "it was asked for", True)


def test_a_setting_that_is_none_is_refused_and_what_is_stored_stays(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    opened(workspace, save=True)
    with pytest.raises(InvalidInput, match="'HNSW32' is not supported"):
        open_index(workspace, setting="HNSW32", save=True)
    with pytest.raises(IndexFault, match="10 vectors are too few to train it"):
        open_index(workspace, setting="IVF64,Flat", save=True)
    assert opened(workspace).action == "current"


def flood(workspace: Workspace, count: int) -> None:
    """Add this many pictures and vectors straight into SQLite's tables."""
    rows = np.random.default_rng(0).standard_normal((count, DIMENSION))
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype("<f2")
    with workspace.catalogue.write() as session:
        row = model(session)
        connection = session.connection()
        connection.exec_driver_sql(
            "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n LIMIT ?) "
            "INSERT INTO images SELECT i, randomblob(32), x'', 1, 1, 'PNG' FROM n",
            (count,),
        )
        connection.exec_driver_sql(
            "INSERT INTO embeddings (model_id, image_id, generation, vector) VALUES (?, ?, ?, ?)",
            [(row.id, 1000 + n, row.generation, rows[n].tobytes()) for n in range(count)],
        )


def test_auto_is_exact_until_the_collection_outgrows_it(sqlite_workspace: Workspace) -> None:
    fill(sqlite_workspace, "one")
    flood(sqlite_workspace, EXACT_BELOW - 2)
    found = open_index(sqlite_workspace, save=True)
    assert found is not None
    assert found.index.stats().exact
    assert found.index.stats().count == EXACT_BELOW - 1
    more = file_entry("/in/one more.png", "one more")
    put(sqlite_workspace.catalogue, more, sweep=False)  # no mark shows what was flooded in
    found = open_index(sqlite_workspace, save=True)
    assert found is not None
    assert (found.action, found.why) == ("rebuilt", "the collection has outgrown exact search")
    assert found.index.factory == "IVF2048,SQfp16"
    assert found.index.search(vector("one more")[None], 1).scores[0, 0] > 0.99
    found = open_index(sqlite_workspace)
    assert found is not None
    assert found.action == "current"
    with sqlite_workspace.catalogue.write() as session:  # below that size again, and not far
        forget_vectors(session, [1000, 1001])
    found = open_index(sqlite_workspace)
    assert found is not None
    assert (found.action, found.index.factory) == ("caught up", "IVF2048,SQfp16")


def test_auto_goes_back_to_exact_search_where_the_collection_is_half_that_size(
    tmp_path: Path,
) -> None:
    rows = clustered_rows(400, DIMENSION, clusters=8)
    plan = Plan("IVF4,SQfp16", AUTO, DIMENSION, 400)
    lists = build(plan, stream_of(np.arange(400), rows), tmp_path)
    exact = FaissIndex.create(AUTO, dimension=DIMENSION)
    half = EXACT_BELOW // 2
    assert unfit(lists, AUTO, None, EXACT_BELOW - 1) == ""
    assert unfit(lists, AUTO, None, half) == ""
    assert unfit(lists, AUTO, None, half - 1) == "the collection has shrunk to exact search"
    assert unfit(exact, AUTO, None, EXACT_BELOW - 1) == ""
    assert unfit(exact, AUTO, None, EXACT_BELOW) == "the collection has outgrown exact search"


def test_the_new_model_takes_over_with_an_index_of_its_own(workspace: Workspace) -> None:
    fill(workspace, *names(10))
    old = opened(workspace, save=True)
    with workspace.catalogue.write() as session:
        new = add_model(session, fingerprint="cd" * 32, name="new", dimension=2)
        add_vectors(
            session, new.id, {int(i): np.array([0, 1], np.float32) for i in old.index.ids()}
        )
    assert opened(workspace).model.fingerprint == FINGERPRINT
    with workspace.catalogue.write() as session:
        activate(session, new.id)
    found = opened(workspace)
    assert (found.action, found.index.dimension) == ("rebuilt", 2)
    assert old.index.dimension == DIMENSION


def test_an_index_under_the_name_of_another_model_is_not_believed(
    sqlite_workspace: Workspace,
) -> None:
    fill(sqlite_workspace, *names(10))
    opened(sqlite_workspace, save=True)
    with sqlite_workspace.catalogue.write() as session:
        # The folder's name is the first 16 digits only.
        twin = add_model(
            session, fingerprint=FINGERPRINT[:16] + "0" * 48, name="twin", dimension=DIMENSION
        )
        activate(session, twin.id)
    found = opened(sqlite_workspace)
    assert (found.action, found.why) == ("rebuilt", "it holds another model's vectors")
