"""A flat FAISS index behind the protocol: every vector is compared, in memory."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any, Self

import numpy as np

from likemark.db.errors import IndexFault, InvalidInput, one_line
from likemark.index.checks import check_k, check_new, check_rows
from likemark.index.factory import EXACT, check_setting, choose_factory, is_flat
from likemark.index.gpu import SLACK, GpuCopy
from likemark.index.probing import empty, faiss, ordered, select
from likemark.index.protocol import NO_ID, Found, Ids, IndexStats, Rows, Stamp
from likemark.index.rescoring import exact_scores
from likemark.index.storage import State, check_stream, opened, publish, saving, sealed

ENGINE = "flat"


class FaissIndex:
    """An index made by `faiss.index_factory`, under ids of our own, inner product.

    Engines: Flat and SQ... . FAISS's graphs are refused: they cannot remove, and lose hits behind a
    narrow filter; and so is PQ... alone, which cannot filter.
    """

    def __init__(
        self, inner: Any, factory: str, setting: str, *, recall: float | None = None
    ) -> None:
        """recall: what it is to promise once it is outgrown"""
        self.recall = recall
        self._inner = inner
        self._factory = factory
        self._setting = setting
        self._highest = int(self.ids().max(initial=NO_ID))
        self._copy: GpuCopy | None = None

    @classmethod
    def create(cls, setting: str, *, dimension: int, expected: int | None = None) -> Self:
        """An empty index for about `expected` vectors.

        setting: a flat factory string or "auto". With 0 expected it is exact in any case: there is
        nothing yet to train another on. Raises InvalidInput for what is not flat.
        """
        check_setting(setting)
        factory = EXACT if expected == 0 else choose_factory(setting, expected=expected or 0)
        if not is_flat(factory):
            raise InvalidInput(f"index {factory!r} is built, not filled: it is not flat")
        inner = faiss.index_factory(dimension, factory, faiss.METRIC_INNER_PRODUCT)
        return cls(faiss.IndexIDMap(inner), factory, setting)

    @classmethod
    def open(cls, folder: Path) -> tuple[Self, Stamp]:
        """Raises IndexDamaged when the files are broken, FileNotFoundError when there are none."""
        inner, state = opened(folder, lambda state: load_flat(folder, state))
        return cls(inner, state.factory, state.setting, recall=state.recall), state.stamp

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
            self._inner.train(check_rows(rows, self.dimension))
        except RuntimeError as error:
            raise too_few(self._factory, len(rows), error) from None

    def add(self, ids: Ids, rows: Rows) -> None:
        rows = check_rows(rows, self.dimension)
        check_new(ids, rows)
        if not len(ids):
            return
        # Looking through all ids is needed only where they do not ascend.
        if ids.min() <= self._highest and np.isin(ids, self.ids()).any():
            raise InvalidInput("index: an id is there already; remove it first")
        self._copy = None
        self._inner.add_with_ids(rows, ids)
        self._highest = max(self._highest, int(ids.max()))

    def remove(self, ids: Ids) -> int:
        if not len(ids) or not self._count():
            return 0
        self._copy = None
        return int(self._inner.remove_ids(faiss.IDSelectorBatch(ids)))

    def to_gpu(self, queries: int) -> bool:
        """Search there until the index is changed; the answers stay the same.

        queries: about how many will come. False where that is not worth it, or cannot be.
        """
        self._copy = GpuCopy.of(self._inner.index, comparisons=queries * self._count())
        return self._copy is not None

    def search(self, queries: Rows, k: int, *, allowed: Ids | None = None) -> Found:
        queries = check_rows(queries, self.dimension)
        check_k(k)
        if allowed is not None:
            allowed = allowed[allowed <= self._highest]
        most = self._count() if allowed is None else min(self._count(), len(allowed))
        reach = min(k, most)
        if reach == 0 or not len(queries):
            return empty(len(queries), k)
        if allowed is None and (found := self._by_gpu(queries, reach, k)) is not None:
            return found
        wider = min(reach + 1, most)
        scores, ids = self._nearest(queries, wider, allowed)
        # FAISS takes any of those that tie for the last place: look on until all of them are there.
        while wider < most and _ties_on(ids, scores, reach):
            wider = min(2 * wider, most)
            scores, ids = self._nearest(queries, wider, allowed)
        return ordered(ids, scores, k)

    def ids(self) -> Ids:
        return np.sort(_ids_in_map(self._inner))

    def rows(self, ids: Ids) -> Rows:
        """(N, D) as stored, for ids that are there; exact engines only."""
        held = _ids_in_map(self._inner)
        order = np.argsort(held)
        places = order[np.searchsorted(held, ids, sorter=order)]
        rows: Rows = self._inner.index.reconstruct_batch(places)
        return rows

    def save(self, folder: Path, stamp: Stamp, *, instead: Stamp | None = None) -> None:
        """Raises IndexFault when the folder cannot be written; the old state then stands.

        instead: see `publish`
        """
        # Never a name that was there before: the stored state stays whole until it is replaced.
        name = f"{stamp.generation}-{secrets.token_hex(8)}.faiss"
        with saving(folder):
            faiss.write_index(self._inner, str(folder / name))
            files = sealed(folder, [name])
            about = {} if self.recall is None else {"recall": self.recall}
            state = State(ENGINE, self._factory, self._setting, stamp, files, about)
            publish(folder, state, instead=instead)

    def check(self) -> None:
        """Nothing is left to be checked: opening has read every byte."""

    def stats(self) -> IndexStats:
        return IndexStats(
            count=self._count(),
            dimension=self.dimension,
            factory=self._factory,
            exact=self._factory == EXACT,
            bytes_in_memory=self._count() * (int(self._inner.index.sa_code_size()) + 8),
            device="cpu" if self._copy is None else self._copy.device,
        )

    def _count(self) -> int:
        return int(self._inner.ntotal)

    def _by_gpu(self, queries: Rows, reach: int, k: int) -> Found | None:
        """None where it has not the answer for sure: what is left out might be among the best."""
        candidates = min(2 * reach + 32, self._count())
        found = None if self._copy is None else self._copy.nearest(queries, candidates)
        if found is None:
            return None
        places, rough = found
        reconstruct = self._inner.index.reconstruct_batch
        places, scores = exact_scores(queries, places, lambda some: (some, reconstruct(some)))
        answer = ordered(_ids_in_map(self._inner)[places], scores, k)
        left_out = rough[:, -1] + SLACK if candidates < self._count() else -np.inf
        return answer if (answer.scores[:, reach - 1] > left_out).all() else None

    def _nearest(self, queries: Rows, reach: int, allowed: Ids | None) -> tuple[Rows, Ids]:
        """Scores and ids, both (Q, reach), best first; NO_ID behind the last that is allowed."""
        effort = None if allowed is None else faiss.SearchParameters(sel=select(allowed))
        with _alone() if len(queries) == 1 else nullcontext():
            scores, ids = self._inner.search(queries, reach, params=effort)
        return scores, ids


def load_flat(folder: Path, state: State) -> Any:
    (name,) = state.files
    # One handle for both looks: a writer may sweep the file away in between.
    with (folder / name).open("rb") as stream:
        check_stream(folder, state, name, stream)
        return faiss.read_index(faiss.PyCallbackIOReader(stream.read))


def too_few(factory: str, count: int, error: Exception) -> IndexFault:
    reason = one_line(str(error), limit=120)
    return IndexFault(
        f"index {factory!r}: {count} vectors are too few to train it ({reason}); use --index auto"
    )


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


def _ids_in_map(inner: Any) -> Ids:
    return np.asarray(faiss.vector_to_array(inner.id_map), dtype=np.int64)


def _ties_on(ids: Ids, scores: Rows, reach: int) -> bool:
    tied = (scores[:, reach - 1] == scores[:, -1]) & (ids[:, -1] != NO_ID)
    return bool(tied.any())
