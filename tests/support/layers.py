"""Indices built from rows at hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from likemark.index.building import Plan, build
from likemark.index.layers import LayeredIndex
from likemark.index.local import LocalIndex, build_local
from likemark.index.protocol import Ids, Rows, RowsOf, Stream


def stream_of(ids: Ids, rows: Rows, part: int = 512) -> Stream:
    def stream() -> Iterator[tuple[Ids, Rows]]:
        for start in range(0, len(ids), part):
            yield ids[start : start + part], rows[start : start + part]

    return stream


class Table:
    """Where the truth is kept: rows by id, float16 as in the catalogue."""

    def __init__(self, ids: Ids, rows: Rows) -> None:
        self.rows = dict(zip(ids.tolist(), rows.astype(np.float16).astype(np.float32), strict=True))
        self.fetched = 0

    def __call__(self, ids: Ids) -> tuple[Ids, Rows]:
        there = [i for i in np.sort(ids).tolist() if i in self.rows]
        self.fetched += len(there)
        rows = [self.rows[i] for i in there]
        return np.array(there, np.int64), np.array(rows, np.float32)

    def put(self, ids: Ids, rows: Rows) -> None:
        self.rows.update(zip(ids.tolist(), rows, strict=True))


def built(
    setting: str, ids: Ids, rows: Rows, folder: Path, *, recall: float | None = None,
    rows_of: RowsOf | None = None,
) -> LocalIndex:  # fmt: skip
    return build_local(
        setting, stream_of(ids, rows), folder, dimension=rows.shape[1], count=len(ids),
        recall=recall, rows_of=rows_of,
    )  # fmt: skip


def layered(
    factory: str, ids: Ids, rows: Rows, folder: Path, *, recall: float = 0.99,
    rows_of: RowsOf | None = None, shard: int = 10**6,
) -> LayeredIndex:  # fmt: skip
    plan = Plan(factory, factory, rows.shape[1], len(ids), recall, shard)
    return build(plan, stream_of(ids, rows), folder, rows_of=rows_of)
