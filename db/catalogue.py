"""Opening the catalogue: SQLite by default, PostgreSQL by URL, always at the newest schema."""

from __future__ import annotations

import os
import re
import sqlite3
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, select, text
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    MultipleResultsFound,
    NoResultFound,
    NoSuchModuleError,
)
from sqlalchemy.orm import Session

from likemark.db import schema
from likemark.db.changes import write_noted
from likemark.db.errors import CatalogueError, NotFound, one_line
from likemark.db.migrations import HEAD
from likemark.db.stored import DamagedValue, read_json

BUSY_SECONDS = 30
_OURS, _VERSION = "catalogue_info", "alembic_version"  # tables that every catalogue has
# Settings of PostgreSQL's driver that are secret: password, sslpassword, oauth_client_secret.
_SECRET = re.compile("password|secret|token", re.IGNORECASE)
# What SQLite and its driver say of a file whose bytes have changed.
_DAMAGED = ("not a database", "malformed", "Could not decode to UTF-8", "unsupported file format")
# Of the database, and of what stands in it.
_FAULTS = (DBAPIError, NoResultFound, MultipleResultsFound, DamagedValue)
NOT_UNDERSTOOD = "catalogue URL not understood; give a file or postgresql+psycopg://USER@HOST/NAME"


class Catalogue:
    """The catalogue behind one database URL.

    `read()` and `write()` give a session inside one transaction; `write()` commits at the end of
    the block and rolls back on any exception. Close it, or use it as a context manager.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    @classmethod
    def open(cls, where: str | Path, *, create: bool = True) -> Self:
        """Open, creating the tables or upgrading them if need be.

        where: a file of SQLite's, or a URL such as `postgresql+psycopg://user@host/name`.
        create: without it nothing is made, and NotFound raised where no catalogue is.
        Raises CatalogueError: unreachable, damaged, somebody else's, or of a newer likemark.
        """
        engine = _engine(where)
        try:
            _bring_up_to_date(engine, create=create)
        except (*_FAULTS, UnicodeDecodeError) as error:  # of a schema that is no text
            engine.dispose()
            raise CatalogueError(f"catalogue {_shown(engine)}: {_reason(error)}") from error
        except BaseException:
            engine.dispose()
            raise
        return cls(engine)

    @property
    def shown(self) -> str:
        """The URL without its password or any other secret."""
        return _shown(self.engine)

    @property
    def identity(self) -> str:
        with self.read() as session:
            return session.scalars(select(schema.CatalogueInfo.identity)).one()

    @contextmanager
    def read(self) -> Iterator[Session]:
        # Everything read in one block belongs to one state of the catalogue.
        engine = self.engine
        if engine.dialect.name == "postgresql":
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        with named_faults(self), Session(engine) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        engine = self.engine.execution_options(likemark_write=True)
        with named_faults(self), Session(engine) as session, session.begin():
            yield session
            write_noted(session)

    def close(self) -> None:
        self.engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        tb: TracebackType | None,
    ) -> None:
        self.close()


def _engine(where: str | Path) -> Engine:
    if isinstance(where, Path) or "://" not in where:
        path = Path(where)
        if not os.path.isdir(path.parent):
            raise CatalogueError(f"catalogue {path}: its folder does not exist; create it first")
        url: str | URL = URL.create("sqlite", database=str(path))  # "?" means nothing in a path
    elif where.startswith(("sqlite:", "postgresql:", "postgresql+")):
        url = where
    else:
        raise CatalogueError(NOT_UNDERSTOOD)
    # PostgreSQL's driver reads JSON itself, and its server ends connections that stand idle.
    sqlite = str(url).startswith("sqlite")
    options = {"json_deserializer": read_json} if sqlite else {"pool_pre_ping": True}
    try:
        engine = create_engine(url, **options)
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise CatalogueError(NOT_UNDERSTOOD) from error
    except ModuleNotFoundError as error:
        raise CatalogueError(
            f"catalogue: {error.name} is not installed; run: pip install 'likemark[postgres]'"
        ) from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by `_begin_sqlite`, not by the driver's guess at the first write.
    connection.isolation_level = None
    # SQLite's own lower() knows ASCII alone: "MÜLLER" would not be found as "müller".
    connection.create_function("lower", 1, _folded, deterministic=True)
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys = ON")
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _write_ahead(cursor: Any) -> None:
    # A file changes its journal once, alone; others are told "locked" without waiting for it.
    deadline = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            if not _is_foreign(cursor):
                cursor.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
        time.sleep(0.02)


def _is_foreign(cursor: Any) -> bool:
    """Whether a file holds tables, and none of ours: nothing of it is changed."""
    tables = cursor.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    return bool(tables) and (_OURS,) not in tables


def _folded(value: Any) -> Any:
    # Not lower(): it writes one sigma at the end of a word and another within it.
    return value.casefold() if isinstance(value, str) else value


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer in mid-transaction fails at once if another has written: a writer
    # takes its lock at the start.
    writing = connection.get_execution_options().get("likemark_write", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")


def _bring_up_to_date(engine: Engine, *, create: bool) -> None:
    if not create and _lacks_file(engine):
        raise _nothing(engine)
    with engine.connect() as connection:
        found = _revision(connection)
        if found == HEAD:
            return
        if found is None and not create:
            raise _nothing(engine)
    with engine.execution_options(likemark_write=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('likemark schema'))"))
        _upgrade(connection)


def _upgrade(connection: Connection) -> None:
    from likemark.db.migrations.runner import known_revisions, upgrade

    found = _revision(connection)
    if found is not None and found not in known_revisions():
        raise CatalogueError(
            f"catalogue {_shown(connection.engine)}: schema {found!r} is newer than this likemark "
            f"knows ({HEAD!r}); upgrade likemark"
        )
    others = _tables(connection) - {_VERSION} if found is None else set()
    if others:
        raise CatalogueError(
            f"catalogue {_shown(connection.engine)}: holds a table {one_line(min(others))!r} that "
            "is not likemark's; give a database of its own"
        )
    upgrade(connection)
    if connection.execute(select(schema.CatalogueInfo.id)).first() is None:
        row = {"id": 1, "identity": uuid.uuid4().hex}
        connection.execute(schema.CatalogueInfo.__table__.insert(), row)  # type: ignore[attr-defined]


def _lacks_file(engine: Engine) -> bool:
    """Whether opening would make a file."""
    name = engine.url.database or ":memory:"
    plain = engine.dialect.name == "sqlite" and name != ":memory:" and not name.startswith("file:")
    return plain and not os.path.exists(name)


def _nothing(engine: Engine) -> NotFound:
    return NotFound(
        f"catalogue {_shown(engine)}: nothing is indexed in it yet; run: likemark index FOLDER"
    )


def _revision(connection: Connection) -> str | None:
    """Of the schema; None where it is not there, whatever else is."""
    tables = _tables(connection)
    if _VERSION not in tables or (tables != {_VERSION} and _OURS not in tables):
        return None
    found: str | None = connection.execute(
        text(f"SELECT version_num FROM {_VERSION}")
    ).scalar_one_or_none()
    return found


def _tables(connection: Connection) -> set[str]:
    return set(inspect(connection).get_table_names())


def stand_idle(session: Session) -> None:
    """Let this transaction wait as long as it takes: an index is built, or a cluster is filled."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))


@contextmanager
def named_faults(catalogue: Catalogue) -> Iterator[None]:
    """What the database refuses, cannot do or holds in ruins becomes a CatalogueError."""
    try:
        yield
    except _FAULTS as error:
        raise CatalogueError(f"catalogue {catalogue.shown}: {_reason(error)}") from error


def _shown(engine: Engine) -> str:
    if engine.dialect.name == "sqlite":
        return engine.url.database or ":memory:"
    secret = [name for name in engine.url.query if _SECRET.search(name)]
    return engine.url.difference_update_query(secret).render_as_string(hide_password=True)


def _reason(error: Exception) -> str:
    if not isinstance(error, DBAPIError):
        return f"{one_line(str(error))}; restore it from a backup"
    reason = one_line(str(error.orig))
    if any(said in reason for said in _DAMAGED):
        return f"{reason}; restore the file from a backup"
    if "disk is full" in reason:
        return f"{reason}; free some space, then run the command again"
    if "readonly" in reason:
        return f"{reason}; its folder must be writable, for readers too"
    return reason
