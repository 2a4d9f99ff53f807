"""One process at a time brings a catalogue's cluster up to date; the others search it as it is.

Two at once could write an older state of a mark over a newer one. The lock is not the writers' of
the catalogue: those hold theirs already when they come here.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from filelock import FileLock, Timeout

from likemark.db.catalogue import Catalogue, named_faults
from likemark.db.lock import advisory, until

POLL_SECONDS = 0.1
KEY = "hashtext('likemark cluster')"


@contextmanager
def cluster_turn(catalogue: Catalogue, *, wait: float) -> Iterator[bool]:
    """Whether it is ours, for as long as the block lasts; wait: seconds to wait for others.

    Never ours where nothing can be written beside the catalogue.
    """
    postgresql = catalogue.engine.dialect.name == "postgresql"
    with (_between if postgresql else _beside)(catalogue, wait) as ours:
        yield ours


@contextmanager
def _beside(catalogue: Catalogue, wait: float) -> Iterator[bool]:
    lock = FileLock(f"{catalogue.shown}.cluster.lock")
    try:
        lock.acquire(timeout=wait, poll_interval=POLL_SECONDS)
    except (Timeout, OSError):
        yield False
        return
    try:
        yield True
    finally:
        lock.release()


@contextmanager
def _between(catalogue: Catalogue, wait: float) -> Iterator[bool]:
    with named_faults(catalogue), catalogue.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        take = advisory(connection, f"pg_try_advisory_lock({KEY})")
        ours = until(take, wait, poll=POLL_SECONDS)
        try:
            yield ours
        finally:
            if ours:
                advisory(connection, f"pg_advisory_unlock({KEY})")()
