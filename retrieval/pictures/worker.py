"""A decoding process: `python -m likemark.retrieval.pictures.worker`, started by the pool.

It reads frames from stdin and answers each on what was its stdout, until stdin ends. The first
frame carries the settings and is answered with an empty frame: the process is ready.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO

from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.frames import read_frame, write_frame
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.wire import answer_frame, read_request, read_settings


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
    answers = _private_stdout()
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:  # the pool is gone
        os._exit(0)


def serve(requests: BinaryIO, answers: BinaryIO) -> None:
    """Answer every request until the stream ends."""
    first = read_frame(requests)
    if first is None:
        return
    size, limits = read_settings(first[0])
    _confine(limits)
    write_frame(answers, {})
    while (frame := read_frame(requests)) is not None:
        _set_alarm(2 * limits.seconds + 5)
        result = _decoded(read_request(*frame), size, limits)
        _set_alarm(0)
        write_frame(answers, *answer_frame(result))


def _decoded(request: Request, size: int, limits: PictureLimits) -> Picture | PictureError:
    try:
        return decode(request, size=size, limits=limits)
    except PictureError as refusal:
        return refusal


def _private_stdout() -> BinaryIO:
    """Keep the answers' channel to ourselves: what a codec prints goes to stderr."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return answers


def _confine(limits: PictureLimits) -> None:
    # Pillow's own limit would refuse what `max_megapixels` allows.
    Image.MAX_IMAGE_PIXELS = None
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if sys.platform == "linux":
        _, hard = resource.getrlimit(resource.RLIMIT_AS)
        wanted = limits.memory_mib * 2**20
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_AS, (allowed, hard))


def _set_alarm(seconds: float) -> None:
    """Let the kernel end this process should it stall after its pool was killed."""
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_REAL, seconds)


if __name__ == "__main__":
    main()
