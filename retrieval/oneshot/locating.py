"""Marks looked for in many scenes: files in, places out, one scene at a time."""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError, one_line, unforeseen
from likemark.retrieval.oneshot.films import film_scenes
from likemark.retrieval.oneshot.found import Asked, Found, Match, within
from likemark.retrieval.oneshot.looks import Look
from likemark.retrieval.oneshot.sources import Scene, Source
from likemark.retrieval.oneshot.whole import WholeDecoder
from likemark.retrieval.ordered import in_order
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.redact.regions import Pixels

_AHEAD = 2  # pictures that are decoded while one is looked at


@dataclass(frozen=True, slots=True)
class LocateOptions:
    """How scenes are read and how much is told of each; what is looked for says its `Look`."""

    top: int | None = None  # places a scene, the best ones; None: all
    every: float = 1.0  # seconds between the frames of a video that are looked at
    limits: PictureLimits = field(default_factory=PictureLimits)

    def __post_init__(self) -> None:
        if self.top is not None and self.top < 1:
            raise InvalidInput(f"top {self.top}: give 1 or more")
        if not (math.isfinite(self.every) and self.every > 0):
            raise InvalidInput(f"every {self.every} seconds: give a number above 0")


@dataclass(frozen=True, slots=True)
class Listeners:
    """Called while a run goes on."""

    problem: Callable[[str], None] = lambda line: None  # once a line
    progress: Callable[[int, int], None] = lambda done, total: None  # scenes, as far as is known


Answer = tuple[Scene | None, Found]


def locate_in(
    sources: Sequence[Source],
    look: Look,
    options: LocateOptions | None = None,
    listeners: Listeners | None = None,
) -> Iterator[Answer]:
    """Each scene and what was found in it, in the order of the sources, as soon as it is known.

    A source that cannot be read gives no scene, and its error in what was found; a video may give
    scenes before. Nothing is looked for in a scene of one colour.
    """
    options, listeners = options or LocateOptions(), listeners or Listeners()
    done, total, films = 0, len(sources), set[Source]()
    with closing(read_scenes(sources, options, listeners.problem)) as scenes:
        for scene in scenes:
            if isinstance(scene, Found):
                yield None, scene
            else:
                if scene.of > 1 and scene.source not in films:
                    films.add(scene.source)
                    total += scene.of - 1
                yield scene, _looked(scene, look, options, listeners.problem)
            done += 1
            listeners.progress(done, max(done, total))


def read_scenes(
    sources: Sequence[Source], options: LocateOptions, problem: Callable[[str], None]
) -> Generator[Scene | Found, None, None]:
    """Pictures and frames; of what cannot be read, the answer that says so."""
    with closing(WholeDecoder(options.limits)) as decoder, ThreadPoolExecutor(1) as pool:

        def submit(source: Source) -> Future[Pixels | LikemarkError | None]:
            return pool.submit(_read, decoder, source)

        try:
            with closing(in_order(submit, sources, ahead=_AHEAD)) as read:
                for source, pixels in zip(sources, read, strict=True):
                    if isinstance(pixels, LikemarkError):
                        yield Found(source, error=pixels)
                    elif pixels is None:
                        yield from _frames(source, options, problem)
                    else:
                        yield Scene(source, flatten(pixels))
        finally:
            decoder.stop()  # else leaving would wait for what is being decoded


def read_queries(
    queries: Sequence[Asked], limits: PictureLimits | None = None
) -> list[tuple[Asked, Pixels]]:
    """Each query and its (h, w, 3 or 4). Raises the PictureError of the first that is refused."""
    with closing(WholeDecoder(limits)) as decoder:
        return [(asked, decoder.read(asked.name)) for asked in queries]


def _read(decoder: WholeDecoder, source: Source) -> Pixels | LikemarkError | None:
    """None of a video, whose frames are read one by one."""
    try:
        return None if source.is_video else decoder.read(source.name)
    except LikemarkError as error:
        return error


def _frames(
    source: Source, options: LocateOptions, problem: Callable[[str], None]
) -> Iterator[Scene | Found]:
    path = Path(source.name)
    try:
        yield from film_scenes(
            source, path, every=options.every, limits=options.limits, problem=problem
        )
    except LikemarkError as error:
        yield Found(source, error=error)


def _looked(
    scene: Scene, look: Look, options: LocateOptions, problem: Callable[[str], None]
) -> Found:
    height, width = scene.pixels.shape[:2]
    nothing = Found(scene.source, width, height, frame=scene.frame, time=scene.time)
    if scene.is_plain:
        problem(f"{one_line(scene.shown)}: is of one colour: there is nothing to find in it")
        return nothing
    try:
        matches = [_inside(match, width, height) for match in look(scene)]
    except LikemarkError:
        raise
    except Exception as fault:  # what nobody foresaw costs one scene
        return replace(nothing, error=unforeseen(scene.shown, fault))
    kept = [match for match in matches if match is not None]
    kept.sort(key=lambda match: -match.region.score)
    return replace(nothing, matches=tuple(kept[: options.top]))


def _inside(match: Match, width: int, height: int) -> Match | None:
    region = within(match.region, width, height)
    return None if region is None else replace(match, region=region)
