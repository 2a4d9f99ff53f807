"""Rows of tar shards: a mark for each picture, with the register data that stands in its .json.

In a local file the two may stand anywhere; a store's shard is read in one pass, and there a .json
stands before its picture or right beside it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import groupby
from pathlib import PurePosixPath
from typing import Any

from likemark.db.errors import LikemarkError, NotFound, PictureError
from likemark.db.manifest import mark_key
from likemark.db.register import read_row
from likemark.retrieval.elsewhere import Unreadable, is_picture
from likemark.retrieval.pictures.places import INSIDE
from likemark.retrieval.pictures.shards import BROKEN, Member, members
from likemark.retrieval.rows import Budget, Held, Row, picture_row, shown
from likemark.retrieval.shard_data import Data, ShardData, counted, is_data, sample_of


def shard_rows(
    shard: str, unreadable: Unreadable, noted: Callable[[str], None] = lambda line: None
) -> Iterator[Row | LikemarkError]:
    """The rows of a shard in its own order; a broken one ends with its error.

    unreadable: called with the shard when it is broken; noted: with a line on what was passed over.
    """
    data, budget, seen = ShardData(shard), Budget(), set[str]()
    links: list[str] = []
    data.read_ahead()
    try:
        wanted = (member for member in members(shard) if _is_wanted(member.name))
        for _, sample in groupby(wanted, key=lambda member: sample_of(member.name)):
            for name, held in _pictures(sample, data, budget, links):
                yield _row(shard, name, held, data.beside(name), seen)
    except NotFound:
        raise
    except BROKEN as fault:
        unreadable(shard)
        yield PictureError(shown(shard), "unreadable", f"the shard cannot be read on: {fault}")
        return
    followed = "not followed; pack what they name (tar --dereference)"
    for line in (*data.notes(), *counted(shard, "symbolic links", links, followed)):
        noted(line)


def _pictures(
    sample: Iterator[Member], data: ShardData, budget: Budget, links: list[str]
) -> list[tuple[str, Held | None]]:
    """The names of a sample's pictures with their files, where there is room for these."""
    pictures: list[tuple[str, Held | None]] = []
    for member in sample:
        if member.symbolic:
            links.append(member.name)
        elif is_data(member.name):
            data.put(member)
        else:
            here = not member.linked and budget.fits(member.size)
            pictures.append((member.name, budget.hold(member.read()) if here else None))
    return pictures


def _row(
    shard: str, name: str, held: Held | None, data: Data, seen: set[str]
) -> Row | PictureError:
    path = shard + INSIDE + name
    row = picture_row(path, held)
    if isinstance(row, Row) and path in seen:
        row = PictureError(
            path, "unreadable", "the shard holds this name twice: the first is taken"
        )
    seen.add(path)
    if isinstance(row, PictureError):
        return row
    if isinstance(data.value, dict):
        row = _with_data(row, shard, path, data.value)
    if data.problem:
        row = replace(row, warnings=(f"{shard}{INSIDE}{data.problem}", *row.warnings))
    return row


def _with_data(row: Row, shard: str, path: str, data: dict[str, Any]) -> Row:
    key = mark_key(data, path) or row.mark.key
    mark, warnings = read_row(data, key=key, source=shard)
    notes = tuple(f"{path}: {text}" for text in warnings)
    return replace(row, mark=mark, from_manifest=True, warnings=notes)


def _is_wanted(name: str) -> bool:
    hidden = any(part.startswith(".") and part != ".." for part in PurePosixPath(name).parts)
    return not hidden and (is_picture(name) or is_data(name))
