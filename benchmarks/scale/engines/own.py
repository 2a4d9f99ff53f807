"""likemark's own index: its setting is "auto" or as given, its effort its own."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from likemark.benchmarks.scale.engines.engine import Job
from likemark.benchmarks.scale.kept import rows_from
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import Filter, Ids
from likemark.index.factory import AUTO
from likemark.index.local import LocalIndex, build_local, open_local
from likemark.index.protocol import RowsOf, Stamp

_STAMP = Stamp("benchmark", "drawn", 1, "0")


class OwnIndex:
    efforts: tuple[int, ...] = ()
    server: int | None = None

    def __init__(self, recall: float, *, setting: str = AUTO) -> None:
        self._setting = setting
        self.promise: float | None = recall
        self._index: Any = None
        self._open = ExitStack()

    @property
    def setting(self) -> str:
        stats = self._held().stats()
        return stats.factory if stats.probes is None else f"{stats.factory}, nprobe {stats.probes}"

    def build(self, job: Job) -> None:
        self._index = build_local(
            self._setting, lambda: job.vectors.stream(job.count), job.folder,
            dimension=job.dimension, count=job.count, recall=self.promise,
            rows_of=self._rows_of(job),
        )  # fmt: skip
        self._held().save(job.folder, _STAMP)

    def open(self, job: Job) -> None:
        self._index, _ = open_local(job.folder, rows_of=self._rows_of(job))

    def use_threads(self, count: int) -> bool:
        return False  # it knows when one is faster

    def search(self, queries: Rows, k: int, effort: int | None) -> Ids:
        return self._held().search(queries, k).ids

    def search_within(
        self, queries: Rows, k: int, effort: int | None, *, allowed: Ids, wanted: Filter
    ) -> Ids:
        return self._held().search(queries, k, allowed=allowed).ids

    def add(self, ids: Ids, rows: Rows) -> None:
        self._held().add(ids, rows)

    def remove(self, ids: Ids) -> None:
        self._held().remove(ids)

    def close(self) -> None:
        self._index = None
        self._open.close()

    def _rows_of(self, job: Job) -> RowsOf:
        return self._open.enter_context(rows_from(job.vectors))

    def _held(self) -> LocalIndex:
        index: LocalIndex = self._index
        return index
