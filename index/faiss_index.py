"""FAISS behind the protocol: one factory string, exact or approximate."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import faiss as _faiss
import numpy as np

from likemark.db.errors import IndexFault, InvalidInput, one_line
from likemark.index.factory import EXACT, check_setting, choose_factory
from likemark.index.protocol import NO_ID, Found, Ids, IndexStats, Rows, Stamp
from likemark.index.storage import read_index, write_index

faiss: Any = _faiss  # its own type stubs lag behind what it has

# Inverted lists visited per search, of a thousand: measured for recall in the benchmarks.
PROBED_PER_MILLE = 16
# Below this share of allowed vectors every list is visited: most of them hold nothing to compare.
FEW = 0.05
# Bytes of one bit an id, which is the fastest look-up there is.
LARGEST_BITMAP = 2**24


class FaissIndex:
    """An index made by `faiss.index_factory`, under ids of our own, inner product.

    Engines: Flat, SQ..., and IVF... over them or PQ... . Graphs are refused: FAISS's cannot remove,
    and lose hits behind a narrow filter; and so is PQ... alone, which cannot filter.
    """

    def __init__(self, inner: Any, factory: str, setting: str) -> None:
        self._inner = inner  # inverted lists keep ids themselves, all else stands in an IndexIDMap
        self._factory = factory
        self._setting = setting
        self._highest = int(self.ids().max(initial=NO_ID))

    @classmethod
    def create(cls, setting: str, *, dimension: int, expected: int | None = None) -> Self:
        """An empty index for about `expected` vectors.

        setting: a factory string or "auto". With 0 expected it is exact in any case: there is
        nothing yet to train another on. Raises InvalidInput for what FAISS does not know.
        """
        check_setting(setting)
        factory = EXACT if expected == 0 else choose_factory(setting, expected=expected or 0)
        try:
            inner = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
        except RuntimeError as error:
            reason = one_line(str(error), limit=120)
            raise InvalidInput(f"index {factory!r}: FAISS cannot build it: {reason}") from None
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
        if len(np.unique(ids)) < len(ids):
            raise InvalidInput("index: an id is given twice")
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
        if allowed is not None:
            allowed = allowed[allowed <= self._highest]
        most = self._count() if allowed is None else min(self._count(), len(allowed))
        reach = min(k, most)
        if reach == 0 or not len(queries):
            return _empty(len(queries), k)
        wider = min(reach + 1, most)
        scores, ids = self._nearest(queries, wider, allowed)
        # FAISS takes any of those that tie for the last place: look on until all of them are there.
        while wider < most and _ties_on(ids, scores, reach):
            wider = min(2 * wider, most)
            scores, ids = self._nearest(queries, wider, allowed)
        return _ordered(ids, scores, k)

    def ids(self) -> Ids:
        held = _ids_in_lists(self._inner) if _holds_ids(self._inner) else _ids_in_map(self._inner)
        return np.sort(held)

    def rows(self, ids: Ids) -> Rows:
        """(N, D) as stored, for ids that are there; exact engines only."""
        held = _ids_in_map(self._inner)
        order = np.argsort(held)
        places = order[np.searchsorted(held, ids, sorter=order)]
        rows: Rows = self._inner.index.reconstruct_batch(places)
        return rows

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

    def _nearest(self, queries: Rows, reach: int, allowed: Ids | None) -> tuple[Rows, Ids]:
        """Scores and ids, both (Q, reach), best first; NO_ID behind the last that is allowed."""
        selector = None if allowed is None else _selector(allowed)
        if not _holds_ids(self._inner):
            exhaustive = None if selector is None else faiss.SearchParameters(sel=selector)
            with _alone() if len(queries) == 1 else nullcontext():
                scores, ids = self._inner.search(queries, reach, params=exhaustive)
            return scores, ids
        likely, lists = self._likely_lists(allowed), int(self._inner.nlist)
        scores, ids = self._visited(queries, reach, selector, likely)
        if likely < lists and (ids == NO_ID).any():  # they hold too few
            scores, ids = self._visited(queries, reach, selector, lists)
        return scores, ids

    def _visited(self, queries: Rows, reach: int, selector: Any, lists: int) -> tuple[Rows, Ids]:
        effort = faiss.SearchParametersIVF(sel=selector, nprobe=lists)
        scores, ids = self._inner.search(queries, reach, params=effort)
        return scores, ids

    def _likely_lists(self, allowed: Ids | None) -> int:
        """How many to visit first: more behind a narrow filter."""
        lists = int(self._inner.nlist)
        share = 1.0 if allowed is None else min(1.0, len(allowed) / self._count())
        probed = max(16, lists * PROBED_PER_MILLE // 1000)
        return lists if share < FEW else min(int(probed / share), lists)


@contextmanager
def _alone() -> Iterator[None]:
    # FAISS shares one exact query out so finely that its threads do little but wait for each other:
    # two took twice as long as one from 10,000 to 1,000,000 vectors.
    threads = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    try:
        yield
    finally:
        faiss.omp_set_num_threads(threads)


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


def _selector(ids: Ids) -> Any:
    size = int(ids.max(initial=0)) // 8 + 1
    if size > max(LARGEST_BITMAP, 8 * len(ids)):  # few ids that lie far apart
        return faiss.IDSelectorBatch(ids)
    bits = np.zeros(size, dtype=np.uint8)
    np.bitwise_or.at(bits, ids >> 3, np.left_shift(1, ids & 7).astype(np.uint8))
    return faiss.IDSelectorBitmap(bits)


def _empty(queries: int, k: int) -> Found:
    return Found(np.full((queries, k), NO_ID, np.int64), np.full((queries, k), -np.inf, np.float32))


def _ties_on(ids: Ids, scores: Rows, reach: int) -> bool:
    tied = (scores[:, reach - 1] == scores[:, -1]) & (ids[:, -1] != NO_ID)
    return bool(tied.any())


def _ordered(ids: Ids, scores: Rows, k: int) -> Found:
    found = _empty(len(ids), k)
    scores = np.where(ids == NO_ID, -np.inf, scores).astype(np.float32)
    order = np.lexsort((ids, -scores), axis=1)[:, :k]
    found.ids[:, : order.shape[1]] = np.take_along_axis(ids, order, axis=1)
    found.scores[:, : order.shape[1]] = np.take_along_axis(scores, order, axis=1)
    return found
