"""One writer at a time, over processes and, with PostgreSQL, over machines. Readers never wait."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import text

from likemark.db.catalogue import Catalogue, named_faults
from likemark.db.errors import Busy, CatalogueError

POLL_SECONDS = 0.25


@contextmanager
def writer_lock(catalogue: Catalogue, *, wait: float = 0.0) -> Iterator[None]:
    """Hold the right to write the catalogue's marks and vectors.

    wait: seconds to wait for another writer. Raises Busy when it still writes then. The system
    releases the lock of a process that ends in whatever way.
    """
    hold = _advisory_lock if catalogue.engine.dialect.name == "postgresql" else _file_lock
    with hold(catalogue, wait):
        yield


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
def _advisory_lock(catalogue: Catalogue, wait: float) -> Iterator[None]:
    with named_faults(catalogue), catalogue.engine.connect() as connection:
        # One transaction for the whole run would hold back the database's own cleaning.
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        take = text("SELECT pg_try_advisory_lock(hashtext('likemark writer'))")
        if not _until(lambda: bool(connection.execute(take).scalar_one()), wait):
            raise _busy("another process", catalogue)
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(hashtext('likemark writer'))"))


def _until(take: Callable[[], bool], wait: float) -> bool:
    end = time.monotonic() + wait
    while not take():
        if time.monotonic() >= end:
            return False
        time.sleep(POLL_SECONDS)
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
