"""Marks go with all that hangs on them, and pruning never reaches beyond what was indexed."""

from __future__ import annotations

import pytest
from sqlalchemy import func, select
from support.marks import digest, entry, file_entry, model, put

from likemark.db.browse import count, list_marks, rejects
from likemark.db.catalogue import Catalogue
from likemark.db.errors import PictureError
from likemark.db.ingest import Applied, Entry, collection_id
from likemark.db.removal import forget_rejects, prune, remove_marks, unseen
from likemark.db.schema import Base, Image
from likemark.db.values import Filters, MarkData
from likemark.db.vectors import removed_since

NOTHING = Applied(0, 0, (), ())


def keys(catalogue: Catalogue) -> list[str]:
    with catalogue.read() as session:
        return [row.key for row in list_marks(session, Filters())]


def paths(catalogue: Catalogue) -> list[str]:
    with catalogue.read() as session:
        return [image.path for row in list_marks(session, Filters()) for image in row.images]


def prune_after(
    catalogue: Catalogue, seen: Applied, *, folders: tuple[str, ...] = (),
    manifests: tuple[str, ...] = (), collection: str = "default",
) -> int:  # fmt: skip
    with catalogue.write() as session:
        links, marks = unseen(
            session,
            collection_id(session, collection),
            folders=folders,
            manifests=manifests,
            seen_links=set(seen.link_ids),
            seen_marks=set(seen.mark_ids),
        )
        return prune(session, links, marks)


def test_a_removed_mark_leaves_nothing_of_itself(catalogue: Catalogue) -> None:
    applied = put(
        catalogue, entry("id:1", "fox", nice=(9,), vienna=("03.07.17",)), entry("id:1", "fox2")
    )
    with catalogue.write() as session:
        assert remove_marks(session, applied.mark_ids) == 1
    kept = {"catalogue_info", "collections", "models", "generations", "removals"}
    kept |= {"revisions", "link_changes"}  # word of what went
    with catalogue.read() as session:
        left = {
            table.name for table in Base.metadata.sorted_tables
            if session.execute(select(func.count()).select_from(table)).scalar_one()
        }  # fmt: skip
    assert left == kept


def test_the_index_is_told_of_vectors_that_went(catalogue: Catalogue) -> None:
    applied = put(catalogue, entry("id:1", "fox"), entry("id:2", "owl"))
    with catalogue.write() as session:
        row = model(session)
        fox = session.scalars(select(Image.id).where(Image.content == digest("fox"))).one()
        remove_marks(session, applied.mark_ids[:1])
        assert removed_since(session, row.id, row.generation).tolist() == [fox]


def test_a_picture_stays_while_any_mark_shows_it(catalogue: Catalogue) -> None:
    one = put(catalogue, entry("id:1", "fox"))
    two = put(catalogue, entry("id:1", "fox"), collection="other")
    with catalogue.write() as session:
        remove_marks(session, one.mark_ids)
        assert (count(session).pictures, count(session).vectors) == (1, 1)
        remove_marks(session, two.mark_ids)
        assert (count(session).pictures, count(session).vectors) == (0, 0)


def test_only_marks_that_were_there_are_counted(catalogue: Catalogue) -> None:
    applied = put(catalogue, entry("id:1"), entry("id:2"))
    with catalogue.write() as session:
        assert remove_marks(session, []) == 0
        assert remove_marks(session, [*applied.mark_ids, 10**9]) == 2
        assert remove_marks(session, applied.mark_ids) == 0


def test_pruning_a_folder_takes_what_it_does_not_hold_any_more(catalogue: Catalogue) -> None:
    put(catalogue, *(file_entry(f"/in/{name}.png") for name in ("a", "sub/b", "c")))
    seen = put(catalogue, file_entry("/in/a.png"))
    assert prune_after(catalogue, seen, folders=("/in",)) == 2
    assert keys(catalogue) == ["file:/in/a.png"]


@pytest.mark.parametrize("folder", ["/in/a", "/in/a/"])
@pytest.mark.parametrize(
    "beside", ["/in/ab/x.png", "/in/A/x.png", "/in/a.png", "/other/in/a/x.png", "/in/x.png"]
)
def test_pruning_a_folder_leaves_its_neighbours_alone(
    catalogue: Catalogue, folder: str, beside: str
) -> None:
    put(catalogue, file_entry("/in/a/x.png"), file_entry(beside))
    assert prune_after(catalogue, NOTHING, folders=(folder,)) == 1
    assert keys(catalogue) == [f"file:{beside}"]


@pytest.mark.parametrize(
    ("folder", "beside"),
    [("/in/50%", "/in/50 years"), ("/in/a_b", "/in/axb"), ("/in/a\\", "/in/a"),
     ("/in/[x]", "/in/x"), ("/in/a/b", "/in/a%b"), ("/in/é", "/in/É"), ("/in/a*", "/in/ab")],
)  # fmt: skip
def test_letters_with_a_meaning_in_patterns_are_plain_in_names(
    catalogue: Catalogue, folder: str, beside: str
) -> None:
    put(catalogue, file_entry(f"{folder}/x.png"), file_entry(f"{beside}/x.png"))
    assert prune_after(catalogue, NOTHING, folders=(folder,)) == 1
    assert keys(catalogue) == [f"file:{beside}/x.png"]


def test_the_root_folder_holds_everything(catalogue: Catalogue) -> None:
    put(catalogue, file_entry("/a.png"), file_entry("/in/b.png"))
    assert prune_after(catalogue, NOTHING, folders=("/",)) == 2


def test_pruning_a_folder_leaves_manifest_marks_and_other_collections(
    catalogue: Catalogue,
) -> None:
    put(catalogue, entry("file:/in/m.png", "m", path="/in/m.png", source="/in/marks.csv"))
    put(catalogue, entry("id:1", "n", path="/in/n.png", source="/in/marks.csv"))
    put(catalogue, file_entry("/in/x.png"), collection="other")
    assert prune_after(catalogue, NOTHING, folders=("/in",)) == 0
    assert len(keys(catalogue)) == 3


def test_pruning_a_manifest_takes_its_rows_and_pictures_that_went(catalogue: Catalogue) -> None:
    rows = [
        entry("id:1", "a", source="/in/m.csv"),
        entry("id:1", "b", source="/in/m.csv"),
        entry("id:2", "c", source="/in/m.csv"),
        entry("id:3", "d", source="/in/m_csv"),
        entry("id:4", source="/in/m.csv"),
    ]
    put(catalogue, *rows)
    seen = put(catalogue, rows[0], rows[4])
    assert prune_after(catalogue, seen, manifests=("/in/m.csv",)) == 1
    assert keys(catalogue) == ["id:1", "id:3", "id:4"]
    assert paths(catalogue) == ["/in/a.png", "/in/d.png"]
    with catalogue.read() as session:
        assert count(session).vectors == 2


def test_pruning_with_everything_seen_takes_nothing(catalogue: Catalogue) -> None:
    rows = [file_entry("/in/a.png"), file_entry("/in/b.png"), entry("id:1", "c", source="/m.csv")]
    seen = put(catalogue, *rows)
    assert prune_after(catalogue, seen, folders=("/in",), manifests=("/m.csv",)) == 0
    assert len(paths(catalogue)) == 3


def test_a_picture_in_two_scopes_is_pruned_once(catalogue: Catalogue) -> None:
    put(catalogue, file_entry("/in/sub/a.png"))
    assert prune_after(catalogue, NOTHING, folders=("/in", "/in/sub")) == 1
    assert keys(catalogue) == []


def test_notes_on_refused_pictures_go_with_their_folder_only(catalogue: Catalogue) -> None:
    names = ["/in/a/1.png", "/in/a/2.png", "/in/ab/3.png", "/in/A/4.png", "/in/a_/5.png"]
    put(catalogue, *(
        Entry(MarkData(key=f"file:{name}", source=name), name, create=False,
              error=PictureError(name, "empty"))
        for name in names
    ))  # fmt: skip
    with catalogue.write() as session:
        collection = collection_id(session, "default")
        other = collection_id(session, "other")
        forget_rejects(session, other, folders=["/in"], manifests=[], keep=())
        forget_rejects(session, collection, folders=["/in/a"], manifests=[], keep={"/in/a/2.png"})
    with catalogue.read() as session:
        assert [row.path for row in rejects(session)] == sorted(names[1:])
