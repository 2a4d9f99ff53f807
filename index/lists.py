"""Inverted lists in one file: memory-mapped, each list with a CRC-32 of its own.

Of a file of gigabytes a search touches a few lists. Each is checked when it is first visited, so
that opening reads none of them and no damaged one is ever searched. Sizes: L lists.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import IndexDamaged
from likemark.index.ids import held
from likemark.index.probing import faiss
from likemark.index.protocol import Ids

ID_BYTES = 8
# Room in a list is a multiple of this, so that ids behind codes of any size are aligned.
_ROUND = 8


@dataclass(frozen=True, slots=True)
class ListTable:
    """Where each list stands in the file: its codes, then its ids."""

    code_size: int  # bytes
    sizes: Ids  # (L,) vectors
    offsets: Ids  # (L,) bytes
    crcs: NDArray[np.uint32]  # (L,) of all its bytes

    @property
    def rooms(self) -> Ids:
        """(L,) vectors that each list has room for."""
        rooms: Ids = -(-self.sizes // _ROUND) * _ROUND
        return rooms

    @property
    def lengths(self) -> Ids:
        """(L,) bytes."""
        return self.rooms * (self.code_size + ID_BYTES)

    def save(self, path: Path) -> None:
        # Through a handle: given a name, numpy hangs its ending onto it.
        with path.open("wb") as stream:
            np.savez(
                stream, code_size=self.code_size, sizes=self.sizes, offsets=self.offsets,
                crcs=self.crcs,
            )  # fmt: skip

    @classmethod
    def load(cls, path: Path) -> Self:
        with np.load(path, allow_pickle=False) as file:
            return cls(int(file["code_size"]), file["sizes"], file["offsets"], file["crcs"])


def list_content(lists: Any, number: int) -> tuple[NDArray[np.uint8], Ids]:
    """(n, code_size) codes and (n,) ids of one of FAISS's lists, copied."""
    ids = list_ids(lists, number)
    if not len(ids):
        return np.empty((0, lists.code_size), np.uint8), ids
    codes = faiss.rev_swig_ptr(lists.get_codes(number), len(ids) * lists.code_size)
    return codes.reshape(len(ids), lists.code_size).copy(), ids


def list_ids(lists: Any, number: int) -> Ids:
    """(n,) of one of FAISS's lists, copied."""
    size = int(lists.list_size(number))
    if not size:
        return np.empty(0, np.int64)
    ids: Ids = faiss.rev_swig_ptr(lists.get_ids(number), size).astype(np.int64)
    return ids


def write_lists(path: Path, sources: Sequence[Any], *, without: Ids | None = None) -> ListTable:
    """Join FAISS's lists of several sources, list by list in the order of ids.

    without: ids that the first source is not to give, ascending. Raises OSError.
    """
    first = sources[0]
    total = int(first.nlist)
    sizes, offsets = np.zeros(total, np.int64), np.zeros(total, np.int64)
    crcs = np.zeros(total, np.uint32)
    with path.open("wb") as stream:
        for number in range(total):
            parts = [list_content(source, number) for source in sources]
            if without is not None:
                parts[0] = _left(parts[0], without)
            content, sizes[number] = _packed(parts)
            offsets[number], crcs[number] = stream.tell(), zlib.crc32(content)
            stream.write(content)
    return ListTable(int(first.code_size), sizes, offsets, crcs)


def _left(part: tuple[NDArray[np.uint8], Ids], without: Ids) -> tuple[NDArray[np.uint8], Ids]:
    stays = ~held(without, part[1])
    return part[0][stays], part[1][stays]


def _packed(parts: Sequence[tuple[NDArray[np.uint8], Ids]]) -> tuple[bytes, int]:
    codes = np.concatenate([part[0] for part in parts])
    ids = np.concatenate([part[1] for part in parts])
    order = np.argsort(ids, kind="stable")
    spare = -len(ids) % _ROUND
    content = (
        np.pad(codes[order], ((0, spare), (0, 0))).tobytes()
        + np.pad(ids[order], (0, spare)).astype("<i8").tobytes()
    )
    return content, len(ids)


class MappedLists:
    """The lists of a file, for FAISS to search. Raises FileNotFoundError when it is gone."""

    def __init__(self, path: Path, table: ListTable) -> None:
        self.path = path
        self.table = table
        size = int(table.lengths.sum())
        if path.stat().st_size != size:
            raise IndexDamaged(f"index {path}: {path.stat().st_size} bytes, {size} were stored")
        self._sure = table.lengths == 0
        self.faiss = _on_disk(path, table) if size else _nothing(table)

    def check(self, numbers: NDArray[np.int64]) -> None:
        """Raises IndexDamaged unless these lists are as they were written; -1 is no list."""
        wanted = np.unique(numbers)
        wanted = wanted[wanted >= 0]
        for number in wanted[~self._sure[wanted]].tolist():
            # Where FAISS has mapped it: mapped a second time, each page would weigh twice.
            start, length = self.faiss.get_codes(number), int(self.table.lengths[number])
            if zlib.crc32(faiss.rev_swig_ptr(start, length)) != int(self.table.crcs[number]):
                raise IndexDamaged(
                    f"index {self.path}: list {number} is not as it was stored; "
                    "run: likemark reindex"
                )
            self._sure[number] = True


def _on_disk(path: Path, table: ListTable) -> Any:
    lists = faiss.OnDiskInvertedLists()
    lists.nlist, lists.code_size = len(table.sizes), table.code_size
    lists.filename, lists.totsize = str(path), int(table.lengths.sum())
    lists.read_only = True
    lists.prefetch_nthread = 0  # threads that are started for every search cost more than they gain
    for size, room, offset in zip(
        table.sizes.tolist(), table.rooms.tolist(), table.offsets.tolist(), strict=True
    ):
        entry = faiss.OnDiskOneList()
        entry.size, entry.capacity, entry.offset = size, room, offset
        lists.lists.push_back(entry)
    lists.do_mmap()
    return lists


def _nothing(table: ListTable) -> Any:
    return faiss.ArrayInvertedLists(len(table.sizes), table.code_size)
