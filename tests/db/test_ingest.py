"""Batches can be applied again and again: what is there is compared, what is not is written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select
from support.marks import digest, entry, file_entry, mark, model, put, stored

from likemark.db.browse import RejectRow, count, list_marks, rejects
from likemark.db.catalogue import Catalogue
from likemark.db.errors import CatalogueError, PictureError
from likemark.db.ingest import Applied, Entry
from likemark.db.removal import remove_marks
from likemark.db.schema import Image, MarkNice, MarkVienna
from likemark.db.search import MarkRow
from likemark.db.values import Filters
from likemark.db.vectors import removed_since


def marks(catalogue: Catalogue) -> list[MarkRow]:
    with catalogue.read() as session:
        return list_marks(session, Filters(), limit=1000)


def pictures(catalogue: Catalogue) -> dict[bytes, int]:
    with catalogue.read() as session:
        rows = session.execute(select(Image.content, Image.id).order_by(Image.id)).all()
    return {content: image_id for content, image_id in rows}


def vectors(catalogue: Catalogue) -> int:
    with catalogue.read() as session:
        return count(session).vectors


def generation(catalogue: Catalogue) -> int:
    with catalogue.write() as session:
        return model(session).generation


def test_a_mark_is_stored_with_all_that_it_has(catalogue: Catalogue) -> None:
    data = {"text": "FOX", "nice": (9, 42), "vienna": ("03.07.17",), "extra": {"a": [1, None]}}
    applied = put(catalogue, entry("id:1", "fox", **data))
    row = stored(catalogue, applied.mark_ids[0])
    assert (row.key, row.collection, row.text) == ("id:1", "default", "FOX")
    assert (row.nice, row.vienna, row.extra) == ((9, 42), ("03.07.17",), {"a": [1, None]})
    (image,) = row.images
    assert (image.path, image.width, image.height) == ("/in/fox.png", 64, 48)
    assert image.artwork == digest("artwork of fox")


def test_applying_a_batch_again_changes_nothing(catalogue: Catalogue) -> None:
    batch = [
        entry("id:1", "fox", nice=(9,), vienna=("03.07.17",), extra={"a": 1.5, "b": "ü"}),
        entry("id:1", "fox2", nice=(9,), vienna=("03.07.17",), extra={"a": 1.5, "b": "ü"}),
        entry("id:2", "owl"),
        entry("id:3"),
    ]
    first = put(catalogue, *batch)
    before = (marks(catalogue), pictures(catalogue), generation(catalogue))
    again = put(catalogue, *batch)
    assert (first.added, first.updated) == (3, 0)
    assert again == Applied(0, 0, first.link_ids, first.mark_ids)
    assert (marks(catalogue), pictures(catalogue), generation(catalogue)) == before


def test_a_known_picture_comes_again_without_facts_or_vector(catalogue: Catalogue) -> None:
    first = put(catalogue, entry("id:1", "fox"))
    bare = replace(entry("id:1", "fox"), facts=None, vector=None)
    assert put(catalogue, bare) == Applied(0, 0, first.link_ids, first.mark_ids)


def test_what_changed_is_written_and_counted_once(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", text="FOX", nice=(9, 12)), entry("id:2", text="OWL"))
    applied = put(
        catalogue,
        entry("id:1", text="FOXY", nice=(9, 42), vienna=("26.01.01",)),
        entry("id:2", text="OWL"),
    )
    assert (applied.added, applied.updated) == (0, 1)
    row = stored(catalogue, applied.mark_ids[0])
    assert (row.text, row.nice, row.vienna) == ("FOXY", (9, 42), ("26.01.01",))


def test_what_the_source_lacks_now_is_gone(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", text="FOX", nice=(9,), vienna=("26.01.01",), extra={"a": 1}))
    applied = put(catalogue, entry("id:1"))
    row = stored(catalogue, applied.mark_ids[0])
    assert (row.text, row.nice, row.vienna, row.extra) == (None, (), (), {})
    with catalogue.read() as session:
        left = [session.scalar(select(func.count()).select_from(t)) for t in (MarkNice, MarkVienna)]
    assert left == [0, 0]


def test_a_changed_picture_replaces_the_old_one_and_its_vector(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", "old", path="/in/a.png"))
    before = generation(catalogue)
    old = pictures(catalogue)[digest("old")]
    applied = put(catalogue, entry("id:1", "new", path="/in/a.png"))
    assert (applied.added, applied.updated) == (0, 1)
    assert list(pictures(catalogue)) == [digest("new")]
    assert pictures(catalogue)[digest("new")] > old
    assert vectors(catalogue) == 1
    with catalogue.write() as session:
        assert removed_since(session, model(session).id, before).tolist() == [old]


def test_a_replaced_picture_stays_while_another_mark_shows_it(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", "shared", path="/in/a.png"), entry("id:2", "shared"))
    put(catalogue, entry("id:1", "new", path="/in/a.png"))
    assert set(pictures(catalogue)) == {digest("shared"), digest("new")}
    assert vectors(catalogue) == 2


def test_two_pictures_may_change_places_in_one_batch(catalogue: Catalogue) -> None:
    put(catalogue, file_entry("/in/a.png", "one"), file_entry("/in/b.png", "two"))
    before = pictures(catalogue)
    swapped = put(catalogue, file_entry("/in/a.png", "two"), file_entry("/in/b.png", "one"))
    assert swapped.updated == 2
    assert pictures(catalogue) == before
    assert [row.images[0].image_id for row in marks(catalogue)] == list(before.values())[::-1]


def test_the_same_bytes_are_one_picture_in_all_marks_and_collections(
    catalogue: Catalogue,
) -> None:
    put(catalogue, entry("id:1", "fox"), entry("id:2", "fox", path="/in/copy.png"))
    put(catalogue, entry("id:1", "fox"), collection="second")
    assert len(pictures(catalogue)) == vectors(catalogue) == 1
    with catalogue.read() as session:
        counts = count(session)
    assert [(c.name, c.marks, c.pictures) for c in counts.collections] == [
        ("default", 2, 1), ("second", 1, 1)
    ]  # fmt: skip


def test_one_mark_may_show_several_pictures(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", "front"), entry("id:1", "back"))
    put(catalogue, entry("id:1", "side"))
    (row,) = marks(catalogue)
    assert [image.path for image in row.images] == ["/in/front.png", "/in/back.png", "/in/side.png"]


def test_a_picture_that_cannot_be_read_any_more_keeps_its_last_good_state(
    catalogue: Catalogue,
) -> None:
    first = put(catalogue, entry("id:1", "fox"))
    broken = Entry(mark("id:1"), "/in/fox.png", error=PictureError("/in/fox.png", "truncated"))
    applied = put(catalogue, broken)
    assert applied.link_ids == first.link_ids  # seen: it is not to be pruned
    assert applied.updated == 0
    assert [image.path for image in marks(catalogue)[0].images] == ["/in/fox.png"]
    assert vectors(catalogue) == 1


def test_a_picture_that_is_gone_counts_as_unseen(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", "fox"))
    gone = Entry(mark("id:1"), "/in/fox.png", error=PictureError("/in/fox.png", "missing"))
    applied = put(catalogue, gone)
    assert applied.link_ids == ()
    assert len(applied.mark_ids) == 1
    assert len(marks(catalogue)[0].images) == 1


def test_an_unreadable_picture_makes_no_mark_unless_it_has_register_data(
    catalogue: Catalogue,
) -> None:
    error = PictureError("/in/x.png", "damaged")
    no_mark = Entry(mark("file:/in/x.png"), "/in/x.png", error=error, create=False)
    with_data = Entry(mark("id:9", text="X"), "/in/x.png", error=error)
    assert put(catalogue, no_mark) == Applied(0, 0, (), ())
    assert put(catalogue, with_data).added == 1
    assert [row.key for row in marks(catalogue)] == ["id:9"]
    assert marks(catalogue)[0].images == ()


def test_not_creating_still_updates_what_is_there(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:1", text="FOX"))
    applied = put(catalogue, replace(entry("id:1", text="FOXY"), create=False))
    assert (applied.added, applied.updated) == (0, 1)


def test_refused_pictures_are_noted_until_they_can_be_read(catalogue: Catalogue) -> None:
    error = PictureError("/in/fox.png", "truncated", "ends after 12 bytes")
    broken = Entry(mark("id:1"), "/in/fox.png", error=error, create=False)
    for _ in range(2):
        put(catalogue, broken, broken)
        with catalogue.read() as session:
            assert rejects(session) == [
                RejectRow("/in/fox.png", "truncated", "ends after 12 bytes")
            ]
    put(catalogue, entry("id:1", "fox"), collection="other")
    with catalogue.read() as session:
        assert len(rejects(session, "default")) == 1
    put(catalogue, entry("id:1", "fox"))
    with catalogue.read() as session:
        assert rejects(session) == []


def test_ids_follow_the_order_of_the_input(catalogue: Catalogue) -> None:
    names = [f"p{n * 7919 % 1000:03}" for n in range(1000)]
    put(catalogue, *(entry(f"id:{name}", name) for name in names))
    assert [row.key for row in marks(catalogue)] == [f"id:{name}" for name in names]
    assert list(pictures(catalogue)) == [digest(name) for name in names]


@pytest.mark.parametrize("bare", [True, False])
def test_a_picture_that_has_gone_since_it_was_looked_up_is_named(
    catalogue: Catalogue, bare: bool
) -> None:
    known = replace(entry("id:1", "fox"), facts=None, vector=None, bare=bare)
    with pytest.raises(CatalogueError) as caught:
        put(catalogue, known)
    assert str(caught.value) == (
        "/in/fox.png: its picture has left the catalogue since it was looked up, by another "
        "writer; run the same command again"
    )
    assert marks(catalogue) == []


def test_a_file_that_a_mark_of_another_collection_shows_is_a_mark_of_its_own(
    catalogue: Catalogue,
) -> None:
    put(catalogue, entry("id:1", "fox"), collection="other")
    alone = replace(file_entry("/in/fox.png", "fox"), bare=True)
    assert put(catalogue, alone).added == 1
    put(catalogue, entry("id:1", "fox"))  # it takes the file's mark in
    assert put(catalogue, alone).added == 0
    renewed = replace(file_entry("/in/fox.png", "new"), bare=True)
    put(catalogue, renewed)
    shown = {row.collection: row.images[0].artwork for row in marks(catalogue)}
    artworks = {name: digest(f"artwork of {name}") for name in ("fox", "new")}
    assert shown == {"other": artworks["fox"], "default": artworks["new"]}


def test_an_empty_batch_is_no_change(catalogue: Catalogue) -> None:
    put(catalogue)
    before = generation(catalogue)
    assert put(catalogue) == Applied(0, 0, (), ())
    assert generation(catalogue) == before


ROWS = st.lists(
    st.builds(
        lambda key, picture, path, text, nice: entry(
            f"id:{key}", picture, path=path and f"/in/{path}", text=text, nice=tuple(sorted(nice))
        ),
        st.integers(0, 5), st.sampled_from([None, "x", "y", "z"]), st.sampled_from("ab"),
        st.sampled_from([None, "T", "U"]), st.sets(st.integers(1, 4), max_size=3),
    ),
    max_size=8,
)  # fmt: skip


@settings(max_examples=40)
@given(st.lists(ROWS, min_size=1, max_size=3))
def test_any_history_ends_in_what_its_last_rows_say(
    catalogue: Catalogue, batches: list[list[Entry]]
) -> None:
    with catalogue.write() as session:
        remove_marks(session, [row.id for row in list_marks(session, Filters())])
    last: dict[str, tuple[str | None, tuple[int, ...]]] = {}
    links: dict[tuple[str, str], bytes] = {}
    for batch in batches:
        put(catalogue, *batch)
        rows: dict[str, tuple[str | None, tuple[int, ...]]] = {}
        for row in batch:
            # Rows of one mark add up within a run, and replace what another run has said.
            text, nice = rows.get(row.mark.key, (None, ()))
            both = tuple(sorted({*nice, *row.mark.nice}))
            rows[row.mark.key] = (text if row.mark.text is None else row.mark.text, both)
        last |= rows
        for row in batch:
            if row.path is not None and row.content is not None:
                links[row.mark.key, row.path] = row.content
    contents = {image_id: content for content, image_id in pictures(catalogue).items()}
    found = marks(catalogue)
    assert {row.key: (row.text, row.nice) for row in found} == last
    assert {
        (row.key, image.path): contents[image.image_id] for row in found for image in row.images
    } == links
    assert set(contents.values()) == set(links.values())
    assert vectors(catalogue) == len(contents)


def test_an_image_that_one_batch_shows_no_more_can_be_shown_by_the_next(
    catalogue: Catalogue,
) -> None:
    put(catalogue, entry("id:1", "fox", path="/in/a.png"))
    known = replace(entry("id:2", "fox", path="/in/b.png"), facts=None, vector=None)
    put(catalogue, entry("id:1", "owl", path="/in/a.png"), sweep=False)
    put(catalogue, known)
    assert set(pictures(catalogue)) == {digest("fox"), digest("owl")}
    assert vectors(catalogue) == 2
