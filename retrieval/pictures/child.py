"""One decoding process seen from the pool: asked one picture at a time, killed when it stalls."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from contextlib import suppress
from typing import IO

from likemark.db.errors import LikemarkError, PictureError
from likemark.retrieval.pictures.frames import Header, read_frame, write_frame
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.wire import read_answer, request_header, settings_header

WORKER = "likemark.retrieval.pictures.worker"
_START_SECONDS = 60.0
# A decoded picture fits, so that one write and one read carry it (Linux).
_PIPE_BYTES = 1 << 20
_ENVIRONMENT = {
    "OPENBLAS_NUM_THREADS": "1",
    # glibc would hand each picture's memory back: 2,000 page faults, 5 ms at 1000 x 1000 px.
    "MALLOC_MMAP_THRESHOLD_": str(64 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
}


class Child:
    """A worker process and its two pipes; used by one thread at a time."""

    def __init__(self, size: int, limits: PictureLimits) -> None:
        self._limits = limits
        self._lock = threading.Lock()
        self._ticket = 0
        self._expired = False
        self._process = subprocess.Popen(
            # -P: a `json.py` in the user's folder must not be imported.
            [sys.executable, "-P", "-m", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **_ENVIRONMENT},
        )
        for pipe in (self._process.stdin, self._process.stdout):
            _widen(pipe)
        self._start(size)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return not self._expired and self._process.poll() is None

    def ask(self, request: Request) -> Picture | PictureError:
        """The decoded picture or its refusal; a child that is not `alive` after it is spent."""
        frame = self._exchange(request_header(request), request.data or b"", self._limits.seconds)
        if frame is not None:
            return read_answer(request.name, *frame)
        return self._post_mortem(request.name)

    def kill(self) -> None:
        """End the process at once, from any thread."""
        self._process.kill()

    def close(self) -> None:
        """End the process and free its pipes; the thread that asks must be done."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                _close_quietly(pipe)

    def _start(self, size: int) -> None:
        if self._exchange(settings_header(size, self._limits), b"", _START_SECONDS) is None:
            self.close()
            raise LikemarkError(
                f"a decoding process does not start: run `{sys.executable} -P -m {WORKER} "
                "< /dev/null` to see why"
            )

    def _exchange(
        self, header: Header, body: bytes, seconds: float
    ) -> tuple[Header, bytearray] | None:
        """One frame there and one back; None where the process ended or was too slow."""
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        timer = threading.Timer(seconds, self._expire, (self._ticket,))
        timer.daemon = True
        timer.start()
        try:
            write_frame(stdin, header, body)
            return read_frame(stdout)
        except OSError:  # a broken pipe
            return None
        finally:
            timer.cancel()
            with self._lock:
                self._ticket += 1

    def _expire(self, ticket: int) -> None:
        # The lock keeps a timer that fires late from killing the next picture's decoding.
        with self._lock:
            if ticket == self._ticket:
                self._expired = True
                self._process.kill()

    def _post_mortem(self, name: str) -> PictureError:
        code = self._process.wait()
        if self._expired:
            seconds = self._limits.seconds
            return PictureError(name, "timeout", f"decoding took over {seconds:g} seconds")
        return PictureError(name, "crash", f"the decoder ended with {_ending(code)}")


def _widen(pipe: IO[bytes] | None) -> None:
    """As far as the system lets: a user's pipes have 64 MiB together, of all programs."""
    if pipe is not None and sys.platform == "linux":
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)


def _ending(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    if sys.platform != "win32" and code == -signal.SIGKILL:
        return "SIGKILL: perhaps the machine is out of memory"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _close_quietly(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except OSError:  # bytes for the dead process were still buffered
        pass
