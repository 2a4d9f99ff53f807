"""A video file opened for reading, and what must be known of it before one can be written."""

from __future__ import annotations

import importlib.util
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from likemark.db.errors import InvalidInput, LikemarkError, NotFound, one_line
from likemark.retrieval.redact.turns import Turn, turn_of_matrix

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

# Suffix -> the name of the format that FFmpeg writes.
FORMATS = {
    ".mp4": "mp4", ".m4v": "mp4", ".mov": "mov", ".mkv": "matroska", ".webm": "webm",
    ".avi": "avi", ".ts": "mpegts", ".mts": "mpegts", ".m2ts": "mpegts", ".mpg": "mpeg",
    ".mpeg": "mpeg", ".flv": "flv", ".3gp": "3gp", ".wmv": "asf",
}  # fmt: skip
# TypeScript ends its names alike: such a video is taken where it is named itself.
IN_FOLDERS = FORMATS.keys() - {".ts", ".mts"}
_WHOLE = 0.98  # share of the stated duration that a whole file holds
_CLOCK = re.compile(r"(\d+):(\d\d):(\d\d(?:\.\d+)?)")
_USUAL_RATE = Fraction(25)  # frames a second, of a file that states none


@dataclass(frozen=True, slots=True)
class Film:
    """What a video file states of itself, and what its first frame does."""

    name: str  # as shown in messages
    codec: str  # FFmpeg's name, such as "h264"
    size: tuple[int, int]  # width and height in px, as stored
    pixels: str  # px format, such as "yuv420p"
    rate: Fraction  # frames a second, on average
    time_base: Fraction  # seconds of one unit of the frames' times
    frames: int  # as stated, or reckoned from the duration; 0: unknown
    seconds: float  # duration as stated; 0: unknown
    stated: bool  # the duration is of the pictures alone
    start: float  # seconds at which its first frame is shown
    matrix: tuple[int, ...] | None  # display matrix, nine numbers
    turn: Turn  # that makes its frames upright
    interlaced: bool

    def ends_early(self, last: float) -> bool:
        """By the time of the last frame, in seconds from the first one on: a film of uneven rate
        states no number of frames."""
        slack = max((1 - _WHOLE) * self.seconds, 3 / float(self.rate))
        return self.stated and last < self.seconds - slack


def check_av() -> None:
    """Raises LikemarkError unless PyAV is installed."""
    if importlib.util.find_spec("av") is None:
        raise LikemarkError("av is not installed; run: pip install 'likemark[video]'")


def format_of(path: Path) -> str:
    """The container format that a name's suffix stands for; raises InvalidInput."""
    found = FORMATS.get(path.suffix.lower())
    if found is None:
        raise InvalidInput(
            f"{path}: {path.suffix or 'no suffix'!r} names no video format: end it with one of "
            + ", ".join(FORMATS)
        )
    return found


@contextmanager
def opened(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """A file and its first video stream that is no cover picture.

    Raises NotFound, or LikemarkError where it cannot be read or holds no video.
    """
    import av
    from av.error import FFmpegError
    from av.stream import Disposition

    try:
        is_file = stat.S_ISREG(os.stat(path).st_mode)
    except (FileNotFoundError, NotADirectoryError):
        is_file = False
    except OSError as error:
        raise unreadable(str(path), error) from error
    if not is_file:
        raise NotFound(f"{path}: no such video file: check the path")
    try:
        # Text that is no UTF-8 must not keep a video from being read.
        container = av.open(str(path), "r", metadata_errors="replace")
    except (FFmpegError, OSError, ValueError) as error:
        raise unreadable(str(path), error) from error
    with container:
        for stream in container.streams.video:
            if not stream.disposition & Disposition.attached_pic:
                # Frames decoded side by side are lost where one of them is damaged.
                stream.thread_type = "SLICE"
                yield container, stream
                return
        raise LikemarkError(f"{one_line(str(path))}: it holds no video")


def unreadable(name: str, error: Exception) -> LikemarkError:
    reason = str(getattr(error, "strerror", None) or error)
    return LikemarkError(
        f"{one_line(name)}: cannot be read as a video: {one_line(reason, limit=120)}; it may be "
        "cut short or damaged"
    )


def film_of(path: Path) -> Film:
    """Read a file's header and its first frame; raises as `opened` does."""
    with opened(path) as (container, stream):
        first = _first(container, stream)
        if first is None:
            raise LikemarkError(f"{one_line(str(path))}: it holds no frame that can be decoded")
        matrix = _matrix(first.side_data.get("DISPLAYMATRIX"))
        rate = stream.average_rate or stream.guessed_rate or _USUAL_RATE
        start = first.time or 0.0
        stated = _stated_seconds(container, stream, start)
        seconds = (container.duration or 0) / 1e6 if stated is None else stated
        return Film(
            name=one_line(str(path)),
            codec=stream.codec_context.codec.canonical_name,
            size=(first.width, first.height),
            pixels=first.format.name,
            rate=rate,
            time_base=stream.time_base or 1 / rate,
            frames=stream.frames or round(seconds * float(rate)),
            seconds=seconds,
            stated=stated is not None,
            start=start,
            matrix=matrix,
            turn=Turn() if matrix is None else turn_of_matrix(matrix),
            interlaced=first.interlaced_frame,
        )


def _first(container: InputContainer, stream: VideoStream) -> VideoFrame | None:
    """The first frame that can be decoded."""
    from av.error import FFmpegError, InvalidDataError

    try:
        for packet in container.demux(stream):
            try:
                for frame in stream.decode(packet):
                    return frame
            except InvalidDataError:
                continue  # what comes after a damaged packet may be sound
    except FFmpegError:
        pass  # the file ends here
    return None


def _matrix(data: object) -> tuple[int, ...] | None:
    if data is None:
        return None
    numbers = np.frombuffer(bytes(data), np.int32)  # type: ignore[call-overload]
    return tuple(int(number) for number in numbers) if len(numbers) == 9 else None


def _stated_seconds(container: InputContainer, stream: VideoStream, start: float) -> float | None:
    """How long the pictures last from the first one on; None where the file states the duration
    of sound and pictures together alone."""
    if stream.duration is not None and stream.time_base is not None:
        return float(stream.duration * stream.time_base)
    clock = _CLOCK.fullmatch(stream.metadata.get("DURATION", ""))  # of Matroska
    if clock:
        hours, minutes, seconds = map(float, clock.groups())
        return 3600 * hours + 60 * minutes + seconds - start
    if len(container.streams) > 1 or container.duration is None:
        return None
    return container.duration / 1e6 - start
