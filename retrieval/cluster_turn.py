"""One process at a time brings a catalogue's cluster up to date; the others search it as it is.

Two at once could write an older state of a mark over a newer one. The lock is not the writers' of
the catalogue: those hold theirs already when they come here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from filelock import FileLock, Timeout
from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from likemark.db.catalogue import Catalogue
from likemark.db.lock import advisory, keep, lasting, until

POLL_SECONDS = 0.1
KEY = "hashtext('likemark cluster')"


@dataclass(frozen=True, slots=True)
class Turn:
    """Ours, for as long as its block lasts."""

    shown: str  # the catalogue
    connection: Connection | None = None  # that holds it; None: a file's lock, which nobody loses

    @property
    def losable(self) -> bool:
        """Whether a process that lives can lose it without being told."""
        return self.connection is not None

    def keep(self) -> None:
        """Hold it on; asked before each writing. Raises CatalogueError where it has been lost."""
        if self.connection is not None:
            keep(self.connection, self.shown, "the right to write to the cluster")


@contextmanager
def cluster_turn(catalogue: Catalogue, *, wait: float) -> Iterator[Turn | None]:
    """Ours, for as long as the block lasts, or None; wait: seconds to wait for others.

    Never ours where nothing can be written beside the catalogue.
    """
    postgresql = catalogue.engine.dialect.name == "postgresql"
    with (_between if postgresql else _beside)(catalogue, wait) as turn:
        yield turn


@contextmanager
def _beside(catalogue: Catalogue, wait: float) -> Iterator[Turn | None]:
    lock = FileLock(f"{catalogue.shown}.cluster.lock")
    try:
        lock.acquire(timeout=wait, poll_interval=POLL_SECONDS)
    except (Timeout, OSError):
        yield None
        return
    try:
        yield Turn(catalogue.shown)
    finally:
        lock.release()


@contextmanager
def _between(catalogue: Catalogue, wait: float) -> Iterator[Turn | None]:
    with lasting(catalogue) as connection:
        take = advisory(connection, f"pg_try_advisory_lock({KEY})")
        ours = until(take, wait, poll=POLL_SECONDS)
        try:
            yield Turn(catalogue.shown, connection) if ours else None
        finally:
            if ours and not connection.invalidated:
                with suppress(DBAPIError):  # a connection that is lost has given it back
                    advisory(connection, f"pg_advisory_unlock({KEY})")()
