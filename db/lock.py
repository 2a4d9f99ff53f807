"""Who may write, over processes and, with PostgreSQL, over machines. Readers never wait.

A writer holds a collection or the whole catalogue. On PostgreSQL writers of different collections
write side by side: they share the catalogue's lock, and each holds its collection's. Their batches
take turns where they add pictures and vectors (`vectors.picture_lock`), no longer than a batch.
Pictures are dropped by nobody but a writer that is alone: another may be about to show them.
SQLite has one writer at a time, whatever it writes.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from likemark.db.catalogue import Catalogue, named_faults
from likemark.db.errors import Busy, CatalogueError, one_line

POLL_SECONDS = 0.25
WHOLE = "hashtext('likemark writer')"
ONE = "hashtext('likemark writer'), hashtext(:collection)"
# Held by every writer of a collection; whoever has it alone is the only one of them.
DROPPING = "hashtext('likemark dropping')"
DROPPING_SECONDS = 60  # that a writer waits for another's sweep, however little it waits else


class Held(Protocol):
    """The right to write, while its block lasts."""

    def keep(self) -> None:
        """Hold it on; asked before each batch. Raises CatalogueError where it has been lost."""
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """Whether nobody else writes, and nobody will begin to before this block ends."""
        ...


@contextmanager
def writer_lock(
    catalogue: Catalogue, *, wait: float = 0.0, collection: str | None = None
) -> Iterator[Held]:
    """Hold the right to write marks and vectors.

    wait: seconds to wait for another writer; collection: write to this one alone, None: to all.
    Raises Busy when another still writes then. The system releases the lock of a process that ends
    in whatever way.
    """
    if catalogue.engine.dialect.name == "postgresql":
        with _advisory_lock(catalogue, wait, collection) as held:
            yield held
    else:
        with _file_lock(catalogue, wait):
            yield _File()


class _File:
    """SQLite's only writer: the system takes its lock from nobody who is alive."""

    def keep(self) -> None:
        pass

    @contextmanager
    def alone(self) -> Iterator[bool]:
        yield True


@contextmanager
def _file_lock(catalogue: Catalogue, wait: float) -> Iterator[None]:
    path = Path(f"{catalogue.shown}.lock")
    holder = Path(f"{catalogue.shown}.writer")
    lock = FileLock(path)
    try:
        lock.acquire(timeout=wait, poll_interval=POLL_SECONDS)
    except Timeout:
        raise _busy(_writer(holder), catalogue) from None
    except OSError as error:
        raise CatalogueError(f"catalogue {catalogue.shown}: {error.strerror}: {path}") from error
    with ExitStack() as stack:
        stack.callback(lock.release)
        with suppress(OSError):  # a courtesy to whoever is refused
            holder.write_text(str(os.getpid()))
        stack.callback(holder.unlink, missing_ok=True)
        yield


@contextmanager
def _advisory_lock(catalogue: Catalogue, wait: float, collection: str | None) -> Iterator[Held]:
    with lasting(catalogue) as connection:
        end = time.monotonic() + wait
        with ExitStack() as stack:

            def take(key: str, shared: str = "", *, least: float = 0.0) -> None:
                locked = advisory(connection, f"pg_try_advisory_lock{shared}({key})", collection)
                if not until(locked, max(least, end - time.monotonic())):
                    raise _busy("another process", catalogue)
                unlock = f"pg_advisory_unlock{shared}({key})"
                give = advisory(connection, unlock, collection)
                # A connection that is lost has given all of them.
                stack.callback(lambda: connection.invalidated or give())

            if collection is None:
                take(WHOLE)
                yield _Whole(connection, catalogue.shown)
            else:
                take(WHOLE, "_shared")
                take(ONE)
                take(DROPPING, "_shared", least=DROPPING_SECONDS)
                yield _One(connection, catalogue.shown)


class _Whole:
    """The only writer, for as long as its connection is there."""

    def __init__(self, connection: Connection, shown: str) -> None:
        self._connection = connection
        self._shown = shown

    def keep(self) -> None:
        keep(self._connection, self._shown, "the right to write")

    @contextmanager
    def alone(self) -> Iterator[bool]:
        self.keep()
        yield True


class _One(_Whole):
    """A collection's writer, beside which others may write other collections."""

    @contextmanager
    def alone(self) -> Iterator[bool]:
        self.keep()
        # The session's own share of the lock is not in its way.
        taken = advisory(self._connection, f"pg_try_advisory_lock({DROPPING})")()
        try:
            yield taken
        finally:
            if taken:
                advisory(self._connection, f"pg_advisory_unlock({DROPPING})")()


@contextmanager
def lasting(catalogue: Catalogue) -> Iterator[Connection]:
    """PostgreSQL's connection that locks belong to, which the server does not end as idle."""
    # PostgreSQL 13 and older have no such limit.
    unlimited = "SELECT set_config(name, '0', false) FROM pg_settings WHERE name = :name"
    with named_faults(catalogue), catalogue.engine.connect() as connection:
        # One transaction for the whole run would hold back the database's own cleaning.
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(unlimited), {"name": "idle_session_timeout"})
        yield connection


def keep(connection: Connection, shown: str, what: str) -> None:
    """Raises CatalogueError where a connection is lost, and with it what it held."""
    # Being asked also keeps it from being dropped as idle on the way.
    try:
        connection.execute(text("SELECT 1"))
    except DBAPIError as error:
        raise CatalogueError(
            f"catalogue {shown}: the connection that held {what} is lost "
            f"({one_line(str(error.orig), limit=100)}); run the same command again"
        ) from error


def advisory(
    connection: Connection, call: str, collection: str | None = None
) -> Callable[[], bool]:
    """Call one of PostgreSQL's functions of advisory locks; :collection in it stands for a name."""
    values = {"collection": collection} if ":collection" in call else {}
    return lambda: bool(connection.execute(text(f"SELECT {call}"), values).scalar_one())


def until(take: Callable[[], bool], wait: float, *, poll: float = POLL_SECONDS) -> bool:
    """Whether it is taken within so many seconds, tried every so often."""
    end = time.monotonic() + wait
    while not take():
        if time.monotonic() >= end:
            return False
        time.sleep(poll)
    return True


def _writer(holder: Path) -> str:
    try:
        number = holder.read_text()
    except OSError:
        number = ""
    return f"process {number}" if number else "another process"


def _busy(who: str, catalogue: Catalogue) -> Busy:
    return Busy(
        f"{who} is writing to {catalogue.shown}; try again when it has ended, or add --wait SECONDS"
    )
