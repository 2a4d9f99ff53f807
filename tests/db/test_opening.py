"""A catalogue opens where it is told to, or says in one line why it cannot."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from threading import Timer

import pytest
from sqlalchemy import text
from support.marks import entry, put
from support.postgres import Server

from likemark.db.browse import count
from likemark.db.catalogue import Catalogue
from likemark.db.errors import CatalogueError
from likemark.db.schema import Collection


def test_what_was_written_is_there_when_it_is_opened_again(where: str) -> None:
    with Catalogue.open(where) as catalogue:
        put(catalogue, entry("a", "fox"))
        identity = catalogue.identity
    with Catalogue.open(where) as catalogue:
        assert catalogue.identity == identity
        with catalogue.read() as session:
            assert count(session).marks == 1


def test_opening_waits_for_another_process_that_is_making_the_file(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "c.db", isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    Timer(0.3, other.execute, ["COMMIT"]).start()
    with Catalogue.open(tmp_path / "c.db") as catalogue, catalogue.read() as session:
        assert count(session).marks == 0
    other.close()


def test_a_failed_block_leaves_nothing_behind(catalogue: Catalogue) -> None:
    def fail() -> None:
        with catalogue.write() as session:
            session.add(Collection(name="half"))
            session.flush()
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        fail()
    with catalogue.read() as session:
        assert count(session).collections == ()


def test_a_read_block_sees_one_state_while_others_write(catalogue: Catalogue) -> None:
    put(catalogue, entry("a", "fox"))
    with catalogue.read() as session:
        assert count(session).marks == 1
        put(catalogue, entry("b", "owl"))
        assert count(session).marks == 1
    with catalogue.read() as session:
        assert count(session).marks == 2


def test_sqlite_runs_with_a_write_ahead_log_and_foreign_keys(sqlite_where: str) -> None:
    wanted = {"journal_mode": "wal", "foreign_keys": 1, "synchronous": 2, "busy_timeout": 30_000}
    with Catalogue.open(sqlite_where) as catalogue, catalogue.read() as session:
        found = {name: session.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted}
    assert found == wanted


def test_a_row_that_points_nowhere_is_refused(catalogue: Catalogue) -> None:
    with pytest.raises(CatalogueError, match=r"(?i)foreign key"), catalogue.write() as session:
        session.execute(text("INSERT INTO mark_nice (mark_id, nice_class) VALUES (99, 9)"))


@pytest.mark.parametrize("name", ["what?.db", "50%.db", "a b#c.db", "ünïcode.db", "a?b/c&d=e.db"])
def test_a_file_is_opened_under_the_very_name_given(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    with Catalogue.open(path) as catalogue:
        assert catalogue.shown == str(path)
    files = {p for p in tmp_path.rglob("*") if p.is_file()}
    assert files == {path}


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(CatalogueError, match=r"nowhere/c\.db: its folder does not exist"):
        Catalogue.open(tmp_path / "nowhere" / "c.db")


@pytest.mark.parametrize(
    "url", ["oracle+nothing://x", "mysql://host/x", "://", "postgresql://host:port/x"]
)
def test_an_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(CatalogueError, match="URL not understood"):
        Catalogue.open(url)


def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "notes.db"
    path.write_text("these are notes, not a database. " * 200)
    with pytest.raises(CatalogueError, match="not a database; restore the file from a backup"):
        Catalogue.open(path)
    assert path.read_text().startswith("these are notes")


def test_a_database_damaged_while_open_is_named_too(tmp_path: Path) -> None:
    path = tmp_path / "c.db"
    with Catalogue.open(path) as catalogue:
        put(catalogue, *(entry(str(i), f"p{i}", goods="x" * 500) for i in range(50)))
    data = bytearray(path.read_bytes())
    data[len(data) // 3 :] = b"\xa5" * (len(data) - len(data) // 3)
    path.write_bytes(data)

    def read() -> None:
        with Catalogue.open(path) as catalogue, catalogue.read() as session:
            session.execute(text("SELECT * FROM marks ORDER BY goods")).all()
            session.execute(text("SELECT * FROM embeddings")).all()

    with pytest.raises(CatalogueError, match="malformed; restore the file from a backup"):
        read()


def test_a_server_that_is_not_there_is_named_without_the_password(tmp_path: Path) -> None:
    url = f"postgresql+psycopg://me:secret@/marks?host={tmp_path}"
    with pytest.raises(
        CatalogueError, match=r"(?s)me:\*\*\*@.* is bad: connection to server"
    ) as caught:
        Catalogue.open(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["password", "sslpassword", "PASSWORD", "oauth_client_secret"])
def test_a_secret_among_the_settings_of_an_url_is_not_shown(tmp_path: Path, name: str) -> None:
    url = f"postgresql+psycopg://me@/marks?host={tmp_path}&{name}=hidden&connect_timeout=2"
    with pytest.raises(CatalogueError, match=r"me@/marks\?connect_timeout=2&host=") as caught:
        Catalogue.open(url)
    assert "hidden" not in str(caught.value)


def test_a_catalogue_shows_no_secret_of_its_url(postgres: Server, postgres_template: str) -> None:
    with postgres.database(postgres_template) as url:
        with Catalogue.open(f"{url}&password=hidden") as catalogue:
            assert catalogue.shown.startswith("postgresql+psycopg://postgres@/")
            assert "hidden" not in catalogue.shown


def test_connections_that_the_server_has_ended_meanwhile_are_made_anew(
    postgres: Server, postgres_template: str
) -> None:
    with postgres.database(postgres_template) as url, Catalogue.open(url) as catalogue:
        put(catalogue, entry("a", "fox"))
        postgres.disconnect(str(catalogue.engine.url.database))
        with catalogue.read() as session:
            assert count(session).marks == 1


def test_a_database_that_is_not_there_is_named(postgres: Server) -> None:
    with pytest.raises(CatalogueError, match='database "nobody_made_it" does not exist'):
        Catalogue.open(postgres.url("nobody_made_it"))


def test_a_server_that_ends_the_connection_is_named(
    postgres: Server, postgres_template: str
) -> None:
    def read(catalogue: Catalogue) -> None:
        with catalogue.read() as session:
            count(session)
            postgres.disconnect(str(catalogue.engine.url.database))
            count(session)

    with postgres.database(postgres_template) as url, Catalogue.open(url) as catalogue:
        with pytest.raises(CatalogueError, match="terminating connection"):
            read(catalogue)
        with catalogue.read() as session:  # the next one connects again
            assert count(session).marks == 0
