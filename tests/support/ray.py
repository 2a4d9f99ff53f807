"""A Ray cluster of several nodes on this machine, and what a test does to it.

    python ray.py PORT

runs one: a head without processors that clients reach at PORT, and nodes of one processor that come
with each line `add` and go with each line `kill`. It ends with its input.
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

STORE_BYTES = 80 * 2**20


class Nodes:
    """The nodes of a cluster that runs in a process of its own."""

    def __init__(self, running: subprocess.Popen[str], client_port: int) -> None:
        self._running = running
        self.client_port = client_port
        self.address = self._answer()  # HOST:PORT

    def add(self) -> None:
        self._say("add")

    def kill(self) -> None:
        """End the newest node's processes at once, as a power cut would."""
        self._say("kill")

    def _say(self, word: str) -> None:
        assert self._running.stdin is not None
        self._running.stdin.write(word + "\n")
        self._running.stdin.flush()
        assert self._answer() == "done"

    def _answer(self) -> str:
        assert self._running.stdout is not None
        return self._running.stdout.readline().strip()


@contextmanager
def nodes() -> Iterator[Nodes]:
    """A cluster of a head alone; nothing of it is left behind."""
    folder = tempfile.mkdtemp(prefix="lm-test-", dir="/tmp")  # short: sockets stand below it
    port = _free_port()
    running = subprocess.Popen(
        [sys.executable, __file__, str(port)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ
        | {"RAY_TMPDIR": folder, "RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"},
        start_new_session=True,
    )
    try:
        yield Nodes(running, port)
    finally:
        try:
            running.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            pass
        try:
            os.killpg(running.pid, signal.SIGKILL)  # whatever is left of it
        except ProcessLookupError:
            pass
        running.wait()
        shutil.rmtree(folder, ignore_errors=True)


def ends_its_worker(word: str) -> Callable[[str], None]:
    """What a hostile picture does: whoever is about to decode it is gone."""

    def inspect(place: str) -> None:
        if word in place:
            os._exit(7)

    return inspect


def slow(seconds: float) -> Callable[[str], None]:
    """Pictures that take their time, so that a run can be met half-way."""

    def inspect(place: str) -> None:
        time.sleep(seconds)

    return inspect


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _serve(client_port: int) -> None:
    from ray.cluster_utils import Cluster

    head = {
        "num_cpus": 0,
        "object_store_memory": STORE_BYTES,
        "include_dashboard": False,
        "ray_client_server_port": client_port,
    }
    cluster = Cluster(initialize_head=True, head_node_args=head)
    added = []
    print(cluster.address, flush=True)
    for line in sys.stdin:
        if line.strip() == "add":
            added.append(cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES))
        else:
            cluster.remove_node(added.pop(), allow_graceful=False)
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))  # this file is no `ray`
    _serve(int(sys.argv[1]))
