"""Marks are listed in pages, found by what people call them, and counted."""

from __future__ import annotations

import pytest
from support.marks import entry, file_entry, model, put

from likemark.db.browse import (
    CatalogueCounts,
    CollectionCount,
    count,
    find_mark,
    list_marks,
    rejects,
)
from likemark.db.catalogue import Catalogue
from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.db.ingest import Entry
from likemark.db.values import Filters


def found(catalogue: Catalogue, reference: str, collection: str | None = None) -> str:
    with catalogue.read() as session:
        return find_mark(session, reference, collection).key


def test_pages_follow_each_other_without_gap_or_repetition(catalogue: Catalogue) -> None:
    put(catalogue, *(entry(f"id:{n}", nice=(n % 2 + 1,)) for n in range(25)))
    keys: list[str] = []
    after = 0
    with catalogue.read() as session:
        while page := list_marks(session, Filters(nice=(1,)), limit=5, after=after):
            keys += [row.key for row in page]
            after = page[-1].id
    assert keys == [f"id:{n}" for n in range(0, 25, 2)]


@pytest.mark.parametrize("limit", [0, -1])
def test_a_page_holds_at_least_one_mark(catalogue: Catalogue, limit: int) -> None:
    with catalogue.read() as session, pytest.raises(InvalidInput, match=f"limit {limit}: give 1"):
        list_marks(session, Filters(), limit=limit)


def test_a_page_of_a_missing_collection_is_refused(catalogue: Catalogue) -> None:
    with catalogue.read() as session, pytest.raises(NotFound, match="no collection 'x'"):
        list_marks(session, Filters(collections=("x",)))


def test_a_mark_answers_to_its_id_its_numbers_and_its_name(catalogue: Catalogue) -> None:
    applied = put(
        catalogue,
        entry("id:fox-1", application_number="018123456", registration_number="R-77"),
        file_entry("/in/owl.png"),
    )
    first, second = applied.mark_ids
    for reference in (str(first), "fox-1", "018123456", "R-77"):
        assert found(catalogue, reference) == "id:fox-1"
    assert found(catalogue, "/in/owl.png") == found(catalogue, str(second)) == "file:/in/owl.png"


def test_a_number_that_is_also_anothers_own_id_must_be_made_clear(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:2"), entry("id:1"), entry("id:b", application_number="3"))
    for reference in ("1", "2"):
        with pytest.raises(InvalidInput, match="names 2 marks; give one of: @1, @2"):
            found(catalogue, reference)
    assert [found(catalogue, f"@{n}") for n in (1, 2)] == ["id:2", "id:1"]
    assert found(catalogue, "3") == "id:b"


@pytest.mark.parametrize(
    "reference", ["", "nobody", "99", "9" * 30, "-1", "\uff11", "%", "id:a", "a' OR '1'='1"]
)
def test_a_mark_that_is_not_there_is_named(catalogue: Catalogue, reference: str) -> None:
    put(catalogue, entry("id:a"))
    with pytest.raises(NotFound, match="`likemark list` shows what there is"):
        found(catalogue, reference)


def test_a_name_of_several_marks_must_be_made_clear(catalogue: Catalogue) -> None:
    put(catalogue, entry("id:a", application_number="7000"))
    put(catalogue, entry("id:b", application_number="7000"), collection="second")
    with pytest.raises(InvalidInput, match="'7000' names 2 marks; give one of: @1, @2"):
        found(catalogue, "7000")
    assert found(catalogue, "7000", "second") == "id:b"
    with pytest.raises(NotFound, match="no collection 'third'"):
        found(catalogue, "7000", "third")
    with pytest.raises(NotFound, match="no mark '1'"):
        found(catalogue, "1", "second")


def test_an_empty_catalogue_counts_nothing(catalogue: Catalogue) -> None:
    with catalogue.read() as session:
        assert count(session) == CatalogueCounts((), 0, 0, 0, None, None, None)


def test_marks_pictures_vectors_and_rejects_are_counted(catalogue: Catalogue) -> None:
    error = PictureError("/in/bad.png", "empty")
    put(
        catalogue, entry("id:1", "p"), entry("id:1", "q"), entry("id:2", "p", path="/in/copy.png"),
        entry("id:3"), Entry(entry("x").mark, "/in/bad.png", error=error, create=False),
    )  # fmt: skip
    put(catalogue, entry("id:1", "q"), entry("id:2", "r"), collection="another")
    with catalogue.write() as session:
        row = model(session)
        assert count(session) == CatalogueCounts(
            collections=(
                CollectionCount("another", marks=2, pictures=2, rejected=0),
                CollectionCount("default", marks=3, pictures=2, rejected=1),
            ),
            marks=5, pictures=3, vectors=3, model=row.name, model_fingerprint=row.fingerprint,
            dimension=row.dimension,
        )  # fmt: skip
        assert [r.path for r in rejects(session)] == ["/in/bad.png"]
        assert rejects(session, "another") == []
        with pytest.raises(NotFound, match="no collection 'none'"):
            rejects(session, "none")
