"""Pictures decoded whole, in a process of their own: a codec that crashes costs one picture.

`python -m likemark.retrieval.oneshot.whole` is that process. It answers frames on what was its
stdout: first its limits with an empty frame, then each name with the px of that file.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import numpy as np

from likemark.db.errors import LikemarkError, PictureError
from likemark.retrieval.pictures.frames import Header, read_frame, write_frame
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.redact.regions import Pixels

_MODULE = "likemark.retrieval.oneshot.whole"
_START_SECONDS = 60.0


class WholeDecoder:
    """One decoding process, started when it is needed and replaced when it is spent.

    Use it from one thread at a time, but for `stop`.
    """

    def __init__(self, limits: PictureLimits | None = None) -> None:
        self.limits = limits or PictureLimits()
        self._process: subprocess.Popen[bytes] | None = None
        self._stopped = False

    def read(self, name: str) -> Pixels:
        """(H, W, 3), or (H, W, 4) of a transparent one, upright. Raises PictureError."""
        process = self._process or self._started()
        answer, late = _exchange(process, {"name": name}, self.limits.seconds)
        if answer is None or late:
            self._discard()
        if answer is not None:
            return _pixels(name, *answer)
        if late:
            seconds = self.limits.seconds
            raise PictureError(name, "timeout", f"decoding took over {seconds:g} seconds")
        raise PictureError(name, "crash")

    def stop(self) -> None:
        """End it for good, from any thread; what is being read is then a crash."""
        self._stopped = True
        process = self._process
        if process is not None:
            process.kill()

    def close(self) -> None:
        """End the process and free its pipes; the thread that reads must be done."""
        self.stop()
        self._discard()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._stopped:
            raise LikemarkError("pictures are asked of a decoder that is closed")
        self._process = process = subprocess.Popen(
            # -P: a `json.py` in the user's folder must not be imported.
            [sys.executable, "-P", "-m", _MODULE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
        )
        answer, _ = _exchange(process, asdict(self.limits), _START_SECONDS)
        if answer is None:
            self._discard()
            raise LikemarkError(
                f"a decoding process does not start: run `{sys.executable} -P -m {_MODULE} "
                "< /dev/null` to see why"
            )
        return process

    def _discard(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()


def _exchange(
    process: subprocess.Popen[bytes], header: Header, seconds: float
) -> tuple[tuple[Header, bytearray] | None, bool]:
    """One frame there and one back, None where the process ended; and whether it was too slow."""
    assert process.stdin is not None
    assert process.stdout is not None
    late = threading.Event()

    def expire() -> None:
        late.set()
        process.kill()

    timer = threading.Timer(seconds, expire)
    timer.daemon = True
    timer.start()
    answer = None
    try:
        write_frame(process.stdin, header)
        answer = read_frame(process.stdout)
    except OSError:  # a broken pipe
        pass
    finally:
        timer.cancel()
        timer.join()  # else it could still kill the next picture's decoding
    return answer, late.is_set()


def _pixels(name: str, header: Header, body: bytearray) -> Pixels:
    if "reason" in header:
        raise PictureError(name, header["reason"], header["detail"])
    return np.frombuffer(body, np.uint8).reshape(header["shape"])


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every request until the stream ends."""
    first = read_frame(requests)
    if first is None:
        return
    limits = PictureLimits(**first[0])
    _confine(limits)
    write_frame(answers, {})
    while (frame := read_frame(requests)) is not None:
        write_frame(answers, *_answer(frame[0]["name"], limits))


def _answer(name: str, limits: PictureLimits) -> tuple[Header, bytes]:
    if sys.platform != "win32":  # should it stall after its parent was killed
        signal.alarm(int(2 * limits.seconds) + 5)
    try:
        pixels = load_picture(Path(name), limits)
        return {"shape": pixels.shape}, pixels.tobytes()
    except PictureError as error:
        return {"reason": error.reason, "detail": error.detail}, b""
    except MemoryError:
        return {"reason": "memory", "detail": ""}, b""
    except Exception as error:
        return {"reason": "damaged", "detail": f"{type(error).__name__}: {error}"}, b""
    finally:
        if sys.platform != "win32":
            signal.alarm(0)


def _confine(limits: PictureLimits) -> None:
    from PIL import Image

    # Pillow's own limit would refuse what `max_megapixels` allows.
    Image.MAX_IMAGE_PIXELS = None
    if sys.platform == "linux":
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = limits.memory_mib * 2**20
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What a codec prints goes to stderr, not among the answers.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:  # whoever asked is gone
        os._exit(0)


if __name__ == "__main__":
    main()
