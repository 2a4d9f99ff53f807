"""What is read in many rows is read piece by piece: no more of it is in memory than one piece."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, event
from sqlalchemy.orm import Session
from support.marks import entry, model, put

from likemark.db.browse import each_mark, list_marks
from likemark.db.catalogue import Catalogue
from likemark.db.changes import changed_links
from likemark.db.removal import unseen
from likemark.db.search import allowed_images
from likemark.db.values import Filters
from likemark.db.vectors import forget_vectors, removed_since, vectors_since

Read = Callable[[Session], Any]
STREAMS: dict[str, Read] = {
    "vectors": lambda s: list(vectors_since(s, model(s), batch=7)),
    "allowed": lambda s: allowed_images(s, Filters(nice=(9,))),
    "removed": lambda s: removed_since(s, model(s).id, 0),
    "unseen": lambda s: unseen(
        s, 1, folders=["/in"], manifests=["/in/marks.csv"], seen_links=(), seen_marks=()
    ),
    "changed": lambda s: changed_links(s, model(s), generation=0, revision=0),
    "marks": lambda s: list(each_mark(s, Filters(nice=(9,)), batch=7)),
}


@pytest.fixture
def filled(catalogue: Catalogue) -> Catalogue:
    put(catalogue, *(entry(f"id:{n}", f"p{n}", nice=(9,)) for n in range(50)))
    with catalogue.write() as session:
        forget_vectors(session, [3, 4])
    return catalogue


@contextmanager
def cursors() -> Iterator[list[Any]]:
    """The driver's cursors of every statement in the block."""
    seen: list[Any] = []

    def note(*given: Any) -> None:
        seen.append(given[1])

    event.listen(Engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(Engine, "before_cursor_execute", note)


@pytest.mark.parametrize("name", STREAMS)
def test_streams_are_read_through_the_servers_own_cursor(filled: Catalogue, name: str) -> None:
    if filled.engine.dialect.name != "postgresql":
        pytest.skip("SQLite gives row after row by itself")
    with filled.write() as session, cursors() as seen:
        STREAMS[name](session)
    assert any(isinstance(cursor, psycopg.ServerCursor) for cursor in seen)


def test_vectors_come_in_pieces_of_the_size_that_is_asked_for(filled: Catalogue) -> None:
    with filled.write() as session:
        sizes = [len(part.ids) for part in vectors_since(session, model(session), batch=20)]
    assert sizes == [20, 20, 8]


def test_a_stream_that_is_left_early_leaves_its_transaction_usable(filled: Catalogue) -> None:
    with filled.write() as session:
        row = model(session)
        stream = vectors_since(session, row, batch=5)
        first = next(stream)
        between = list_marks(session, Filters(), limit=3)  # the session serves others meanwhile
        second = next(stream)
        del stream
        assert [len(first.ids), len(between), len(second.ids)] == [5, 3, 5]
        assert len(list(vectors_since(session, row))) == 1


def test_all_marks_come_once_and_in_order(filled: Catalogue) -> None:
    with filled.read() as session:
        marks = list(each_mark(session, Filters(), batch=7))
        assert marks == list_marks(session, Filters(), limit=1000)
        assert list(each_mark(session, Filters(nice=(4,)))) == []
