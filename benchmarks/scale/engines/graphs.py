"""usearch and hnswlib: graphs in libraries of their own."""

from __future__ import annotations

import importlib
from typing import Any

import numpy as np

from likemark.benchmarks.scale.engines.engine import LADDER, Job, NotOffered
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import Filter, Ids

_EFFORTS = tuple(effort for effort in LADDER if effort >= 12)
_EDGES, _BUILDING = 16, 128  # usearch's own settings: 16 edges a vector, twice that at the bottom


class Usearch:
    """kind: f16 or i8, how vectors are kept."""

    efforts = _EFFORTS
    promise: float | None = None
    server: int | None = None

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self._index: Any = None
        self._threads = 0  # all

    @property
    def setting(self) -> str:
        return f"{self._kind}, connectivity {_EDGES}, expansion_add {_BUILDING}"

    def build(self, job: Job) -> None:
        self._index = _usearch().Index(
            ndim=job.dimension, metric="ip", dtype=self._kind, connectivity=_EDGES,
            expansion_add=_BUILDING,
        )  # fmt: skip
        for ids, rows in job.vectors.stream(job.count):
            self._index.add(ids.astype(np.uint64), rows, threads=job.threads)
        self._index.save(str(job.folder / "index.usearch"))

    def open(self, job: Job) -> None:
        self._index = _usearch().Index.restore(str(job.folder / "index.usearch"))
        self._threads = job.threads

    def use_threads(self, count: int) -> bool:
        self._threads = count
        return True

    def search(self, queries: Rows, k: int, effort: int | None) -> Ids:
        self._index.expansion_search = max(k, effort or k)
        found = np.atleast_2d(self._index.search(queries, k, threads=self._threads).keys)
        ids = np.full((len(queries), k), -1, np.int64)
        ids[:, : found.shape[1]] = found.astype(np.int64)
        return ids

    def search_within(
        self, queries: Rows, k: int, effort: int | None, *, allowed: Ids, wanted: Filter
    ) -> Ids:
        raise NotOffered("usearch's Python binding has no filter")

    def add(self, ids: Ids, rows: Rows) -> None:
        self._index.add(ids.astype(np.uint64), rows, threads=self._threads)

    def remove(self, ids: Ids) -> None:
        self._index.remove(ids.astype(np.uint64), threads=self._threads)

    def close(self) -> None:
        self._index = None


class Hnswlib:
    efforts = _EFFORTS
    promise: float | None = None
    server: int | None = None

    def __init__(self) -> None:
        self._index: Any = None

    @property
    def setting(self) -> str:
        return f"M {_EDGES}, ef_construction {_BUILDING}"

    def build(self, job: Job) -> None:
        self._index = importlib.import_module("hnswlib").Index("ip", job.dimension)
        self._index.init_index(job.count, M=_EDGES, ef_construction=_BUILDING)
        self._index.set_num_threads(job.threads)
        for ids, rows in job.vectors.stream(job.count):
            self._index.add_items(rows, ids)
        self._index.save_index(str(job.folder / "index.hnswlib"))

    def open(self, job: Job) -> None:
        self._index = importlib.import_module("hnswlib").Index("ip", job.dimension)
        room = job.count + job.count // 4 + 1
        self._index.load_index(str(job.folder / "index.hnswlib"), max_elements=room)

    def use_threads(self, count: int) -> bool:
        self._index.set_num_threads(count)
        return True

    def search(self, queries: Rows, k: int, effort: int | None) -> Ids:
        self._index.set_ef(max(k, effort or k))
        found = self._index.knn_query(queries, k)[0]
        return np.asarray(found, np.int64)

    def search_within(
        self, queries: Rows, k: int, effort: int | None, *, allowed: Ids, wanted: Filter
    ) -> Ids:
        raise NotOffered("a Python call for each vector it looks at")

    def add(self, ids: Ids, rows: Rows) -> None:
        self._index.add_items(rows, ids)

    def remove(self, ids: Ids) -> None:
        for number in ids.tolist():
            self._index.mark_deleted(number)

    def close(self) -> None:
        self._index = None


def _usearch() -> Any:
    return importlib.import_module("usearch.index")
