"""A PostgreSQL server for the length of a run, set as one would set a small one for real."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from likemark.db.errors import LikemarkError

# Writing stays durable; memory as for 8 GiB of it.
SETTINGS = {
    "shared_buffers": "1GB",
    "effective_cache_size": "4GB",
    "work_mem": "64MB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "4GB",
    "random_page_cost": "1.1",  # a solid-state disk
    "jit": "off",
}
# The server stops when this script's input closes, in whatever way the run ends.
GUARDED = """
"$1/pg_ctl" -D "$2/data" -l "$2/log" -w -s -o "$3" start && echo ready
cat > /dev/null
"$1/pg_ctl" -D "$2/data" -m immediate -s stop
rm -rf "$2" 2> /dev/null  # what is not this user's to remove goes with the script
"""


@contextmanager
def temporary_server(
    folder: Path | None = None, settings: Mapping[str, str] = SETTINGS
) -> Iterator[Path]:
    """A server below a folder, gone at the end, behind a socket in the folder that is given back:
    there is no network at all, so that two on one machine cannot meet. See `url_of`.

    Raises LikemarkError where it is not installed, or does not start.
    """
    programs = installed()
    if programs is None:
        raise LikemarkError("PostgreSQL is not installed: install it, or give --database URL")
    root = Path(tempfile.mkdtemp(prefix="likemark-pg-", dir=folder))
    user = _unprivileged()
    uid, gid = (None, None) if user is None else (user.pw_uid, user.pw_gid)
    guard: subprocess.Popen[str] | None = None
    try:
        if user is not None:
            os.chown(root, user.pw_uid, user.pw_gid)
        made = [str(programs / "initdb"), "-D", str(root / "data"), "-U", "postgres", "-A", "trust",
                "-N", "-E", "UTF8", "--no-locale", "--lc-ctype=C.UTF-8"]  # fmt: skip
        done = subprocess.run(
            made, cwd=root, capture_output=True, text=True, check=False, user=uid, group=gid
        )
        if done.returncode:
            raise LikemarkError(f"initdb failed: {done.stderr.strip()}")
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        options += f" -c listen_addresses='' -c unix_socket_directories='{root}'"
        guard = subprocess.Popen(
            ["sh", "-c", GUARDED, "sh", str(programs), str(root), options], cwd=root, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True, user=uid,
            group=gid,
        )  # fmt: skip
        assert guard.stdout is not None
        if guard.stdout.readline() != "ready\n":
            raise LikemarkError(f"PostgreSQL does not start: {(root / 'log').read_text()}")
        yield root
    finally:
        if guard is not None:
            guard.communicate(timeout=120)
        shutil.rmtree(root, ignore_errors=True)


def url_of(server: Path, name: str = "postgres") -> str:
    """Of one of the server's databases."""
    return f"postgresql+psycopg://postgres@/{name}?host={server}"


def installed() -> Path | None:
    """The folder with its programs."""
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
