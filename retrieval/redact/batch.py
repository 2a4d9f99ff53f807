"""Marks taken out of many files: what fails costs one file, and the run goes on."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from likemark.db.errors import LikemarkError, one_line, unforeseen
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.redact.following import Tracking
from likemark.retrieval.redact.jobs import Job
from likemark.retrieval.redact.locating import Locating
from likemark.retrieval.redact.pictures import redact_picture
from likemark.retrieval.redact.preview import preview_picture, preview_video
from likemark.retrieval.redact.regions import Locator, Region
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.video import Progress, Sample, redact_video


@dataclass(frozen=True, slots=True)
class RedactOptions:
    """What holds for every file of a run."""

    style: Style = field(default_factory=Style)
    tracking: Tracking = field(default_factory=Tracking)  # of videos
    limits: PictureLimits = field(default_factory=PictureLimits)
    copy: bool = True  # a file in which nothing is found is written all the same, as it is


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file."""

    source: Path
    target: Path | None  # None: nothing was written
    scores: tuple[float, ...] = ()  # of each mark that was covered, 0 to 1
    copied: bool = False  # nothing was covered: it is the source, byte for byte
    preview: Path | None = None  # None: none was asked for, or there is nothing to be seen
    notes: tuple[str, ...] = ()  # one line each
    error: LikemarkError | None = None  # why it could not be done: nothing was written

    @property
    def regions(self) -> int:
        return len(self.scores)

    def to_json(self) -> dict[str, object]:
        return {
            "scene": str(self.source),
            "out": None if self.target is None else str(self.target),
            "regions": self.regions,
            "score": [round(score, 4) for score in self.scores],
            "copied": self.copied,
            "preview": None if self.preview is None else str(self.preview),
            "notes": list(self.notes),
            "error": None if self.error is None else str(self.error),
        }


@dataclass(frozen=True, slots=True, eq=False)
class _Done:
    """What became of one picture, or of one video, alike for both."""

    scores: tuple[float, ...]
    copied: bool
    written: bool
    notes: tuple[str, ...]
    seen: tuple[Region, ...] | Sample | None  # what a preview shows


def redact_files(
    jobs: Iterable[Job],
    locating: Locating,
    options: RedactOptions | None = None,
    *,
    progress: Progress | None = None,
) -> Iterator[Outcome]:
    """Each file's outcome once it is done; folders are made where they are missing.

    progress: of the frames of a video
    """
    options = options or RedactOptions()
    for job in jobs:
        try:
            yield _redacted(job, locating(job.source), options, progress)
        except LikemarkError as error:
            yield Outcome(job.source, None, error=error)
        except Exception as fault:  # what nobody foresaw costs one file too
            yield Outcome(job.source, None, error=unforeseen(str(job.source), fault))


def _redacted(
    job: Job, locate: Locator, options: RedactOptions, progress: Progress | None
) -> Outcome:
    # A file that stays as it is where it stands needs no copy of itself.
    options = replace(options, copy=options.copy and not job.in_place)
    with _target(job) as target:
        work = _video if job.is_video else _picture
        done = work(job.source, target, locate, options, progress)
        notes, preview = done.notes, None
        if done.seen and job.preview is not None:
            try:
                _preview(job.source, target, done.seen, job.preview)
                preview = job.preview
            except LikemarkError as error:
                notes = (*notes, f"no preview: {error}")
    return Outcome(
        job.source,
        job.target if done.written else None,
        done.scores,
        copied=done.copied,
        preview=preview,
        notes=notes,
    )


def _picture(
    source: Path, target: Path, locate: Locator, options: RedactOptions, progress: Progress | None
) -> _Done:
    made = redact_picture(
        source, target, locate, style=options.style, limits=options.limits, copy=options.copy
    )
    covered = made.regions if made.written and not made.copied else ()
    scores = tuple(region.score for region in covered)
    return _Done(scores, made.copied, made.written, made.notes, covered)


def _video(
    source: Path, target: Path, locate: Locator, options: RedactOptions, progress: Progress | None
) -> _Done:
    made = redact_video(
        source, target, locate, style=options.style, tracking=options.tracking,
        progress=progress, copy=options.copy,
    )  # fmt: skip
    return _Done(made.scores, made.copied, made.written, made.notes, made.sample)


def _preview(source: Path, target: Path, seen: tuple[Region, ...] | Sample, preview: Path) -> None:
    _make_folder(preview.parent)
    if isinstance(seen, Sample):
        preview_video(source, target, seen, preview)
    else:
        preview_picture(source, target, seen, preview)


@contextmanager
def _target(job: Job) -> Iterator[Path]:
    """Where a file is written. In place: a neighbour that takes the file's name at the end.

    Until then the source is there for a preview; its mode is kept.
    """
    if not job.in_place:
        with _folder(job.target.parent):
            yield job.target
        return
    source = Path(os.path.realpath(job.source))
    draft = source.with_name(f".{secrets.token_hex(4)}{job.source.suffix}")
    try:
        yield draft
        if draft.exists():
            shutil.copymode(source, draft)
            draft.replace(source)
    except OSError as error:
        raise LikemarkError(f"{job.source}: cannot be replaced: {error.strerror}") from error
    finally:
        with suppress(OSError):  # its folder has gone: what the cause is, is on its way up
            draft.unlink(missing_ok=True)


@contextmanager
def _folder(folder: Path) -> Iterator[None]:
    """Made, with those above it; what is made for nothing goes again."""
    made = [path for path in (folder, *folder.parents) if not os.path.lexists(path)]
    _make_folder(folder)
    try:
        yield
    finally:
        with suppress(OSError):  # something was written
            for path in made:
                path.rmdir()


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        name = one_line(str(folder))
        raise LikemarkError(f"{name}: cannot be made: {error.strerror}") from error
