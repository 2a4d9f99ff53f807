"""Writers beside each other, readers beside them: nobody waits for long, nobody sees a half."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as Late

import pytest
from sqlalchemy import text
from sqlalchemy.orm import Session
from support.marks import entry, model, put

from likemark.db.browse import count
from likemark.db.bulk import bulk_load
from likemark.db.catalogue import Catalogue
from likemark.db.errors import Busy
from likemark.db.ingest import Entry, apply_batch, collection_id
from likemark.db.lock import writer_lock
from likemark.db.removal import remove_marks, sweep_orphans

BATCHES, SIZE, READERS = 8, 15, 10


def side_by_side(catalogue: Catalogue) -> bool:
    return catalogue.engine.dialect.name == "postgresql"


def batch_of(name: str, number: int, *, turned: bool) -> list[Entry]:
    """Marks of one's own with pictures of which half are everybody's, in either order."""
    rows = [
        entry(f"{name}:{number}:{n}", f"all {number} {n}" if n % 2 else f"{name} {number} {n}")
        for n in range(SIZE)
    ]
    return rows[::-1] if turned else rows


def write(catalogue: Catalogue, name: str, *, turned: bool) -> None:
    """Batches by turns as `likemark index` writes them and in bulk."""
    with catalogue.write() as session:
        row = model(session)
    for number in range(BATCHES):
        rows = batch_of(name, number, turned=turned)
        if number % 2:
            bulk_load(catalogue, rows, collection=name, model=row, wait=60)
            continue
        with writer_lock(catalogue, wait=60, collection=name), catalogue.write() as session:
            apply_batch(session, collection_id(session, name), row.id, rows)


def look(session: Session) -> int:
    """The generation, after everything was held against everything."""

    def number(query: str) -> int:
        return int(session.execute(text(query)).scalar_one())

    generation = number("SELECT coalesce(max(generation), 0) FROM models")
    assert number("SELECT count(*) FROM generations") == (generation + 1 if generation else 1)
    assert number("SELECT coalesce(max(generation), 0) FROM embeddings") == generation
    images = number("SELECT count(*) FROM images")
    assert number("SELECT count(*) FROM embeddings") == images
    assert number("SELECT count(DISTINCT image_id) FROM mark_images") == images
    each = session.execute(text("SELECT count(*) FROM marks GROUP BY collection_id"))
    assert all(marks % SIZE == 0 for marks in each.scalars())
    assert number("SELECT count(*) FROM mark_images") == number("SELECT count(*) FROM marks")
    return generation


def read(catalogue: Catalogue, ended: threading.Event) -> list[int]:
    seen = []
    while not ended.is_set():
        with catalogue.read() as session:
            seen.append(look(session))
        ended.wait(0.05)  # the cores are few
    return seen


def test_two_writers_and_ten_readers_at_once(where: str) -> None:
    ended = threading.Event()
    with Catalogue.open(where) as catalogue, ThreadPoolExecutor(READERS + 2) as pool:
        with catalogue.write() as session:
            model(session)
        names = ("a", "b") if side_by_side(catalogue) else ("a",)
        try:
            readers = [pool.submit(read, catalogue, ended) for _ in range(READERS)]
            writers = [pool.submit(write, catalogue, n, turned=n == "b") for n in names]
            for writer in writers:
                writer.result(timeout=120)
        finally:
            ended.set()
        histories = [reader.result(timeout=60) for reader in readers]
        with catalogue.read() as session:
            last = look(session)
            counts = count(session)
    assert all(history and history == sorted(history) for history in histories)
    assert max(map(max, histories)) <= last
    assert {c.name: c.marks for c in counts.collections} == dict.fromkeys(names, BATCHES * SIZE)
    everybodys = BATCHES * (SIZE // 2)
    assert counts.pictures == everybodys + len(names) * (BATCHES * SIZE - everybodys)


def test_collections_have_writers_of_their_own(catalogue: Catalogue) -> None:
    with writer_lock(catalogue, collection="a"):
        with pytest.raises(Busy), writer_lock(catalogue, collection="a"):
            pass
        with pytest.raises(Busy), writer_lock(catalogue):
            pass
        if side_by_side(catalogue):
            with writer_lock(catalogue, collection="b"):
                pass
        else:
            with pytest.raises(Busy), writer_lock(catalogue, collection="b"):
                pass
    with writer_lock(catalogue), pytest.raises(Busy), writer_lock(catalogue, collection="a"):
        pass


def test_who_writes_beside_others_is_not_alone(catalogue: Catalogue) -> None:
    with writer_lock(catalogue) as held, held.alone() as alone:
        assert alone
    with writer_lock(catalogue, collection="a") as one:
        with one.alone() as alone:
            assert alone
        if not side_by_side(catalogue):
            return
        with writer_lock(catalogue, collection="b") as two:
            with one.alone() as first, two.alone() as second:
                assert (first, second) == (False, False)
        with one.alone() as alone:
            assert alone


def test_a_writer_waits_for_anothers_sweep_even_if_it_would_not_wait(catalogue: Catalogue) -> None:
    if not side_by_side(catalogue):
        pytest.skip("SQLite has one writer")

    def begin() -> str:
        with writer_lock(catalogue, collection="b"):
            return "began"

    with ThreadPoolExecutor(1) as pool, writer_lock(catalogue, collection="a") as held:
        with held.alone() as alone:
            assert alone
            other = pool.submit(begin)
            with pytest.raises(Late):
                other.result(timeout=0.6)
        assert other.result(timeout=30) == "began"


@pytest.mark.parametrize("alone", [True, False])
def test_pictures_go_with_their_marks_only_where_nobody_else_writes(
    catalogue: Catalogue, alone: bool
) -> None:
    gone = put(catalogue, entry("id:1", "fox")).mark_ids
    with catalogue.write() as session:
        assert remove_marks(session, gone, alone=alone) == 1
    with catalogue.write() as session:
        assert count(session).pictures == (0 if alone else 1)
        sweep_orphans(session)
        assert count(session).pictures == 0
