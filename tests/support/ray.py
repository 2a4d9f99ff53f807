"""A Ray cluster of several nodes on this machine, and what a test does to it.

    python ray.py PORT

runs one: a head without processors that clients reach at PORT, and nodes of one processor that come
with each line `add GPUS`, GPUs in name only, and go with each line `kill`. It ends with its input.
"""

from __future__ import annotations

import importlib.util
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

REQUIRED = "LIKEMARK_REQUIRE_RAY"
STORE_BYTES = 80 * 2**20


def require_ray() -> None:
    """Skips the test or module where Ray is not installed, unless LIKEMARK_REQUIRE_RAY=1."""
    if importlib.util.find_spec("ray") is None:
        from support.required import missing  # not as this file is run as a program

        reason = "Ray is not installed; run: pip install 'likemark[distributed]'"
        missing(REQUIRED, reason)


class Nodes:
    """The nodes of a cluster that runs in a process of its own."""

    def __init__(self, running: subprocess.Popen[str], client_port: int) -> None:
        self._running = running
        self.client_port = client_port
        self.address = self._answer()  # HOST:PORT

    def add(self, *, gpus: int = 0) -> None:
        self._say(f"add {gpus}")

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


def ends_its_worker(word: str, told: Path | None = None) -> Callable[[str], None]:
    """What a hostile picture does: whoever is about to decode it is gone.

    told: a file to which a line is added for every picture: the GPUs that its worker was given
    """

    def inspect(place: str) -> None:
        if told is not None:
            with told.open("a", encoding="utf-8") as file:
                file.write(os.environ.get("CUDA_VISIBLE_DEVICES", "none") + "\n")
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
        word, *gpus = line.split()
        if word == "add":
            node = cluster.add_node(
                num_cpus=1, num_gpus=int(gpus[0]), object_store_memory=STORE_BYTES
            )
            added.append(node)
        else:
            cluster.remove_node(added.pop(), allow_graceful=False)
        print("done", flush=True)
    cluster.shutdown()


if __name__ == "__main__":
    sys.path.remove(os.path.dirname(os.path.abspath(__file__)))  # this file is no `ray`
    _serve(int(sys.argv[1]))
