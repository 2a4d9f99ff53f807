"""A real PostgreSQL server of the tests' own, gone with the process that started it."""

from __future__ import annotations

import itertools
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
import pytest

REQUIRED = "LIKEMARK_REQUIRE_POSTGRES"
# Nothing here outlives the tests, so nothing needs to reach the disk.
FAST = "-c fsync=off -c synchronous_commit=off -c full_page_writes=off"
# The server stops when this script's input closes, in whatever way the test process ends.
GUARDED = """
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w -s -o "$3" start && echo ready
cat > /dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -s stop
rm -rf "$2"
"""


@dataclass(slots=True)
class Server:
    """PostgreSQL behind a socket in `folder`, reachable from this machine alone."""

    folder: Path
    _names: Iterator[str] = field(default_factory=lambda: (f"t{n}" for n in itertools.count()))

    def url(self, name: str) -> str:
        return f"postgresql+psycopg://postgres@/{name}?host={self.folder}"

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
    programs = _programs()
    if programs is None:
        reason = "PostgreSQL is not installed: no initdb on PATH or in /usr/lib/postgresql/*/bin"
        if os.environ.get(REQUIRED) == "1":
            pytest.fail(f"{reason}, and {REQUIRED}=1")
        pytest.skip(reason)
    # Not in pytest's folder: only its owner can enter that, and a socket's path must be short.
    folder = Path(tempfile.mkdtemp(prefix="likemark-pg-", dir="/tmp"))
    user = _unprivileged()
    guard: subprocess.Popen[str] | None = None
    try:
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        _initdb(programs, folder, user)
        guard = _start(programs, folder, user)
        yield Server(folder)
    finally:
        if guard is not None:
            guard.communicate(timeout=60)
        shutil.rmtree(folder, ignore_errors=True)


def _programs() -> Path | None:
    found = shutil.which("initdb")
    # Beside each other: a link on PATH may lead to the folder with the rest.
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((path for path in folders if (path / "pg_ctl").exists()), None)


def _unprivileged() -> pwd.struct_passwd | None:
    """Whom to run as when we are root, which the server refuses."""
    if os.geteuid() != 0:
        return None
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    return names.get("postgres") or names["nobody"]


def _initdb(programs: Path, folder: Path, user: pwd.struct_passwd | None) -> None:
    uid, gid = _ids(user)
    command = [
        programs / "initdb", "-D", folder / "data", "-U", "postgres", "-A", "trust", "-N",
        "-E", "UTF8", "--no-locale", "--lc-ctype=C.UTF-8",
    ]  # fmt: skip
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, check=False, user=uid, group=gid
    )
    assert done.returncode == 0, done.stdout + done.stderr


def _start(programs: Path, folder: Path, user: pwd.struct_passwd | None) -> subprocess.Popen[str]:
    uid, gid = _ids(user)
    # No network at all: two runs on one machine cannot meet.
    options = f"{FAST} -c listen_addresses='' -c unix_socket_directories='{folder}'"
    guard = subprocess.Popen(
        ["sh", "-c", GUARDED, "sh", programs, folder, options],
        cwd=folder,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,  # Ctrl-C is for the tests, not for the guard
        user=uid,
        group=gid,
    )
    assert guard.stdout is not None
    ready = guard.stdout.readline()
    assert ready == "ready\n", (folder / "log").read_text()
    return guard


def _ids(user: pwd.struct_passwd | None) -> tuple[int | None, int | None]:
    return (None, None) if user is None else (user.pw_uid, user.pw_gid)
