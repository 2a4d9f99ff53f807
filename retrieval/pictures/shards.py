"""Tar shards: pictures read out of an archive in one pass, or one by its name; never unpacked."""

from __future__ import annotations

import atexit
import os
import tarfile
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import IO

from likemark.db.errors import NotFound, one_line
from likemark.retrieval.pictures.places import is_url, open_place

# Shards kept open by this process, each with a table of its members.
_OPEN = 4
# What a broken archive raises, beside OSError: gzip's EOFError, zlib.error, tarfile's own.
BROKEN = (tarfile.TarError, EOFError, OSError, ValueError)


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a shard, or a link; its bytes can be read until the next member is taken."""

    name: str
    size: int  # bytes; 0 of a link
    shard: str
    archive: tarfile.TarFile
    info: tarfile.TarInfo

    @property
    def linked(self) -> bool:
        """Whether its bytes are another member's, as tar packs a file of several names."""
        return self.info.islnk()

    @property
    def symbolic(self) -> bool:
        """Whether it only names another path; it has no bytes."""
        return self.info.issym()

    def read(self, most: int = -1) -> bytes:
        """Its first `most` bytes, or all. Raises those of `BROKEN`, NotFound for a dead link."""
        if self.linked:
            return read_member(self.shard, self.name, most=most)
        stream = self.archive.extractfile(self.info)
        assert stream is not None  # a regular file
        return stream.read(most)


def members(shard: str) -> Iterator[Member]:
    """Files and links in the order of the shard, in one pass over it; folders are left out.

    Raises NotFound where there is no such shard, and those of `BROKEN`, which may come after some
    members.
    """
    with _opened(shard) as stream, tarfile.open(fileobj=stream, mode="r|*") as archive:
        try:
            while (info := archive.next()) is not None:
                if info.isreg() or info.islnk() or info.issym():
                    yield Member(plain(info.name), info.size, shard, archive, info)
                _listed(archive).clear()  # tarfile would keep them all
        except zlib.error as fault:
            raise tarfile.ReadError(one_line(str(fault))) from fault


def read_member(shard: str, name: str, *, most: int) -> bytes:
    """A member's first `most` bytes. Raises NotFound, those of `BROKEN`, and a store's errors."""
    with _lock:
        kept = _table(shard)
        info = kept.infos.get(name)
        if info is None:
            raise NotFound(f"{shard}: holds no {name}")
        stream = kept.archive.extractfile(info)
        assert stream is not None
        return stream.read(most)


def plain(name: str) -> str:
    """A member's name without the "./" and "/" that some programs put before it."""
    while name.startswith(("./", "/")):
        name = name.removeprefix("./").lstrip("/")
    return name


@dataclass(slots=True)
class _Kept:
    stream: IO[bytes]
    archive: tarfile.TarFile
    stamp: object  # of the shard's state: another file under the same name is read anew
    infos: dict[str, tarfile.TarInfo]

    def close(self) -> None:
        self.archive.close()
        self.stream.close()


# One reader at a time: a shard is one stream, and quickest read in its order.
_lock = threading.Lock()
_kept: OrderedDict[str, _Kept] = OrderedDict()


def _table(shard: str) -> _Kept:
    kept, stamp = _kept.pop(shard, None), _stamp(shard)
    if kept is not None and kept.stamp != stamp:
        kept.close()
        kept = None
    if kept is None:
        stream = open_place(shard)
        try:
            archive = tarfile.open(fileobj=stream, mode="r:*")
            infos: dict[str, tarfile.TarInfo] = {}
            for info in archive:
                file = infos.get(plain(info.linkname)) if info.islnk() else info
                if file is not None and file.isreg():
                    infos.setdefault(plain(info.name), file)
        except BaseException:
            stream.close()
            raise
        kept = _Kept(stream, archive, stamp, infos)
    _close_at_exit()
    _kept[shard] = kept
    while len(_kept) > _OPEN:
        _kept.popitem(last=False)[1].close()
    return kept


@cache
def _close_at_exit() -> None:
    atexit.register(_forget_all)


def _forget_all() -> None:
    with _lock:
        while _kept:
            _kept.popitem()[1].close()


def _listed(archive: tarfile.TarFile) -> list[tarfile.TarInfo]:
    # Not getmembers(), which reads on to the end.
    found: list[tarfile.TarInfo] = vars(archive)["members"]
    return found


def _stamp(shard: str) -> object:
    if is_url(shard):
        return None
    state = os.stat(shard)
    return state.st_mtime_ns, state.st_size, state.st_ino


@contextmanager
def _opened(shard: str) -> Iterator[IO[bytes]]:
    try:
        stream = open_place(shard)
    except FileNotFoundError:
        raise NotFound(f"{shard}: no such file, or it may not be looked at") from None
    with stream:
        yield stream
