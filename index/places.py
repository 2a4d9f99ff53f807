"""Which list an id is in: what membership, filters and catching up are decided by.

Two files, memory-mapped: all ids ascending, and each one's list. Sizes: N ids, L lists.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from likemark.index.ids import held
from likemark.index.lists import MappedLists, list_ids
from likemark.index.protocol import Ids

IDS, LISTS = "places.ids", "places.lists"
# Of a larger set of ids, so many are looked up: the shares of its lists are then known well enough.
SAMPLED = 20_000


class Places:
    def __init__(self, ids: Ids, lists: NDArray[np.int32], total: int) -> None:
        self.ids = ids  # (N,) ascending
        self._lists = lists  # (N,)
        self._total = total  # L

    @classmethod
    def of(cls, lists: MappedLists) -> Places:
        sizes, rooms = lists.table.sizes, lists.table.rooms
        ids = np.empty(int(sizes.sum()), np.int64)
        ends = np.cumsum(sizes)
        for number, (size, room, offset) in enumerate(
            zip(sizes.tolist(), rooms.tolist(), lists.table.offsets.tolist(), strict=True)
        ):
            start = offset + room * lists.table.code_size
            ids[ends[number] - size : ends[number]] = np.fromfile(
                lists.path, "<i8", size, offset=start
            )
        return cls._of_lists(ids, sizes)

    @classmethod
    def of_memory(cls, engine: Any) -> Places:
        """Of an inverted-list index of FAISS's that is not mapped."""
        ids = [list_ids(engine.invlists, number) for number in range(int(engine.nlist))]
        return cls._of_lists(np.concatenate(ids), np.array([len(each) for each in ids]))

    @classmethod
    def _of_lists(cls, ids: Ids, sizes: NDArray[np.int64]) -> Places:
        """ids: (N,), list after list; sizes: (L,) of the lists"""
        order = np.argsort(ids, kind="stable")
        numbers = np.repeat(np.arange(len(sizes), dtype=np.int32), sizes)
        return cls(ids[order], numbers[order], len(sizes))

    @classmethod
    def load(cls, folder: Path, total: int) -> Places:
        return cls(_mapped(folder / IDS, np.int64), _mapped(folder / LISTS, np.int32), total)

    def save(self, folder: Path) -> None:
        self.ids.tofile(folder / IDS)
        self._lists.tofile(folder / LISTS)

    def held(self, ids: Ids) -> NDArray[np.bool_]:
        """(n,) which of some ids are there."""
        return held(self.ids, ids)

    def spread(self, ids: Ids) -> NDArray[np.float64]:
        """(L,) how many of these ids each list holds; of very many an estimate."""
        step = max(1, len(ids) // SAMPLED)
        sample = ids[::step]
        sample = sample[self.held(sample)]
        lists = self._lists[np.searchsorted(self.ids, sample)]
        return step * np.bincount(lists, minlength=self._total).astype(np.float64)


Number = TypeVar("Number", np.int64, np.int32)


def _mapped(path: Path, kind: type[Number]) -> NDArray[Number]:
    # A file without bytes cannot be mapped.
    return np.memmap(path, kind, "r") if path.stat().st_size else np.empty(0, kind)
