"""A bulk load writes what batches write of the same rows, and changes nothing that is there."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import delete, select
from support.marks import entry, file_entry, mark, model, put, vector

from likemark.db.browse import list_marks, rejects
from likemark.db.bulk import BulkReport, bulk_load, settle
from likemark.db.catalogue import Catalogue
from likemark.db.changes import changed_links, newest_revision
from likemark.db.errors import Busy, CatalogueError, InvalidInput, ModelMismatch, PictureError
from likemark.db.ingest import Entry, apply_batch, collection_id
from likemark.db.lock import writer_lock
from likemark.db.removal import remove_marks, sweep_orphans
from likemark.db.schema import Image, MarkImage, Reject
from likemark.db.values import Filters
from likemark.db.vectors import ModelRow, active_model, ensure_model, vectors_since

DAY = dt.date(2024, 5, 31)
BROKEN = PictureError("/in/broken.png", "truncated", "ends after 12 bytes")
ROWS = [
    entry("id:1", "fox", nice=(9, 42), vienna=("03.01.08",), office="EM", status="Registered",
          filing_date=DAY, owner="Tab\there \\ new\nline", goods="Füchse", extra={"a": [1, None]}),
    entry("id:2", text="no picture", registration_date=DAY, expiry_date=DAY),
    entry("id:3", "owl", path="/in/a.png", text="OWL", nice=(9,)),
    entry("id:3", "elk", path="/in/b.png", nice=(4,)),
    entry("id:3", "fox", path="/in/b.png"),
    entry("id:4", "owl", text="\\N"),
    Entry(mark("id:5", text="X"), "/in/broken.png", error=BROKEN),
    entry("id:6", "ant"),
]  # fmt: skip


def the_model(catalogue: Catalogue) -> ModelRow:
    with catalogue.write() as session:
        return model(session)


def load(catalogue: Catalogue, rows: Sequence[Entry], **options: Any) -> BulkReport:
    return bulk_load(catalogue, rows, model=the_model(catalogue), **options)


def state(catalogue: Catalogue) -> dict[str, Any]:
    """Everything but the ids, which a load gives out in another order."""
    with catalogue.read() as session:
        rows = list_marks(session, Filters(), limit=10_000)
        contents = {number: c for number, c in session.execute(select(Image.id, Image.content))}
        active = active_model(session)
        assert active is not None
        vectors = {
            contents[int(i)]: row.tobytes()
            for part in vectors_since(session, active)
            for i, row in zip(part.ids, part.rows, strict=True)
        }
        return {
            "marks": [
                replace(row, id=0, images=tuple(replace(i, image_id=0) for i in row.images))
                for row in rows
            ],
            "shown": [[contents[i.image_id] for i in row.images] for row in rows],
            "vectors": vectors,
            "rejects": rejects(session),
            "pictures": set(contents.values()),
        }


@pytest.fixture
def expected(catalogue: Catalogue) -> dict[str, Any]:
    """What one batch makes of the rows; the catalogue is empty again then."""
    with catalogue.write() as session:
        apply_batch(session, collection_id(session, "default"), model(session).id, ROWS)
    result = state(catalogue)
    with catalogue.write() as session:
        remove_marks(session, [row.id for row in list_marks(session, Filters())])
        sweep_orphans(session)
        session.execute(delete(Reject))
    return result


@pytest.mark.parametrize("batch_rows", [1, 3, 1000])
def test_a_load_writes_what_a_batch_writes(
    catalogue: Catalogue, expected: dict[str, Any], batch_rows: int
) -> None:
    report = load(catalogue, ROWS, batch_rows=batch_rows)
    assert report == BulkReport(rows=8, added=6, passed=0, pictures=4, vectors=4)
    found = state(catalogue)
    if batch_rows > len(ROWS):
        assert found == expected
    assert {name: found[name] for name in ("marks", "shown", "rejects")} == {
        name: expected[name] for name in ("marks", "shown", "rejects")
    }


def test_marks_that_are_there_are_passed_over_and_counted(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:3", "cat", text="MINE"), entry("id:9"))
    report = load(catalogue, ROWS)
    assert (report.added, report.passed) == (5, 3)
    with catalogue.read() as session:
        mine = next(row for row in list_marks(session, Filters()) if row.key == "id:3")
    assert (mine.text, [image.path for image in mine.images]) == ("MINE", ["/in/cat.png"])


def test_the_same_key_in_another_collection_is_another_mark(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:3", "cat"), collection="other")
    assert load(catalogue, ROWS).passed == 0


def test_a_load_that_was_stopped_goes_on_where_it_was(catalogue: Catalogue) -> None:
    def stopped() -> Iterator[Entry]:
        yield from ROWS[:5]
        raise KeyboardInterrupt

    the = the_model(catalogue)
    with pytest.raises(KeyboardInterrupt):
        bulk_load(catalogue, stopped(), model=the, batch_rows=2)
    report = load(catalogue, ROWS, batch_rows=2)
    assert (report.added, report.passed) == (4, 2)  # of id:3 nothing was written yet
    once = state(catalogue)
    assert load(catalogue, ROWS).passed == len(ROWS)
    assert state(catalogue) == once
    assert len(once["shown"][2]) == 2


def test_known_pictures_need_neither_facts_nor_vectors(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:0", "fox"), collection="other")
    the = the_model(catalogue)
    with catalogue.read() as session:
        before = newest_revision(session).number
    known = replace(entry("id:1", "fox"), facts=None, vector=None)
    report = bulk_load(catalogue, [known, entry("id:2", "owl")], model=the)
    assert (report.pictures, report.vectors) == (1, 1)
    with catalogue.read() as session:
        links = session.scalars(select(MarkImage.id).order_by(MarkImage.id)).all()
        # An index hears of the old picture's new link by the revision, of the new by its vector.
        noted = changed_links(session, the, generation=99, revision=before)
        both = changed_links(session, the, generation=the.generation, revision=before)
        assert (list(noted), list(both)) == ([links[1]], links[1:])


def test_a_new_picture_without_facts_is_refused_and_its_batch_undone(catalogue: Catalogue) -> None:
    unknown = replace(entry("id:2", "owl"), facts=None, vector=None)
    with pytest.raises(InvalidInput, match=r"^/in/owl.png: new to the catalogue"):
        load(catalogue, [entry("id:1", "fox"), unknown])
    with catalogue.read() as session:
        assert list_marks(session, Filters()) == []


def test_vectors_need_their_model(catalogue: Catalogue) -> None:
    with pytest.raises(InvalidInput, match="name the model"):
        bulk_load(catalogue, ROWS)
    assert bulk_load(catalogue, [replace(row, vector=None) for row in ROWS]).vectors == 0


def test_vectors_of_a_model_that_is_not_the_active_one_are_refused(catalogue: Catalogue) -> None:
    first = the_model(catalogue)
    with catalogue.write() as session:
        ensure_model(session, fingerprint="cd" * 32, name="other", dimension=8)
    with pytest.raises(ModelMismatch, match="embedded with other"):
        bulk_load(catalogue, ROWS, model=first)
    with pytest.raises(ModelMismatch, match="embedded with other"), catalogue.write() as session:
        apply_batch(session, collection_id(session, "default"), first.id, ROWS)


def test_a_picture_alone_gives_way_to_the_row_that_shows_it(catalogue: Catalogue) -> None:
    put(catalogue, file_entry("/in/fox.png", "fox"), file_entry("/in/dog.png", "dog"))
    load(catalogue, ROWS)
    with catalogue.read() as session:
        keys = [row.key for row in list_marks(session, Filters())]
    assert keys == ["file:/in/dog.png", *(f"id:{n}" for n in range(1, 7))]


def test_a_folder_is_not_loaded_in_bulk(catalogue: Catalogue) -> None:
    alone = replace(file_entry("/in/fox.png"), bare=True)
    with pytest.raises(InvalidInput, match=r"/in/fox.png: a bulk load takes rows of a register"):
        load(catalogue, [alone])


def test_what_the_database_refuses_is_one_error_and_no_rows(catalogue: Catalogue) -> None:
    twice = entry("id:1", nice=(9, 9))
    with pytest.raises(CatalogueError, match=r"(?i)unique"):
        load(catalogue, [entry("id:0"), twice])
    with catalogue.read() as session:
        assert list_marks(session, Filters()) == []


def test_a_load_is_a_writer_like_others(catalogue: Catalogue) -> None:
    with writer_lock(catalogue), pytest.raises(Busy):
        bulk_load(catalogue, [])


def test_ids_follow_those_that_went(catalogue: Catalogue) -> None:
    load(catalogue, ROWS)
    with catalogue.write() as session:
        last = list_marks(session, Filters())[-1]
        remove_marks(session, [last.id])
    load(catalogue, [entry("id:7", "bee")])
    put(catalogue, entry("id:8", "bat"))
    with catalogue.read() as session:
        rows = list_marks(session, Filters())[-2:]
    assert last.id < rows[0].id < rows[1].id
    assert last.images[0].image_id < rows[0].images[0].image_id < rows[1].images[0].image_id


def test_settling_leaves_everything_as_it_is(catalogue: Catalogue) -> None:
    load(catalogue, ROWS)
    before = state(catalogue)
    settle(catalogue)
    assert state(catalogue) == before
    np.testing.assert_array_equal(
        np.frombuffer(before["vectors"][ROWS[0].content], np.float32), vector("fox")
    )
