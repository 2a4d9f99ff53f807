"""Frames of a video at a step, whatever its rate, as far as the file goes."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from likemark.db.errors import PictureError, one_line
from likemark.retrieval.oneshot.sources import Scene, Source
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.raster import check_size
from likemark.retrieval.redact.film import Film, check_av, film_of, opened, unreadable
from likemark.retrieval.redact.planes import to_rgb

if TYPE_CHECKING:
    from pathlib import Path

    from av import VideoFrame

_ROUNDING = 1e-6  # seconds


def film_scenes(
    source: Source,
    path: Path,
    *,
    every: float,
    limits: PictureLimits,
    problem: Callable[[str], None] = lambda line: None,
) -> Iterator[Scene]:
    """The first frame, and the first one of each further step of `every` seconds.

    By the times that frames are shown at: a film of uneven rate has as many scenes as an even one,
    but where nothing is shown for longer than a step.
    problem: called once a line with what was missing
    Raises NotFound, or LikemarkError where the file cannot be read or holds no frame.
    """
    check_av()
    film = film_of(path)
    check_size(str(path), film.size, limits)
    of = max(1, math.ceil(film.seconds / every))
    due, number, last = -math.inf, -1, 0.0
    for number, (frame, seconds) in enumerate(_frames(film, path, problem)):
        last = max(last, seconds - film.start)
        if seconds - film.start < due:
            continue
        due = (math.floor((seconds - film.start) / every + _ROUNDING) + 1) * every - _ROUNDING
        # A frame may be larger than the first one.
        check_size(str(path), (frame.width, frame.height), limits)
        pixels = np.ascontiguousarray(film.turn.upright(to_rgb(frame)))
        yield Scene(source, pixels, number, seconds, of)
    if number < 0:
        raise PictureError(film.name, "damaged", "no frame could be decoded")
    if film.ends_early(last):
        problem(f"{film.name}: ends early: {last:.2f} of {film.seconds:.2f} seconds are there")


def _frames(
    film: Film, path: Path, problem: Callable[[str], None]
) -> Iterator[tuple[VideoFrame, float]]:
    """All that can be decoded, each with the seconds at which it is shown."""
    from av.error import FFmpegError

    damaged, number = 0, 0
    with opened(path) as (container, stream):
        packets = container.demux(stream)
        while True:
            try:
                packet = next(packets)
            except StopIteration:
                break
            except FFmpegError as error:
                problem(str(unreadable(film.name, error)))
                break
            try:
                for frame in stream.decode(packet):
                    # A frame that has no time of its own is counted into the rate.
                    time = film.start + number / float(film.rate)
                    yield frame, time if frame.time is None else frame.time
                    number += 1
            except FFmpegError:
                damaged += 1
    if damaged:
        problem(f"{one_line(film.name)}: damaged packets left out: {damaged}")
