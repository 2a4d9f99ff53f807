"""The .json files of a tar shard: register data of the pictures there, by a manifest's columns.

A .json belongs to the pictures of its own stem, else, as WebDataset lays a sample out, to those
whose names begin with its stem up to their first dot.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from likemark.db.errors import NotFound, one_line
from likemark.db.manifest import MAX_NESTING, is_nested
from likemark.retrieval.pictures.places import is_url
from likemark.retrieval.pictures.shards import BROKEN, Member, members

# Bytes of .json files that wait for their pictures; then the oldest go.
WAITING_BYTES = 256 * 2**20
_MOST_BYTES = 2**20  # of one


@dataclass(frozen=True, slots=True)
class Data:
    """What stands beside a picture."""

    value: Any = None  # of the JSON
    problem: str = ""  # why it cannot be used


@dataclass(slots=True)
class ShardData:
    """Those of one shard that wait, and word of those that waited in vain."""

    shard: str
    most: int = WAITING_BYTES
    _waiting: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # name, file; by stem
    _size: int = 0  # bytes of them
    _idle: dict[str, str] = field(default_factory=dict)  # names of those without a picture, by stem
    _twice: list[str] = field(default_factory=list)
    _ahead: bool = False  # all have been seen

    def read_ahead(self) -> None:
        """Take all, wherever they stand; of a store's shard nothing, for that is read once."""
        if is_url(self.shard):
            return
        with suppress(*BROKEN):  # said where the pictures are read
            for member in members(self.shard):
                if is_data(member.name) and not member.symbolic:
                    self.put(member)
        self._ahead = True

    def put(self, member: Member) -> None:
        """Take one; the first of a stem stands. Raises those of `BROKEN`."""
        stem = stem_of(member.name)
        if not self._ahead:
            if stem in self._waiting:
                self._twice.append(member.name)
            else:
                self._idle[stem] = member.name
        if stem in self._waiting:
            return
        data = b""
        with suppress(NotFound):  # a link to what is not there
            data = member.read(_MOST_BYTES + 1)
        self._waiting[stem] = member.name, data
        self._size += len(data)
        while self._size > self.most:
            oldest = next(iter(self._waiting))
            self._size -= len(self._waiting.pop(oldest)[1])

    def beside(self, picture: str) -> Data:
        """That of a picture, by its name."""
        for stem in (stem_of(picture), sample_of(picture)):
            if stem in self._waiting:
                self._idle.pop(stem, None)
                return _read(*self._waiting[stem])
        return Data()

    def notes(self) -> Iterator[str]:
        """A line each on what was of no use, once the shard is read."""
        where = "beside or behind it" if is_url(self.shard) else "of its name"
        idle = list(self._idle.values())
        yield from counted(self.shard, ".json files", idle, f"no picture {where}; passed over")
        yield from counted(self.shard, ".json files", self._twice, "held twice: the first is taken")


def counted(shard: str, what: str, names: list[str], said: str) -> Iterator[str]:
    """One line on several members of a shard, none where there are none."""
    if names:
        yield f"{shard}: {len(names)} {what}, such as {one_line(names[0])}: {said}"


def is_data(name: str) -> bool:
    return name.lower().endswith(".json")


def stem_of(name: str) -> str:
    """A member's name without its last extension."""
    return name.removesuffix(PurePosixPath(name).suffix)


def sample_of(name: str) -> str:
    """A member's name up to the first dot behind its folder."""
    folder, slash, file = name.rpartition("/")
    return folder + slash + file.partition(".")[0]


def _read(name: str, file: bytes) -> Data:
    if len(file) > _MOST_BYTES:
        return Data(problem=f"{name}: over {_MOST_BYTES >> 20} MiB; passed over")
    try:
        value = json.loads(file)
    except (ValueError, RecursionError) as error:
        return Data(problem=f"{name}: not JSON: {one_line(str(error))}; passed over")
    if is_nested(value):
        return Data(problem=f"{name}: nested deeper than {MAX_NESTING} levels; passed over")
    return Data(value)
