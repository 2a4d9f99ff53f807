"""The migrations build exactly the tables that are declared, on both databases, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine, inspect, text
from sqlalchemy.pool import NullPool
from support.processes import python

from likemark.db.catalogue import Catalogue
from likemark.db.errors import CatalogueError, NotFound
from likemark.db.migrations import HEAD
from likemark.db.migrations.runner import _config, known_revisions, upgrade
from likemark.db.schema import ONE_DIALECT, Base

OPEN = """
    import sys
    from likemark.db.catalogue import Catalogue
    from support.marks import entry, put

    print("ready", flush=True)
    input()
    with Catalogue.open(sys.argv[1]) as catalogue:
        put(catalogue, entry(sys.argv[2], sys.argv[2]))
        print(catalogue.identity)
"""


@pytest.fixture
def connection(empty_database: str) -> Iterator[Connection]:
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as opened:
        yield opened


def tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def downgrade(connection: Connection) -> None:
    config = _config()
    config.attributes["connection"] = connection
    command.downgrade(config, "base")


def test_upgrading_gives_the_declared_tables(connection: Connection) -> None:
    upgrade(connection)
    context = MigrationContext.configure(
        connection,
        opts={
            "compare_type": True,
            "compare_server_default": True,
            "include_object": lambda _, name, *rest: name not in ONE_DIALECT,
        },
    )
    assert compare_metadata(context, Base.metadata) == []
    assert tables(connection) == {*Base.metadata.tables, "alembic_version"}


def test_downgrading_takes_everything_away_and_it_can_be_built_again(
    connection: Connection,
) -> None:
    upgrade(connection)
    downgrade(connection)
    assert tables(connection) == {"alembic_version"}
    upgrade(connection)
    assert tables(connection) == {*Base.metadata.tables, "alembic_version"}


def test_the_head_that_is_known_without_alembic_is_the_last_migration() -> None:
    assert ScriptDirectory.from_config(_config()).get_heads() == [HEAD]
    assert HEAD in known_revisions()


def test_ids_are_never_used_twice(connection: Connection) -> None:
    upgrade(connection)
    insert = text(
        "INSERT INTO images (content, artwork, width, height, format) "
        "VALUES (:content, :content, 1, 1, 'PNG') RETURNING id"
    )
    first = connection.execute(insert, {"content": b"1" * 32}).scalar_one()
    connection.execute(text("DELETE FROM images"))
    assert connection.execute(insert, {"content": b"2" * 32}).scalar_one() > first


def test_opening_twice_changes_nothing(empty_database: str) -> None:
    identities = set()
    for _ in range(2):
        with Catalogue.open(empty_database) as catalogue:
            identities.add(catalogue.identity)
    assert len(identities) == 1


def test_two_catalogues_are_never_the_same_one(empty_database: str, tmp_path: Path) -> None:
    with Catalogue.open(empty_database) as one, Catalogue.open(tmp_path / "other.db") as other:
        assert one.identity != other.identity


def test_a_newer_schema_is_refused_and_left_alone(empty_database: str) -> None:
    with Catalogue.open(empty_database) as catalogue, catalogue.write() as session:
        session.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(CatalogueError, match=r"'9999' is newer .*; upgrade likemark"):
        Catalogue.open(empty_database)
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == (
            "9999"
        )


def test_tables_of_somebody_else_are_refused_and_left_alone(empty_database: str) -> None:
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE marks (pupil TEXT)"))
    with pytest.raises(CatalogueError, match="'marks' that is not likemark's; give a database of"):
        Catalogue.open(empty_database)
    with engine.connect() as connection:
        assert tables(connection) == {"marks"}


def test_a_migration_that_fails_leaves_no_half_built_schema(empty_database: str) -> None:
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE VIEW rejects AS SELECT 1 AS wastepaper"))
    with pytest.raises(CatalogueError, match="rejects"):
        Catalogue.open(empty_database)
    with engine.connect() as connection:
        assert tables(connection) == set()


@pytest.mark.parametrize("create", [True, False])
def test_a_database_of_somebody_else_gets_no_table(empty_database: str, create: bool) -> None:
    engine = create_engine(empty_database, poolclass=NullPool)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE pupils (name TEXT)"))
        connection.execute(text("CREATE TABLE alembic_version (version_num TEXT)"))
        connection.execute(text("INSERT INTO alembic_version VALUES ('their own')"))
    kind, said = (CatalogueError, "'pupils' that is not") if create else (NotFound, "nothing is")
    with pytest.raises(kind, match=said):
        Catalogue.open(empty_database, create=create)
    with engine.connect() as connection:
        assert tables(connection) == {"pupils", "alembic_version"}
        if connection.dialect.name == "sqlite":
            assert connection.execute(text("PRAGMA journal_mode")).scalar() == "delete"


def test_who_only_reads_makes_no_catalogue(empty_database: str, tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    with pytest.raises(NotFound, match=r"nothing is indexed in it yet; run: likemark index FOLDER"):
        Catalogue.open(empty_database, create=False)
    assert sorted(tmp_path.iterdir()) == before
    Catalogue.open(empty_database).close()
    Catalogue.open(empty_database, create=False).close()


def test_several_processes_open_a_new_database_at_once(empty_database: str) -> None:
    names = ["a", "b", "c", "d"]
    with (
        python(OPEN, empty_database, "a") as a, python(OPEN, empty_database, "b") as b,
        python(OPEN, empty_database, "c") as c, python(OPEN, empty_database, "d") as d,
    ):  # fmt: skip
        processes = [a, b, c, d]
        assert [process.line() for process in processes] == ["ready"] * 4
        for process in processes:
            process.go_on()
        identities = {process.end() for process in processes}
    assert len(identities) == 1
    with Catalogue.open(empty_database) as catalogue, catalogue.read() as session:
        keys = session.scalars(text("SELECT key FROM marks ORDER BY key")).all()
    assert keys == names
