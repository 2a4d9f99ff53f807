"""What filters allow is found once for each state of the catalogue, and is never out of date."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.marks import entry, put

from likemark.db.errors import NotFound
from likemark.db.removal import remove_marks
from likemark.db.search import allowed_images
from likemark.db.values import Filters
from likemark.retrieval import allowed
from likemark.retrieval.allowed import KEPT, known_images
from likemark.retrieval.workspace import Workspace

EM = Filters(office=("em",))


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Filters]:
    """The filters that the catalogue itself was asked about; every set is kept."""
    found: list[Filters] = []

    def counted(session: object, filters: Filters) -> object:
        found.append(filters)
        return allowed_images(session, filters)  # type: ignore[arg-type]

    monkeypatch.setattr(allowed, "allowed_images", counted)
    monkeypatch.setattr(allowed, "COSTLY", 0.0)
    return found


def known(workspace: Workspace, filters: Filters = EM) -> list[int]:
    with workspace.catalogue.read() as session:
        ids = known_images(workspace, session, filters)
        wanted = allowed_images(session, filters)
    assert ids is not None
    assert wanted is not None
    assert ids.dtype == np.int64
    assert ids.tolist() == wanted.tolist()
    return ids.tolist()


def fill(workspace: Workspace, **offices: str) -> None:
    put(workspace.catalogue, *(entry(name, name, office=of) for name, of in offices.items()))


def kept(workspace: Workspace) -> list[Path]:
    return sorted(workspace.filters.glob("*"))


def test_the_same_filters_are_found_once(workspace: Workspace, asked: list[Filters]) -> None:
    fill(workspace, a="EM", b="US", c="EM")
    assert known(workspace) == known(workspace) == [1, 3]
    assert known(workspace, Filters(office=("US",))) == [2]
    assert asked == [EM, Filters(office=("US",))]


def test_no_filter_and_an_unknown_collection_are_told_as_by_the_catalogue(
    workspace: Workspace, asked: list[Filters]
) -> None:
    fill(workspace, a="EM")
    with workspace.catalogue.read() as session:
        assert known_images(workspace, session, Filters()) is None
        with pytest.raises(NotFound, match="no collection 'gone'"):
            known_images(workspace, session, Filters(collections=("gone",)))


def test_nothing_allowed_is_an_answer_too(workspace: Workspace, asked: list[Filters]) -> None:
    fill(workspace, a="US")
    assert known(workspace) == known(workspace) == []
    assert asked == [EM]


def test_marks_that_come_change_and_go_are_seen_at_once(
    workspace: Workspace, asked: list[Filters]
) -> None:
    fill(workspace, a="EM", b="US")
    assert known(workspace) == [1]
    fill(workspace, c="EM")
    assert known(workspace) == [1, 3]
    fill(workspace, b="EM")  # its picture stays as it is
    assert known(workspace) == [1, 2, 3]
    with workspace.catalogue.write() as session:
        assert remove_marks(session, [1]) == 1
    assert known(workspace) == [2, 3]


def test_another_mark_for_a_picture_that_is_there_is_seen_at_once(
    workspace: Workspace, asked: list[Filters]
) -> None:
    fill(workspace, a="US", b="EM")
    assert known(workspace) == [2]
    put(workspace.catalogue, entry("c", "a", office="EM"))
    assert known(workspace) == [1, 2]


@pytest.mark.parametrize("harm", ["cut", "emptied", "flipped"])
def test_a_damaged_file_is_found_anew(
    workspace: Workspace, asked: list[Filters], harm: str
) -> None:
    fill(workspace, a="EM", b="US", c="EM")
    known(workspace)
    (path,) = kept(workspace)
    data = path.read_bytes()
    flipped = data[:-1] + bytes([data[-1] ^ 1])
    path.write_bytes({"cut": data[:-1], "emptied": b"", "flipped": flipped}[harm])
    assert known(workspace) == [1, 3]
    assert len(asked) == 2
    assert path.read_bytes() == data


def test_what_is_cheap_to_find_is_not_kept(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(allowed, "COSTLY", 60.0)
    fill(workspace, a="EM")
    known(workspace)
    assert not workspace.filters.exists()


def test_where_nothing_can_be_written_a_search_answers_all_the_same(
    workspace: Workspace, asked: list[Filters]
) -> None:
    fill(workspace, a="EM")
    workspace.filters.write_text("a file where the folder would be")
    assert known(workspace) == known(workspace) == [1]
    assert len(asked) == 2


def test_only_the_latest_sets_stay(workspace: Workspace, asked: list[Filters]) -> None:
    fill(workspace, a="EM")
    for day in range(KEPT + 3):
        known(workspace, Filters(office=("EM",), owner=f"owner {day}"))
        known(workspace)  # asked for all along
    assert len(kept(workspace)) == KEPT
    assert asked.count(EM) == 1
