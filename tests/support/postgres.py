"""A real PostgreSQL server of the tests' own, gone with the process that started it."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from support.required import missing

from likemark.benchmarks.catalogue.server import installed, temporary_server, url_of

REQUIRED = "LIKEMARK_REQUIRE_POSTGRES"
# Nothing here outlives the tests, so nothing needs to reach the disk.
FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(slots=True)
class Server:
    """PostgreSQL behind a socket in `folder`, reachable from this machine alone."""

    folder: Path
    _names: Iterator[str] = field(default_factory=lambda: (f"t{n}" for n in itertools.count()))

    def url(self, name: str) -> str:
        return url_of(self.folder, name)

    @contextmanager
    def database(self, template: str = "template0") -> Iterator[str]:
        """A database's URL; the database is dropped at the end, whoever is still in it."""
        name = next(self._names)
        self.run(f"CREATE DATABASE {name} TEMPLATE {template}")
        try:
            yield self.url(name)
        finally:
            self.run(f"DROP DATABASE {name} WITH (FORCE)")

    def disconnect(self, name: str) -> None:
        """End every connection to a database."""
        self.run(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    def run(self, statement: str, database: str = "postgres") -> None:
        where = f"host={self.folder} user=postgres dbname={database}"
        with psycopg.connect(where, autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_server() -> Iterator[Server]:
    """Skips when PostgreSQL is not installed, unless LIKEMARK_REQUIRE_POSTGRES=1."""
    if installed() is None:
        reason = "PostgreSQL is not installed: no initdb on PATH or in /usr/lib/postgresql/*/bin"
        missing(REQUIRED, reason)
    # Not in pytest's folder: only its owner can enter that, and a socket's path must be short.
    with temporary_server(Path("/tmp"), FAST) as folder:
        yield Server(folder)
