"""A real Milvus server of the tests' own (Milvus Lite's), gone with the process that started it.

It lives in an environment of its own, `milvus` in this one's folder, since milvus-lite depends on
faiss-cpu: `make test` builds it.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.required import missing

from likemark.index.milvus.client import Client
from likemark.index.milvus.url import ClusterUrl

REQUIRED = "LIKEMARK_REQUIRE_MILVUS"
PYTHON = Path(sys.prefix) / "milvus" / "bin" / "python"
START_SECONDS = 60
# The server ends when its guard's input closes, in whatever way the test process ends.
GUARD = """
import subprocess, sys
code = "from milvus_lite.cmdline import main; main()"
server = subprocess.Popen([sys.executable, "-c", code, *sys.argv[1:]], stdin=subprocess.DEVNULL)
try:
    sys.stdin.read()
finally:
    server.kill()
    server.wait()
"""


class MilvusServer:
    """On a free port of this machine, with its data in `folder`; it can be killed and started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self._guard: subprocess.Popen[bytes] | None = None

    def url(self, options: str = "") -> str:
        return f"milvus://127.0.0.1:{self.port}" + (f"?{options}" if options else "")

    def client(self, options: str = "") -> Client:
        return Client(ClusterUrl.parse(self.url(options)))

    def start(self) -> None:
        """Returns when it answers."""
        arguments = ["server", "--data-dir", str(self.folder / "data"), "--host", "127.0.0.1"]
        with (self.folder / "log").open("ab") as log:
            self._guard = subprocess.Popen(
                [PYTHON, "-c", GUARD, *arguments, "--port", str(self.port)],
                stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        end = time.monotonic() + START_SECONDS
        while not _listens(self.port):
            assert time.monotonic() < end, (self.folder / "log").read_text()
            assert self._guard.poll() is None, (self.folder / "log").read_text()
            time.sleep(0.05)

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """It keeps its connections, and does nothing."""
        assert self._guard is not None
        os.killpg(self._guard.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self._guard.pid, signal.SIGCONT)

    def kill(self) -> None:
        """As a power cut would, from the server's point of view."""
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None


@contextmanager
def running_milvus() -> Iterator[MilvusServer]:
    """Skips when the server is not installed, unless LIKEMARK_REQUIRE_MILVUS=1."""
    if not PYTHON.exists():
        reason = "Milvus Lite is not installed; run: make .venv/milvus/installed"
        missing(REQUIRED, reason)
    folder = Path(tempfile.mkdtemp(prefix="likemark-milvus-"))
    server = MilvusServer(folder)
    try:
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder, ignore_errors=True)


class Between:
    """A connection with somebody on the way, who makes each call, or does not: (name, call)."""

    def __init__(self, real: Any, meddle: Callable[[str, Callable[[], Any]], Any]) -> None:
        self._real = real
        self._meddle = meddle

    def __getattr__(self, name: str) -> Callable[..., Any]:
        real = getattr(self._real, name)
        return lambda *args, **named: self._meddle(name, lambda: real(*args, **named))


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def names_on(client: Client) -> list[str]:
    found: list[Any] = client.call(lambda m, s: m.list_collections(timeout=s))
    return sorted(map(str, found))


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
