"""Rows of what is no local folder: objects of a store, and the members of tar shards.

A shard may be laid out as WebDataset does it: members whose names agree up to the first dot are one
sample, and a .json of the sample names its mark's register data by a manifest's columns.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from likemark.db.errors import LikemarkError, NotFound, PictureError, one_line
from likemark.db.manifest import MAX_NESTING, is_nested, mark_key
from likemark.db.register import read_row
from likemark.retrieval.pictures.places import INSIDE, filesystem, is_shard
from likemark.retrieval.pictures.shards import BROKEN, Member, members
from likemark.retrieval.pictures.sniff import EXTENSIONS
from likemark.retrieval.rows import Budget, Held, Row, picture_row, shown

Unreadable = Callable[[str], None]
_JSON_BYTES = 2**20


def expanded(url: str) -> Iterator[str]:
    """The objects that a pattern stands for, by name; any other address is itself.

    Raises NotFound, and LikemarkError where the store does not answer.
    """
    files, path = filesystem(url)
    try:
        if "*" in path or "[" in path:
            found = [str(files.unstrip_protocol(str(name))) for name in sorted(files.glob(path))]
        else:
            found = [url] if files.exists(path) else []
    except Exception as error:  # a store's own errors share no base
        raise _unanswered(url, error) from error
    if not found:
        raise NotFound(f"{one_line(url)}: no such object or prefix, or it may not be looked at")
    yield from found


def is_prefix(url: str) -> bool:
    """Whether an address holds objects, rather than being one. Raises LikemarkError."""
    if is_shard(url):
        return False
    files, path = filesystem(url)
    try:
        return bool(files.isdir(path))
    except Exception as error:
        raise _unanswered(url, error) from error


def objects(url: str, unreadable: Unreadable) -> Iterator[str | PictureError]:
    """Pictures below a prefix by their extension, sorted by name, hidden ones left out."""
    files, root = filesystem(url)
    waiting = [root]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(files.ls(here, detail=True), key=lambda entry: str(entry["name"]))
        except Exception as error:
            unreadable(url)
            detail = f"it cannot be listed: {error}"
            yield PictureError(str(files.unstrip_protocol(here)), "unreadable", detail)
            continue
        seen = [e for e in entries if not PurePosixPath(e["name"]).name.startswith(".")]
        below = [str(e["name"]) for e in seen if e["type"] == "directory"]
        # Some stores list a prefix among its own entries.
        waiting += reversed([name for name in below if name.rstrip("/") != here.rstrip("/")])
        names = [str(e["name"]) for e in seen if e["type"] != "directory"]
        yield from (str(files.unstrip_protocol(name)) for name in names if is_picture(name))


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower().removeprefix(".") in EXTENSIONS


def shard_rows(shard: str, unreadable: Unreadable) -> Iterator[Row | LikemarkError]:
    """The rows of a shard in its own order, read in one pass; a broken one ends with its error."""
    budget, seen = Budget(), set[str]()
    try:
        wanted = (member for member in members(shard) if _is_wanted(member.name))
        for _, sample in groupby(wanted, key=lambda member: sample_of(member.name)):
            yield from _sample_rows(shard, _Sample.read(sample, budget), seen)
    except NotFound:
        raise
    except BROKEN as fault:
        unreadable(shard)
        yield PictureError(shown(shard), "unreadable", f"the shard cannot be read on: {fault}")


def sample_of(name: str) -> str:
    """A member's name up to the first dot behind its folder."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


@dataclass(slots=True)
class _Sample:
    pictures: list[tuple[str, Held | None]] = field(default_factory=list)  # by member's name
    data: Any = None  # the JSON value beside them
    problem: str = ""  # why the JSON cannot be used

    @classmethod
    def read(cls, members: Iterator[Member], budget: Budget) -> _Sample:
        sample = cls()
        for member in members:
            if is_picture(member.name):
                held = budget.hold(member.read()) if budget.fits(member.size) else None
                sample.pictures.append((member.name, held))
            elif member.size <= _JSON_BYTES:
                sample._take(member)
        return sample

    def _take(self, member: Member) -> None:
        try:
            data = json.loads(member.read())
        except (ValueError, RecursionError) as error:
            self.problem = f"{member.name}: not JSON: {one_line(str(error))}; passed over"
            return
        if is_nested(data):
            self.problem = f"{member.name}: nested deeper than {MAX_NESTING} levels; passed over"
            return
        self.data = data


def _sample_rows(shard: str, sample: _Sample, seen: set[str]) -> Iterator[Row | LikemarkError]:
    for name, held in sample.pictures:
        path = shard + INSIDE + name
        row = picture_row(path, held)
        if isinstance(row, Row) and path in seen:
            detail = "the shard holds this name twice: the first is taken"
            row = PictureError(path, "unreadable", detail)
        seen.add(path)
        if isinstance(row, Row) and isinstance(sample.data, dict):
            row = _with_data(row, shard, path, sample.data)
        if isinstance(row, Row) and sample.problem:
            row = replace(row, warnings=(f"{shard}{INSIDE}{sample.problem}", *row.warnings))
        yield row


def _with_data(row: Row, shard: str, path: str, data: dict[str, Any]) -> Row:
    key = mark_key(data, path) or row.mark.key
    mark, warnings = read_row(data, key=key, source=shard)
    notes = tuple(f"{path}: {text}" for text in warnings)
    return replace(row, mark=mark, from_manifest=True, warnings=notes)


def _is_wanted(name: str) -> bool:
    hidden = any(part.startswith(".") and part != ".." for part in PurePosixPath(name).parts)
    return not hidden and (is_picture(name) or name.lower().endswith(".json"))


def _unanswered(url: str, error: Exception) -> LikemarkError:
    detail = one_line(f"{type(error).__name__}: {error}", limit=200)
    return LikemarkError(f"{one_line(url)}: the store does not answer: {detail}")
