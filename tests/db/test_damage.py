"""What the catalogue holds in ruins is named in one line, with what to run; nobody works on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sqlalchemy import text, update
from sqlalchemy.orm import Session
from support.marks import DIMENSION, entry, file_entry, put, vector

from likemark.db.browse import list_marks
from likemark.db.bulk import bulk_load
from likemark.db.catalogue import Catalogue
from likemark.db.errors import CatalogueError
from likemark.db.links import all_links
from likemark.db.removal import remove_marks
from likemark.db.schema import Embedding
from likemark.db.values import Filters
from likemark.db.vectors import (
    ModelRow,
    active_model,
    add_vectors,
    count_vectors,
    damaged_vectors,
    vectors_of,
    vectors_since,
)

Read = Callable[[Session, ModelRow], Any]
READS: dict[str, Read] = {
    "all": lambda s, m: list(vectors_since(s, m, batch=2)),
    "later": lambda s, m: list(vectors_since(s, m, 1)),
    "some": lambda s, m: vectors_of(s, m, np.array([1, 3])),
    "links": lambda s, m: list(all_links(s, m)),
}


def stored_row(*values: float) -> bytes:
    return np.resize(np.array(values, "<f2"), DIMENSION).tobytes()


DAMAGED = {
    "empty": b"", "short": stored_row(0.5)[:-1], "long": stored_row(0.5) + b"\0\0",
    "zero": stored_row(0), "huge": stored_row(6e4), "endless": stored_row(np.inf),
    "no number": stored_row(np.nan, 0.1),
}  # fmt: skip


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    put(catalogue, entry("id:1", "fox"))
    put(catalogue, entry("id:2", "owl"), entry("id:3", "cat"), file_entry("/in/copy.png", "cat"))
    return catalogue


def damage(catalogue: Catalogue, image_id: int, data: bytes) -> None:
    with catalogue.write() as session:
        session.execute(update(Embedding).where(Embedding.image_id == image_id).values(vector=data))


def active(session: Session) -> ModelRow:
    row = active_model(session)
    assert row is not None
    return row


@pytest.mark.parametrize("read", READS)
@pytest.mark.parametrize("kind", DAMAGED)
def test_a_damaged_vector_is_named_with_the_marks_to_take_out(
    filled: Catalogue, read: str, kind: str
) -> None:
    damage(filled, 3, DAMAGED[kind])
    with filled.read() as session, pytest.raises(CatalogueError) as caught:
        READS[read](session, active(session))
    assert str(caught.value) == (
        "picture 3 (/in/cat.png): its stored vector is damaged; "
        "run: likemark remove @3 @4; then index /in/marks.csv again"
    )


def test_doing_as_the_line_says_mends_it(filled: Catalogue) -> None:
    damage(filled, 3, b"")
    with filled.write() as session:
        remove_marks(session, [3, 4])
        assert list(damaged_vectors(session, active(session))) == []
    put(filled, entry("id:3", "cat"))
    with filled.read() as session:
        (part,) = vectors_since(session, active(session))
    np.testing.assert_array_equal(part.rows[-1], vector("cat"))


def test_all_damaged_vectors_are_found(filled: Catalogue) -> None:
    for image_id, kind in ((1, "huge"), (3, "short")):
        damage(filled, image_id, DAMAGED[kind])
    with filled.read() as session:
        assert list(damaged_vectors(session, active(session), batch=2)) == [1, 3]


def test_of_many_marks_with_the_picture_the_first_are_named(catalogue: Catalogue) -> None:
    put(catalogue, *(entry(f"id:{n}", "fox", path=f"/in/{n}.png") for n in range(23)))
    damage(catalogue, 1, b"")
    with catalogue.read() as session, pytest.raises(CatalogueError) as caught:
        list(vectors_since(session, active(session)))
    assert "@19 @20 and the 3 others that show it; then" in str(caught.value)


def test_the_rounding_to_float16_is_no_damage(catalogue: Catalogue) -> None:
    rng = np.random.default_rng(0)
    rows = rng.standard_normal((200, DIMENSION)) * 10.0 ** rng.integers(-6, 1, (200, DIMENSION))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    put(catalogue, *(entry(f"id:{n}", f"p{n}") for n in range(200)))
    for image_id, row in enumerate(rows, start=1):
        damage(catalogue, image_id, row.astype("<f2").tobytes())
    with catalogue.read() as session:
        (part,) = vectors_since(session, active(session))
    np.testing.assert_allclose(part.rows, rows, atol=1e-3)


@pytest.mark.parametrize(
    "row", [np.zeros(DIMENSION), np.full(DIMENSION, np.nan), np.ones(DIMENSION)]
)
def test_a_row_that_is_no_unit_row_is_not_stored(
    filled: Catalogue, row: NDArray[np.float64]
) -> None:
    with filled.write() as session:
        before = active(session)

    def add() -> None:
        with filled.write() as session:
            session.execute(text("DELETE FROM embeddings WHERE image_id = 2"))
            add_vectors(session, before.id, {2: row.astype(np.float32)})

    with pytest.raises(CatalogueError, match=r"^picture 2: its model gave a vector whose length"):
        add()
    with filled.read() as session:
        assert (active(session), count_vectors(session, before.id)) == (before, 3)


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("filing_date", "'yesterday' stands where date belongs"),
        ("expiry_date", "'yesterday' stands where date belongs"),
        ("extra", "'yesterday' stands where JSON belongs"),
    ],
)
def test_a_damaged_date_or_json_is_named_in_one_line(
    sqlite_where: str, column: str, said: str
) -> None:
    with Catalogue.open(sqlite_where) as catalogue:
        put(catalogue, entry("id:1"))
        with catalogue.write() as session:
            session.execute(text(f"UPDATE marks SET {column} = 'yesterday'"))
        with pytest.raises(CatalogueError) as caught, catalogue.read() as session:
            list_marks(session, Filters())
        assert str(caught.value) == (
            f"catalogue {catalogue.shown}: {said}; restore it from a backup"
        )


def test_a_number_where_a_date_belongs_is_named_too(sqlite_where: str) -> None:
    with Catalogue.open(sqlite_where) as catalogue:
        bulk_load(catalogue, [entry("id:1")])
        with catalogue.write() as session:
            session.execute(text("UPDATE marks SET filing_date = x'00ff'"))
        with pytest.raises(CatalogueError, match="stands where date belongs"):
            with catalogue.read() as session:
                list_marks(session, Filters())


def test_a_fault_of_the_block_itself_stays_what_it_is(catalogue: Catalogue) -> None:
    for block in (catalogue.read, catalogue.write):
        with pytest.raises(ValueError, match="not the catalogue's"), block():
            raise ValueError("not the catalogue's")
