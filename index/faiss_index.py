"""FAISS behind the protocol: one factory string, exact or approximate, CPU or GPU."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import faiss as _faiss
import numpy as np

from likemark.db.errors import IndexFault, InvalidInput, one_line
from likemark.index.factory import EXACT, choose_factory
from likemark.index.protocol import NO_ID, Found, Ids, IndexStats, Rows, Stamp
from likemark.index.storage import read_index, write_index

faiss: Any = _faiss  # its own type stubs lag behind what it has

# Inverted lists visited per search, of a thousand: measured for recall in the benchmarks.
PROBED_PER_MILLE = 16
# Below this share of allowed vectors every list is visited: most of them hold nothing to compare.
FEW = 0.05


class FaissIndex:
    """An index made by `faiss.index_factory`, under ids of our own, inner product.

    Engines: Flat, SQ..., PQ... and IVF... over them. Graphs are refused: FAISS's cannot remove,
    and lose hits behind a narrow filter.
    """

    def __init__(self, inner: Any, factory: str, setting: str) -> None:
        self._inner = inner  # inverted lists keep ids themselves, all else stands in an IndexIDMap
        self._factory = factory
        self._setting = setting
        self._highest = int(self.ids().max(initial=NO_ID))

    @classmethod
    def create(cls, setting: str, *, dimension: int, expected: int = 0) -> Self:
        """An empty index for about `expected` vectors.

        setting: a factory string or "auto". Raises InvalidInput for what FAISS does not know.
        """
        factory = choose_factory(setting, expected=expected)
        try:
            inner = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
        except RuntimeError as error:
            reason = one_line(str(error), limit=120)
            raise InvalidInput(f"index {factory!r}: FAISS cannot build it: {reason}") from None
        if not isinstance(inner, faiss.IndexFlatCodes | faiss.IndexIVF):
            raise InvalidInput(
                f"index {factory!r} is not supported; give Flat, SQ8, PQ32, or IVF1024,SQfp16"
            )
        inner = inner if _holds_ids(inner) else faiss.IndexIDMap(inner)
        return cls(inner, factory, setting)

    @classmethod
    def open(cls, folder: Path) -> tuple[Self, Stamp]:
        """Raises IndexDamaged when the files are broken, FileNotFoundError when there are none."""
        stored = read_index(folder)
        return cls(stored.inner, stored.factory, stored.setting), stored.stamp

    @property
    def dimension(self) -> int:
        return int(self._inner.d)

    @property
    def factory(self) -> str:
        return self._factory

    @property
    def setting(self) -> str:
        """What was asked for when it was made: a factory string or "auto"."""
        return self._setting

    @property
    def trained(self) -> bool:
        return bool(self._inner.is_trained)

    def train(self, rows: Rows) -> None:
        """Fit the engine to a sample (N, D) before the first `add`; exact engines need none.

        Raises IndexFault when the sample is too small.
        """
        try:
            self._inner.train(self._checked(rows))
        except RuntimeError as error:
            reason = one_line(str(error), limit=120)
            raise IndexFault(
                f"index {self._factory!r}: {len(rows)} vectors are too few to train it ({reason}); "
                "use --index auto"
            ) from None

    def add(self, ids: Ids, rows: Rows) -> None:
        rows = self._checked(rows)
        if ids.shape != rows.shape[:1] or (len(ids) and ids.min() < 0):
            raise InvalidInput(f"index: {len(rows)} rows need as many ids of 0 or more")
        if not len(ids):
            return
        # Looking through all ids is needed only where they do not ascend.
        if ids.min() <= self._highest and np.isin(ids, self.ids()).any():
            raise InvalidInput("index: an id is there already; remove it first")
        self._inner.add_with_ids(rows, ids)
        self._highest = max(self._highest, int(ids.max()))

    def remove(self, ids: Ids) -> int:
        if not len(ids) or not self._count():
            return 0
        return int(self._inner.remove_ids(faiss.IDSelectorBatch(ids)))

    def search(self, queries: Rows, k: int, *, allowed: Ids | None = None) -> Found:
        queries = self._checked(queries)
        if k < 1:
            raise InvalidInput(f"k = {k}: give 1 or more")
        reach = min(k, self._count() if allowed is None else min(self._count(), len(allowed)))
        if reach == 0 or not len(queries):
            return _empty(len(queries), k)
        share = 1.0 if allowed is None else len(allowed) / self._count()
        effort = self._parameters(allowed, share)
        scores, ids = self._inner.search(queries, reach, params=effort)
        return _ordered(ids, scores, k)

    def ids(self) -> Ids:
        held = _ids_in_lists(self._inner) if _holds_ids(self._inner) else _ids_in_map(self._inner)
        return np.sort(held)

    def save(self, folder: Path, stamp: Stamp) -> None:
        write_index(folder, self._inner, factory=self._factory, setting=self._setting, stamp=stamp)

    def stats(self) -> IndexStats:
        lists = _holds_ids(self._inner)
        code = int(self._inner.code_size if lists else self._inner.index.sa_code_size())
        return IndexStats(
            count=self._count(),
            dimension=self.dimension,
            factory=self._factory,
            exact=self._factory == EXACT,
            bytes_in_memory=self._count() * (code + 8),
            device="cpu",
        )

    def _count(self) -> int:
        return int(self._inner.ntotal)

    def _checked(self, rows: Rows) -> Rows:
        if rows.ndim != 2 or rows.shape[1] != self.dimension:
            raise InvalidInput(
                f"index: rows of shape {rows.shape}, but it holds (N, {self.dimension})"
            )
        return np.ascontiguousarray(rows, dtype=np.float32)

    def _parameters(self, allowed: Ids | None, share: float) -> Any:
        """The effort grows as the allowed share shrinks: k hits are found behind any filter."""
        selector = None if allowed is None else _bitmap(allowed)
        if not _holds_ids(self._inner):
            return None if selector is None else faiss.SearchParameters(sel=selector)
        lists = self._inner.nlist
        probed = max(16, lists * PROBED_PER_MILLE // 1000)
        probed = lists if share < FEW else min(int(probed / share), lists)
        return faiss.SearchParametersIVF(sel=selector, nprobe=probed)


def _holds_ids(inner: Any) -> bool:
    return isinstance(inner, faiss.IndexIVF)


def _ids_in_map(inner: Any) -> Ids:
    return np.asarray(faiss.vector_to_array(inner.id_map), dtype=np.int64)


def _ids_in_lists(inner: Any) -> Ids:
    lists = inner.invlists
    held = [
        faiss.rev_swig_ptr(lists.get_ids(number), size).copy()
        for number in range(lists.nlist)
        if (size := lists.list_size(number))
    ]
    return np.concatenate(held, dtype=np.int64) if held else np.empty(0, np.int64)


def _bitmap(ids: Ids) -> Any:
    bits = np.zeros(int(ids.max(initial=0)) // 8 + 1, dtype=np.uint8)
    np.bitwise_or.at(bits, ids >> 3, np.left_shift(1, ids & 7).astype(np.uint8))
    return faiss.IDSelectorBitmap(bits)


def _empty(queries: int, k: int) -> Found:
    return Found(np.full((queries, k), NO_ID, np.int64), np.full((queries, k), -np.inf, np.float32))


def _ordered(ids: Ids, scores: Rows, k: int) -> Found:
    found = _empty(len(ids), k)
    scores = np.where(ids == NO_ID, -np.inf, scores).astype(np.float32)
    order = np.lexsort((ids, -scores), axis=1)
    found.ids[:, : ids.shape[1]] = np.take_along_axis(ids, order, axis=1)
    found.scores[:, : ids.shape[1]] = np.take_along_axis(scores, order, axis=1)
    return found
