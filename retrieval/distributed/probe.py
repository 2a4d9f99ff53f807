"""Whether a Ray cluster answers at an address, asked in a way that ends in time."""

from __future__ import annotations

import socket
import subprocess
import sys

from likemark.db.errors import LikemarkError, one_line
from likemark.retrieval.distributed.options import WorkerOptions

_CONNECT_SECONDS = 5.0
_PROBE = "import sys, ray; ray.init(address=sys.argv[1], log_to_driver=False); print('joined')"


def check_endpoint(options: WorkerOptions) -> None:
    """Raises LikemarkError at once where nothing listens: Ray itself would try for minutes."""
    assert options.endpoint is not None
    seconds = min(_CONNECT_SECONDS, options.patience)
    try:
        socket.create_connection(options.endpoint, timeout=seconds).close()
    except OSError as error:
        detail = "no answer" if isinstance(error, TimeoutError) else error.strerror or str(error)
        raise LikemarkError(f"workers {options.where}: cannot be reached: {detail}") from error


def check_cluster(options: WorkerOptions) -> None:
    """Join in a process of its own first: what is no Ray makes one hang, or end the process."""
    command = [sys.executable, "-P", "-c", _PROBE, options.where]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=min(60.0, options.patience),
            check=False, stdin=subprocess.DEVNULL,
        )  # fmt: skip
    except subprocess.TimeoutExpired as error:
        raise LikemarkError(f"workers {options.where}: what listens there is no Ray") from error
    if done.returncode or not done.stdout.endswith("joined\n"):
        lines = done.stderr.strip().splitlines() or [f"exit code {done.returncode}"]
        said = next((n for n, line in enumerate(lines) if _is_error(line)), len(lines) - 1)
        raise LikemarkError(f"workers {options.where}: {one_line(' '.join(lines[said:]))}")


def _is_error(line: str) -> bool:
    return line.split(":")[0].endswith(("Error", "Exception"))
