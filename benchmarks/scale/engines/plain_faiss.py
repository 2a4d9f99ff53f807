"""FAISS as it is: one factory string, built and stored by FAISS's own functions."""

from __future__ import annotations

import math
from typing import Any

import faiss as _faiss
import numpy as np

from likemark.benchmarks.scale.engines.engine import LADDER, Job, NotOffered
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import Filter, Ids

faiss: Any = _faiss  # its own type stubs lag behind what it has

FILE = "index.faiss"
_SAMPLE = 64  # vectors a list to train on


class PlainFaiss:
    """kind: Flat, HNSW32, or what is behind the lists of IVF: Flat, SQ8."""

    promise: float | None = None
    server: int | None = None

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._inner: Any = None
        self._setting = kind

    @property
    def setting(self) -> str:
        return self._setting

    @property
    def efforts(self) -> tuple[int, ...]:
        if self._kind == "Flat":
            return ()
        if self._kind.startswith("HNSW"):
            return tuple(effort for effort in LADDER if effort >= 12)
        lists = int(self._inner.nlist)
        return (*(effort for effort in LADDER if effort < lists), lists)

    def build(self, job: Job) -> None:
        self._inner = faiss.index_factory(
            job.dimension, factory(self._kind, job.count), faiss.METRIC_INNER_PRODUCT
        )
        if not self._inner.is_trained:
            self._inner.train(_sample(job, _SAMPLE * int(self._inner.nlist)))
        for _, rows in job.vectors.stream(job.count):
            self._inner.add(rows)
        faiss.write_index(self._inner, str(job.folder / FILE))

    def open(self, job: Job) -> None:
        self._inner = faiss.read_index(str(job.folder / FILE))
        self._setting = factory(self._kind, job.count)

    def use_threads(self, count: int) -> bool:
        faiss.omp_set_num_threads(count)
        return True

    def search(self, queries: Rows, k: int, effort: int | None) -> Ids:
        found: Ids = self._inner.search(queries, k, params=self._parameters(k, effort, None))[1]
        return found

    def search_within(
        self, queries: Rows, k: int, effort: int | None, *, allowed: Ids, wanted: Filter
    ) -> Ids:
        flags = np.zeros(int(self._inner.ntotal), np.bool_)
        flags[allowed] = True
        chosen = faiss.IDSelectorBitmap(np.packbits(flags, bitorder="little"))
        found: Ids = self._inner.search(queries, k, params=self._parameters(k, effort, chosen))[1]
        return found

    def add(self, ids: Ids, rows: Rows) -> None:
        self._inner.add(rows)

    def remove(self, ids: Ids) -> None:
        if self._kind.startswith("HNSW"):
            raise NotOffered("FAISS's graphs cannot remove")
        self._inner.remove_ids(faiss.IDSelectorBatch(ids))

    def close(self) -> None:
        self._inner = None

    def _parameters(self, k: int, effort: int | None, chosen: Any) -> Any:
        if self._kind == "Flat":
            return None if chosen is None else faiss.SearchParameters(sel=chosen)
        if self._kind.startswith("HNSW"):
            return faiss.SearchParametersHNSW(sel=chosen, efSearch=max(k, effort or k))
        return faiss.SearchParametersIVF(sel=chosen, nprobe=effort or 1)


def factory(kind: str, count: int) -> str:
    """With some 8·√N lists, in the middle of FAISS's own guideline, 40 vectors a list or more."""
    if not kind.startswith("IVF,"):
        return kind
    lists = 2 ** round(math.log2(8 * math.sqrt(count)))
    return f"IVF{max(1, min(lists, count // 40))}{kind[3:]}"


def _sample(job: Job, wanted: int) -> Rows:
    """The first vectors are as even a sample as any."""
    parts = [rows for _, rows in job.vectors.stream(min(wanted, job.count))]
    return np.concatenate(parts)
