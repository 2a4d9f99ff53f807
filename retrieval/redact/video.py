"""Marks taken out of a video: the same film, times, turn and sound, without the marks."""

from __future__ import annotations

import shutil
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from likemark.db.errors import LikemarkError
from likemark.retrieval.files import whole_file
from likemark.retrieval.redact.film import Film, check_av, film_of, format_of, opened, unreadable
from likemark.retrieval.redact.following import Tracking
from likemark.retrieval.redact.planes import put_back, to_rgb
from likemark.retrieval.redact.regions import Locator, Region
from likemark.retrieval.redact.steady import Painter
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.tracks import Tracker
from likemark.retrieval.redact.writer import Writer

if TYPE_CHECKING:
    from av import VideoFrame
    from av.container import InputContainer
    from av.video.stream import VideoStream

_HELD_BYTES = 512 * 2**20  # of the frames that wait, whatever their size

Progress = Callable[[int, int | None], None]  # frames written, and of how many


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """The frame nearest to the middle in which marks are covered."""

    seconds: float  # from the file's start
    regions: tuple[Region, ...]  # in px of the upright frame


@dataclass(frozen=True, slots=True, eq=False)
class VideoResult:
    """What became of one video."""

    frames: int  # written
    covered: int  # frames with a covered mark
    scores: tuple[float, ...]  # of each mark that was followed from frame to frame, its best
    copied: bool  # nothing was found: the file is the source's, byte for byte
    notes: tuple[str, ...]  # one line each: what could not be read or carried over
    sample: Sample | None  # for a preview
    written: bool = True  # False: nothing was found, and no copy was wanted

    @property
    def marks(self) -> int:
        return len(self.scores)


class _Unwanted(Exception):
    """Nothing was found, and no copy is wanted: what was written goes."""


def redact_video(
    source: Path,
    target: Path,
    locate: Locator,
    *,
    style: Style | None = None,
    tracking: Tracking | None = None,
    progress: Progress | None = None,
    copy: bool = True,
) -> VideoResult:
    """Cover the marks of a video's frames; sound and subtitles are copied packet for packet.

    locate: is shown frames upright
    copy: a video in which nothing is found is written all the same, as it is
    Raises NotFound, InvalidInput for a target that names no video format, and LikemarkError for
    what cannot be read or written. The target is written whole or not at all.
    """
    check_av()
    form = format_of(target)
    film = film_of(source)
    run = _Run(film, locate, style or Style(), tracking or Tracking(), progress)
    try:
        with whole_file(target) as stream:
            _written(source, stream, form, run)
            if run.covered == 0 and not copy:
                raise _Unwanted
            copied = run.covered == 0 and source.suffix.lower() == target.suffix.lower()
            if copied:
                _copy(source, stream)
    except _Unwanted:
        return run.result(written=False)
    return run.result(copied=copied)


def _copy(source: Path, stream: BinaryIO) -> None:
    stream.seek(0)
    stream.truncate()
    with source.open("rb") as whole:
        shutil.copyfileobj(whole, stream)


def _written(source: Path, stream: BinaryIO, form: str, run: _Run) -> None:
    from av.error import FFmpegError

    try:
        with opened(source) as (container, video):
            run.write(container, video, stream, form)
    except FFmpegError as error:
        if isinstance(error.__context__, OSError):  # of what it writes to, such as a full disk
            raise error.__context__ from error
        raise LikemarkError(f"{run.film.name}: cannot be written anew: {error.strerror}") from error


class _Run:
    """One video on its way from a file to another."""

    def __init__(
        self,
        film: Film,
        locate: Locator,
        style: Style,
        tracking: Tracking,
        progress: Progress | None,
    ) -> None:
        self.film = film
        self.covered = self._frames = self._damaged = 0
        self._last = 0.0  # seconds after the start
        self._seconds = film.start - 1 / float(film.rate)  # of the frame that was read last
        self._scores: dict[int, float] = {}  # the best of each mark
        self._notes: list[str] = []  # of what was read
        self._losses: list[str] = []  # of what was written: of a copy, nothing is lost
        self._unseen = 0  # streams of other px, which a copy holds
        self._sample: Sample | None = None
        self._progress = progress or (lambda done, total: None)
        self._tracker = Tracker(locate, tracking, style, most=_affordable(film))
        self._painter = Painter(style)
        self._waiting: deque[VideoFrame] = deque()

    def write(
        self, container: InputContainer, video: VideoStream, stream: BinaryIO, form: str
    ) -> None:
        writer = Writer(stream, form, self.film, container, self._losses.append)
        with closing(writer.container):
            for frame, whole in self._read(container, video, writer):
                self._take(frame, writer, whole=whole)
            for marks in self._tracker.finish():
                self._give(marks, writer)
            if not self._frames:
                raise LikemarkError(f"{self.film.name}: no frame could be decoded")
            self._unseen = writer.unseen
            writer.close()
        self._close()

    def result(self, *, copied: bool = False, written: bool = True) -> VideoResult:
        return VideoResult(
            frames=self._frames,
            covered=self.covered,
            scores=tuple(self._scores.values()),
            copied=copied,
            notes=(*(self._of_copy() if copied else self._losses), *self._notes),
            sample=self._sample,
            written=written,
        )

    def _of_copy(self) -> list[str]:
        what = "a cover picture or another view that was not looked at"
        line = f"{self.film.name}: copied with {what}: the mark may be in it"
        return [line] if self._unseen else []

    def _read(
        self, container: InputContainer, video: VideoStream, writer: Writer
    ) -> Iterator[tuple[VideoFrame, bool]]:
        """The frames that can be decoded, and whether they are whole; other packets pass on."""
        from av.error import FFmpegError, InvalidDataError

        packets = container.demux()
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                return
            except FFmpegError as error:
                self._notes.append(str(unreadable(self.film.name, error)))
                return
            if packet.stream.index != video.index:
                writer.copy(packet)
                continue
            try:
                for frame in video.decode(packet):
                    yield frame, not (packet.is_corrupt or frame.is_corrupt)
            except InvalidDataError:
                self._damaged += 1

    def _take(self, frame: VideoFrame, writer: Writer, *, whole: bool) -> None:
        if (frame.width, frame.height) != self.film.size:
            frame = frame.reformat(*self.film.size)
        self._waiting.append(frame)
        self._seconds = self._time(frame)
        upright = self.film.turn.upright(to_rgb(frame))
        for marks in self._tracker.push(upright, self._seconds, whole=whole):
            self._give(marks, writer)

    def _time(self, frame: VideoFrame) -> float:
        """Seconds; of a frame without a time, or with an earlier one than the last, by the rate."""
        if frame.time is not None and frame.time > self._seconds:
            return frame.time
        return self._seconds + 1 / float(self.film.rate)

    def _give(self, marks: Mapping[int, Region], writer: Writer) -> None:
        frame = self._waiting.popleft()
        if marks:
            frame = self._painted(frame, marks)
        writer.write(frame)
        self._last = max(self._last, (frame.time or 0.0) - self.film.start)
        self._frames += 1
        self._progress(self._frames, self.film.frames or None)

    def _painted(self, frame: VideoFrame, marks: Mapping[int, Region]) -> VideoFrame:
        rgb = to_rgb(frame)
        mask = self._painter.paint(self.film.turn.upright(rgb), marks)
        if mask is None:
            return frame
        self.covered += 1
        for number, region in marks.items():
            self._scores[number] = max(region.score, self._scores.get(number, 0.0))
        self._remember(frame, marks)
        return put_back(frame, rgb, self.film.turn.stored(mask))

    def _remember(self, frame: VideoFrame, marks: Mapping[int, Region]) -> None:
        seconds, middle = frame.time or 0.0, self.film.seconds / 2
        if self._sample is None or abs(seconds - middle) < abs(self._sample.seconds - middle):
            self._sample = Sample(seconds, tuple(marks.values()))

    def _close(self) -> None:
        """Say what was missing."""
        name = self.film.name
        if self._damaged:
            self._notes.append(f"{name}: damaged packets left out: {self._damaged}")
        if self.film.ends_early(self._last):
            self._notes.append(
                f"{name}: ends early: {self._last:.2f} of {self.film.seconds:.2f} seconds are there"
            )
        self._progress(self._frames, self._frames)


def _affordable(film: Film) -> int:
    """Frames that fit into memory at once: 3 bytes a px is what one may take."""
    return max(1, _HELD_BYTES // (3 * film.size[0] * film.size[1]))
