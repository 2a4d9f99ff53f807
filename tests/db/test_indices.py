"""Every filter and every look-up is answered from an index, on every database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.orm import Session
from support.marks import DIMENSION, entry, mark, model, put

from likemark.benchmarks.catalogue.synthetic import Made, made_entries
from likemark.db.browse import find_mark, list_marks
from likemark.db.bulk import bulk_load, settle
from likemark.db.catalogue import Catalogue
from likemark.db.errors import NoSuchMark, PictureError
from likemark.db.ingest import Entry, apply_batch
from likemark.db.search import allowed_images, count_allowed
from likemark.db.values import Filters
from likemark.db.vectors import active_model, vectors_since

DAY = dt.date(1999, 5, 31)
# By filter: the index on SQLite, and on PostgreSQL where that is another.
EXPECTED: dict[str, tuple[Filters, str, str | None]] = {
    "nice": (Filters(nice=(13,)), "ix_mark_nice_nice_class_mark_id", None),
    "vienna": (Filters(vienna=("1.3.5",)), "ix_mark_vienna_code_mark_id", None),
    "vienna beginning": (Filters(vienna=("1.3.*",)), "ix_mark_vienna_code_mark_id", None),
    "status": (Filters(status=("withdrawn",)), "ix_marks_status", "ix_marks_status_lower"),
    "office": (Filters(office=("at", "Ch")), "ix_marks_office", "ix_marks_office_lower"),
    "owner": (Filters(owner="Gracor"), "ix_marks_owner", "ix_marks_owner_trigrams"),
    "filed": (Filters(filed_after=DAY, filed_before=DAY), "ix_marks_filing_date", None),
    "collection": (Filters(collections=("small",)), "collection", "uq_marks_collection_id_key"),
}


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    bulk_load(catalogue, made_entries(Made(3000, dimension=0)))
    bulk_load(catalogue, made_entries(Made(20, dimension=0, seed=1)), collection="small")
    settle(catalogue)
    return catalogue


@pytest.fixture(params=["settled", "without statistics"])
def looked_up(request: pytest.FixtureRequest, catalogue: Catalogue) -> Catalogue:
    """Marks with vectors; before and after the database is told what its tables hold."""
    with catalogue.write() as session:
        row = model(session)
    bulk_load(catalogue, made_entries(Made(3000, DIMENSION)), model=row, batch_rows=300)
    if request.param == "settled":
        settle(catalogue)
    return catalogue


def plan(session: Session, work: Callable[[], object], about: str = "mark_images") -> str:
    """How the database answers what `work` asks."""
    asked: list[tuple[str, Any]] = []

    def note(*given: Any) -> None:
        asked.append((given[2], given[3]))

    event.listen(Engine, "before_cursor_execute", note)
    try:
        work()
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    connection = session.connection()
    explain = "EXPLAIN" if connection.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    lines: list[str] = []
    for statement, values in asked:
        if statement.startswith("SELECT count") or f" {about}" in statement:
            rows = connection.exec_driver_sql(f"{explain} {statement}", values)
            lines += [str(row[-1]) for row in rows]
    return "\n".join(lines)


def test_every_filter_can_use_an_index(filled: Catalogue) -> None:
    postgresql = filled.engine.dialect.name == "postgresql"
    missing = {}
    with filled.read() as session:
        if postgresql:
            session.execute(text("SET LOCAL enable_seqscan = off"))
        for name, (filters, plain, other) in EXPECTED.items():
            found = plan(session, lambda filters=filters: count_allowed(session, filters, 10**9))
            if ((other or plain) if postgresql else plain) not in found:
                missing[name] = found
    assert missing == {}


def test_rare_values_are_found_by_their_index_without_being_told(filled: Catalogue) -> None:
    missing = {}
    with filled.read() as session:
        for name in ("nice", "vienna", "owner", "filed"):
            filters, plain, other = EXPECTED[name]
            found = plan(session, lambda filters=filters: allowed_images(session, filters))
            if not {plain, other} & set(found.replace("(", " ").split()):
                missing[name] = found
    assert missing == {}


def indexed(session: Session) -> None:
    """PostgreSQL reads so small a table as a whole, unless it must not."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL enable_seqscan = off"))


def test_pictures_that_a_mark_shows_already_are_found_by_their_paths(
    looked_up: Catalogue,
) -> None:
    paths = [f"/in/{n}.png" for n in range(4)]
    gone = [
        Entry(mark(f"file:{path}"), path, error=PictureError(path, "missing"), create=False,
              bare=True)
        for path in paths
    ]  # fmt: skip
    with looked_up.write() as session:
        indexed(session)
        row = model(session)
        found = plan(session, lambda: apply_batch(session, 1, row.id, gone))
    assert "ix_mark_images_path" in found
    assert "collection_id=?" not in found


@pytest.mark.parametrize("collection", [None, "default"])
def test_a_mark_is_found_by_an_index_whatever_it_is_called_by(
    looked_up: Catalogue, collection: str | None
) -> None:
    with looked_up.read() as session:
        indexed(session)

        def find() -> None:
            with pytest.raises(NoSuchMark):
                find_mark(session, "nobody", collection)

        found = plan(session, find, about="marks")
    for index in ("ix_marks_application_number", "ix_marks_registration_number"):
        assert index in found
    postgresql = looked_up.engine.dialect.name == "postgresql"
    key = "uq_marks_collection_id_key" if postgresql else "(collection_id=? AND key=?)"
    assert key in found
    assert "SCAN marks" not in found
    assert "(collection_id=?)" not in found


def test_all_vectors_are_read_in_order_and_later_ones_by_their_generation(
    looked_up: Catalogue,
) -> None:
    if looked_up.engine.dialect.name == "postgresql":
        pytest.skip("PostgreSQL weighs its ways by the number of rows")
    with looked_up.read() as session:
        row = active_model(session)
        assert row is not None
        whole = plan(session, lambda: list(vectors_since(session, row)), about="embeddings")
        last = row.generation - 1
        later = plan(session, lambda: list(vectors_since(session, row, last)), about="embeddings")
    assert "TEMP B-TREE" not in whole + later
    assert whole.endswith("sqlite_autoindex_embeddings_1 (model_id=?)")
    assert "ix_embeddings_model_id_generation (model_id=? AND generation>?)" in later
    assert "(model_id=?)" not in later


def test_a_number_of_any_length_is_held_and_found(catalogue: Catalogue) -> None:
    number = random_text(9000)
    put(catalogue, entry("id:1", application_number=number, registration_number=number[::-1]))
    with catalogue.read() as session:
        assert find_mark(session, number).id == find_mark(session, number[::-1]).id == 1


def random_text(length: int) -> str:
    return "".join(np.random.default_rng(0).choice(list("abcdefghijklmnopqrstuvwxyz"), length))


def test_without_trigrams_owners_are_found_all_the_same(filled: Catalogue) -> None:
    def found() -> list[int]:
        with filled.read() as session:
            return [row.id for row in list_marks(session, Filters(owner="gracor"))]

    before = found()
    with filled.write() as session:
        session.execute(text("DROP INDEX IF EXISTS ix_marks_owner_trigrams"))
    assert found() == before


@pytest.mark.parametrize("limit", [1, 7, 10_000])
def test_what_is_allowed_is_counted_up_to_the_limit(filled: Catalogue, limit: int) -> None:
    with filled.read() as session:
        assert count_allowed(session, Filters(), limit) is None
        for filters, _, _ in EXPECTED.values():
            marks = len(list_marks(session, filters, limit=10_000))
            images = allowed_images(session, filters)
            assert images is not None
            assert count_allowed(session, filters, limit) == min(marks, limit)
            assert len(images) <= marks


def test_pages_follow_one_another_whatever_way_they_are_found(
    filled: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("likemark.db.browse.WALK", 500)
    with filled.read() as session:
        for filters, _, _ in EXPECTED.values():
            whole = [row.id for row in list_marks(session, filters, limit=10_000)]
            pages: list[int] = []
            while page := list_marks(session, filters, limit=40, after=max(pages, default=0)):
                pages += [row.id for row in page]
            assert pages == whole
