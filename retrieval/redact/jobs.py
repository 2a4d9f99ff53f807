"""Which files are redacted, and where what becomes of each goes: never over another one."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.retrieval.pictures.sniff import PICTURES
from likemark.retrieval.pictures.walk import told, walked
from likemark.retrieval.redact.film import FORMATS, IN_FOLDERS

_KNOWN = PICTURES | FORMATS.keys()
SCENES = PICTURES | IN_FOLDERS
_Identity = tuple[int, int]  # device and number of a file on it


@dataclass(frozen=True, slots=True)
class Job:
    """One file on its way to another."""

    source: Path
    target: Path  # the source itself: it is replaced
    preview: Path | None = None  # gets a PNG of both side by side

    @property
    def is_video(self) -> bool:
        return is_video(self.source)

    @property
    def in_place(self) -> bool:
        return self.source == self.target


@dataclass(frozen=True, slots=True)
class Listed:
    """What was pointed at."""

    jobs: tuple[Job, ...]  # in the order given, folders by name
    errors: tuple[PictureError, ...]  # one for each folder that cannot be looked into
    notes: tuple[str, ...] = ()  # what was passed over in folders


def is_video(path: Path) -> bool:
    """By its name."""
    return path.suffix.lower() in FORMATS


def list_jobs(
    scenes: Sequence[Path], *, out: Path | None, preview: Path | None = None,
    read: Sequence[Path] = (),
) -> Listed:  # fmt: skip
    """Every picture and video below the scenes, and where it goes.

    scenes: files, there or not, and folders, whose files keep their places below them. Hidden ones
        are left out, links to folders are not followed, nor are `out` and `preview` in a folder
    out: a folder, or for a single file its new name; None: every file is replaced
    preview: a folder
    read: what else the run reads, such as its queries: files, and folders of such
    Raises NotFound for a folder without any, InvalidInput where something would be written over
    a source or what is read, or twice under one name.
    """
    errors: list[PictureError] = []
    notes: list[str] = []
    ours = {_real(folder) for folder in (out, preview) if folder is not None}
    named = _is_name(scenes, out)
    jobs: dict[str, Job] = {}
    for scene in dict.fromkeys(scenes):
        for source, place in _below(scene, ours, errors.append, notes.append):
            target = source if out is None else out if named else out / place
            shown = None if preview is None else preview / f"{place}.png"
            jobs.setdefault(os.path.abspath(source), Job(source, target, shown))
    _check_unread(jobs.values(), read)
    _check_apart(list(jobs.values()), replacing=out is None)
    return Listed(tuple(jobs.values()), tuple(errors), tuple(notes))


def _is_name(scenes: Sequence[Path], out: Path | None) -> bool:
    """Whether `out` is the new name of the only file. Raises InvalidInput."""
    if out is None or os.path.isdir(out):
        return False
    if os.path.exists(out) and len(scenes) > 1:
        raise InvalidInput(f"{out}: is no folder: name one for several scenes")
    alone = len(scenes) == 1 and not os.path.isdir(scenes[0])
    if not alone and out.suffix.lower() in _KNOWN:
        raise InvalidInput(f"{out}: names one file: name a folder for several")
    return alone and (out.suffix.lower() in _KNOWN or os.path.exists(out))


def _below(
    scene: Path, ours: set[str], tell: Callable[[PictureError], None], note: Callable[[str], None]
) -> Iterator[tuple[Path, Path]]:
    """Each file, and its place below the scene; a file's own is its name."""
    if not os.path.isdir(scene):
        yield scene, Path(scene.name)
        return
    found = False
    others: Counter[str] = Counter()
    for path in _walked(scene, ours, tell, others):
        found = True
        yield path, path.relative_to(scene)
    if not found:
        raise NotFound(f"{scene}: holds no pictures or videos")
    if line := told(scene, others):
        note(line)


def _walked(
    folder: Path, ours: set[str], tell: Callable[[PictureError], None], others: Counter[str]
) -> Iterator[Path]:
    def unreadable(error: OSError) -> None:
        name = os.fsencode(error.filename or folder).decode("utf-8", "replace")
        reason = f"the folder cannot be listed: {error.strerror}"
        tell(PictureError(name, "unreadable", reason))

    # What an earlier run has written is no source of the next.
    return walked(
        folder, SCENES, unreadable=unreadable, left_out=lambda path: _real(path) in ours,
        passed_over=others,
    )  # fmt: skip


def _check_unread(jobs: Iterable[Job], read: Sequence[Path]) -> None:
    files = {_identity(path) for path in read} - {None}
    folders = tuple(os.path.join(_real(path), "") for path in read if os.path.isdir(path))
    written = [path for job in jobs for path in (job.target, job.preview) if path is not None]
    for path in written:
        there = _identity(path)
        if there is not None and (there in files or _real(path).startswith(folders)):
            raise InvalidInput(
                f"{path}: is what this run reads, such as its query: name another folder"
            )


def _check_apart(jobs: Sequence[Job], *, replacing: bool) -> None:
    sources = {_identity(job.source) for job in jobs} - {None}
    written: dict[str, tuple[Path, Path]] = {}
    for job in jobs:
        for path in (None if replacing else job.target, job.preview):
            if path is None:
                continue
            if _identity(path) in sources:
                raise InvalidInput(
                    f"{path}: is a source: name another folder, or replace the files: --in-place"
                )
            other, first = written.setdefault(_real(path), (job.source, path))
            if first is not path:
                raise InvalidInput(
                    f"{other} and {job.source} would both be written to {path}: redact one by one"
                )


def _identity(path: Path) -> _Identity | None:
    """The same for all names of one file; None where there is none."""
    try:
        state = os.stat(path)
    except OSError:
        return None
    return state.st_dev, state.st_ino


def _real(path: Path) -> str:
    return os.path.realpath(path)
