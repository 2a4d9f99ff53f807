"""One writer at a time, whoever it is and however it ends; readers never wait."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import text
from support.marks import entry, put
from support.postgres import Server
from support.processes import Process, python

from likemark.db.browse import count
from likemark.db.bulk import BulkReport, bulk_load
from likemark.db.catalogue import Catalogue
from likemark.db.errors import Busy, CatalogueError
from likemark.db.lock import writer_lock

HOLD = """
    import sys
    from likemark.db.catalogue import Catalogue
    from likemark.db.lock import writer_lock

    with Catalogue.open(sys.argv[1]) as catalogue, writer_lock(catalogue):
        print("held", flush=True)
        input()
"""

# Without the lock, transactions keep two writers of different pictures apart.
WRITE = """
    import sys, time
    from contextlib import nullcontext
    from likemark.db.catalogue import Catalogue
    from likemark.db.errors import CatalogueError
    from likemark.db.lock import writer_lock
    from support.marks import entry, put

    where, name, locked = sys.argv[1:]
    shared = "" if locked == "locked" else name  # who drops a shared picture needs the lock
    print("ready", flush=True)
    input()
    with Catalogue.open(where) as catalogue:
        for batch in range(10):
            rows = [
                entry(f"{name}:{n}", f"{shared} {(batch + n) % 7}", path=f"/in/{name}.png")
                for n in range(5)
            ]
            for attempt in range(200):
                lock = writer_lock(catalogue, wait=60) if locked == "locked" else nullcontext()
                try:
                    with lock:
                        put(catalogue, *rows)
                    break
                except CatalogueError:
                    if locked == "locked":
                        raise
                    time.sleep(0.01)
            else:
                raise TimeoutError("always refused")
"""


def wait_until_held(process: Process) -> None:
    assert process.line() == "held"


def test_a_second_writer_is_refused_at_once(where: str) -> None:
    with Catalogue.open(where) as catalogue, python(HOLD, where) as holder:
        wait_until_held(holder)
        start = time.monotonic()
        with pytest.raises(Busy) as caught, writer_lock(catalogue):
            pass
        assert time.monotonic() - start < 2
    # The server knows its own process of the holder, not the holder's.
    who = f"process {holder.pid}" if where.startswith("sqlite") else "another process"
    assert str(caught.value) == (
        f"{who} is writing to {catalogue.shown}; try again when it has ended, or add --wait SECONDS"
    )


def test_two_writers_in_one_process_exclude_each_other_too(where: str) -> None:
    with Catalogue.open(where) as one, Catalogue.open(where) as two, writer_lock(one):
        with pytest.raises(Busy), writer_lock(two):
            pass
        with pytest.raises(Busy), writer_lock(one):
            pass


def test_the_lock_is_free_again_after_its_block_even_a_failed_one(catalogue: Catalogue) -> None:
    for _ in range(2):
        with pytest.raises(RuntimeError, match="stop"), writer_lock(catalogue):
            raise RuntimeError("stop")
    with writer_lock(catalogue):
        pass


def test_waiting_gets_the_lock_when_the_other_ends(where: str) -> None:
    with Catalogue.open(where) as catalogue, python(HOLD, where) as holder:
        wait_until_held(holder)
        with python(HOLD.replace("catalogue):", "catalogue, wait=30):"), where) as waiting:
            time.sleep(0.3)
            assert waiting.running.poll() is None
            holder.go_on()
            wait_until_held(waiting)
            with pytest.raises(Busy), writer_lock(catalogue):
                pass
            waiting.go_on()
            waiting.end()


def test_waiting_ends_when_the_time_is_over(where: str) -> None:
    with Catalogue.open(where) as catalogue, python(HOLD, where) as holder:
        wait_until_held(holder)
        start = time.monotonic()
        with pytest.raises(Busy), writer_lock(catalogue, wait=0.5):
            pass
        assert 0.5 <= time.monotonic() - start < 5


def test_a_killed_writer_leaves_no_lock(where: str) -> None:
    with Catalogue.open(where) as catalogue, python(HOLD, where) as holder:
        wait_until_held(holder)
        holder.kill()
        # The server needs a moment to notice.
        with writer_lock(catalogue, wait=10):
            put(catalogue, entry("id:1", "fox"))


def test_the_writer_after_a_killed_one_is_named_by_its_own_number(sqlite_where: str) -> None:
    with python(HOLD, sqlite_where) as first:
        wait_until_held(first)
        first.kill()
    with Catalogue.open(sqlite_where) as catalogue, python(HOLD, sqlite_where) as second:
        wait_until_held(second)
        with pytest.raises(Busy, match=f"^process {second.pid} is writing"), writer_lock(catalogue):
            pass


def test_a_writer_that_left_no_number_is_busy_all_the_same(sqlite_where: str) -> None:
    with Catalogue.open(sqlite_where) as catalogue, python(HOLD, sqlite_where) as holder:
        wait_until_held(holder)
        for leave in (lambda path: path.write_text(""), Path.unlink):
            leave(Path(f"{catalogue.shown}.writer"))
            with pytest.raises(Busy, match=r"^another process is writing"), writer_lock(catalogue):
                pass


def test_readers_read_while_a_writer_is_in_mid_transaction(where: str) -> None:
    with Catalogue.open(where) as one, Catalogue.open(where) as two, writer_lock(one):
        put(one, entry("id:1", "fox"))
        with one.write() as session:
            session.execute(text("UPDATE marks SET text = 'half'"))
            start = time.monotonic()
            with two.read() as other:
                assert count(other).marks == 1
                assert other.scalar(text("SELECT text FROM marks")) is None
            assert time.monotonic() - start < 2
            # Nor does opening wait.
            Catalogue.open(where).close()
        with two.read() as other:
            assert other.scalar(text("SELECT text FROM marks")) == "half"


def test_a_folder_that_takes_no_lock_is_named(sqlite_where: str) -> None:
    with Catalogue.open(sqlite_where) as catalogue:
        Path(f"{catalogue.shown}.lock").mkdir()
        with pytest.raises(CatalogueError, match=r"Is a directory: .*\.lock"):
            with writer_lock(catalogue):
                pass


def test_a_server_lost_while_writing_is_named(postgres: Server, postgres_template: str) -> None:
    with postgres.database(postgres_template) as url, Catalogue.open(url) as catalogue:
        with pytest.raises(CatalogueError, match="connection"), writer_lock(catalogue):
            postgres.disconnect(str(catalogue.engine.url.database))


def test_the_right_to_write_is_held_on(catalogue: Catalogue) -> None:
    for collection in (None, "a"):
        with writer_lock(catalogue, collection=collection) as held:
            held.keep()
            with held.alone() as alone:
                assert alone
            held.keep()


@pytest.mark.parametrize("collection", [None, "a"])
def test_a_writer_that_has_lost_its_right_hears_of_it_before_it_writes(
    postgres: Server, postgres_template: str, collection: str | None
) -> None:
    def write(catalogue: Catalogue) -> None:
        with writer_lock(catalogue, collection=collection) as held:
            postgres.disconnect(str(catalogue.engine.url.database))
            with writer_lock(catalogue):  # it is another's now
                held.keep()

    with postgres.database(postgres_template) as url, Catalogue.open(url) as catalogue:
        with pytest.raises(CatalogueError) as caught:
            write(catalogue)
    said = str(caught.value)
    assert "the connection that held the right to write is lost (terminating connection" in said
    assert said.endswith("); run the same command again")
    assert "\n" not in said


def test_a_load_ends_where_its_right_to_write_is_lost(
    postgres: Server, postgres_template: str
) -> None:
    with postgres.database(postgres_template) as url, Catalogue.open(url) as catalogue:
        rows = [entry(f"id:{n}") for n in range(6)]

        def lose(report: BulkReport) -> None:
            if report.rows == 4:
                postgres.disconnect(str(catalogue.engine.url.database))

        with pytest.raises(CatalogueError, match="the right to write is lost"):
            bulk_load(catalogue, rows, batch_rows=2, progress=lose)
        with catalogue.read() as session:
            assert count(session).marks == 4
        assert bulk_load(catalogue, rows).added == 2


def test_catalogues_on_one_server_do_not_lock_each_other(
    postgres: Server, postgres_template: str
) -> None:
    with (
        postgres.database(postgres_template) as here, postgres.database(postgres_template) as there,
        Catalogue.open(here) as one, Catalogue.open(there) as two,
        writer_lock(one), writer_lock(two),
    ):  # fmt: skip
        assert one.shown != two.shown


@pytest.mark.parametrize("locked", ["locked", "free"])
def test_two_processes_that_write_at_once_end_in_one_consistent_catalogue(
    where: str, locked: str
) -> None:
    with python(WRITE, where, "a", locked) as one, python(WRITE, where, "b", locked) as two:
        assert (one.line(), two.line()) == ("ready", "ready")
        one.go_on()
        two.go_on()
        one.end()
        two.end()
    with Catalogue.open(where) as catalogue, catalogue.read() as session:
        assert count(session).marks == 10
        shown = set(session.scalars(text("SELECT image_id FROM mark_images")))
        assert set(session.scalars(text("SELECT id FROM images"))) == shown
        assert set(session.scalars(text("SELECT image_id FROM embeddings"))) == shown
        numbers = session.scalars(text("SELECT number FROM generations ORDER BY number")).all()
        current: int = session.execute(text("SELECT generation FROM models")).scalar_one()
    assert list(numbers) == list(range(current + 1))
