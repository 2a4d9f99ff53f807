"""Pictures small and grey, kept beside the catalogue: the next command need not read them again.

By the hash of the file that each was read from, so none grows wrong. It is no more than a memory:
what is lost or damaged is read from the pictures anew, and the file can be deleted at any time.
"""

from __future__ import annotations

import sqlite3
import zlib
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from pathlib import Path

import numpy as np

from likemark.retrieval.parts import SIDE, Grey

KEPT = 200_000  # of some 1 KiB, the latest written
_PATIENCE = 5.0  # seconds for another command to finish writing
_AT_ONCE = 500  # asked for in one statement
_TABLE = "looks_1"  # another way to prepare pictures takes another number


class Looks:
    """A file that holds them; made when the first is kept. Several commands can share it."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def get(self, contents: Sequence[bytes]) -> dict[bytes, Grey]:
        """Those that are kept, by the (32 byte) hashes of their files."""
        found: dict[bytes, Grey] = {}

        def look_up(database: sqlite3.Connection) -> None:
            for start in range(0, len(contents), _AT_ONCE):
                part = contents[start : start + _AT_ONCE]
                asked = ",".join("?" * len(part))
                query = f"select content, grey from {_TABLE} where content in ({asked})"
                for content, packed in database.execute(query, part):
                    if (grey := _unpacked(packed)) is not None:
                        found[content] = grey

        if self._file.exists():
            self._tried(look_up)
        return found

    def keep(self, greys: Mapping[bytes, Grey]) -> None:
        """Where that can be done; of too many the first written are forgotten."""

        def write(database: sqlite3.Connection) -> None:
            database.execute(
                f"create table if not exists {_TABLE} (content blob unique, grey blob)"
            )
            rows = ((content, zlib.compress(grey.tobytes())) for content, grey in greys.items())
            database.executemany(f"insert or replace into {_TABLE} values (?, ?)", rows)
            latest = f"(select max(rowid) from {_TABLE})"
            database.execute(f"delete from {_TABLE} where rowid <= {latest} - ?", (KEPT,))

        self._tried(write)

    def _tried(self, work: Callable[[sqlite3.Connection], None]) -> None:
        """What is no database, or a broken one, is forgotten; other faults are passed over."""
        try:
            with closing(sqlite3.connect(self._file, timeout=_PATIENCE)) as database, database:
                work(database)
        except sqlite3.OperationalError:  # no table yet, read-only, full, in use for too long
            pass
        except sqlite3.DatabaseError:
            with suppress(OSError):
                self._file.unlink(missing_ok=True)


def _unpacked(packed: bytes) -> Grey | None:
    """(SIDE, SIDE); None of one that is damaged."""
    try:
        levels = np.frombuffer(zlib.decompress(packed), np.uint8)
    except zlib.error:
        return None
    return levels.reshape(SIDE, SIDE) if levels.size == SIDE * SIDE else None
