"""What others would answer at likemark's own recall, read off between two of their efforts.

Efforts are steps of a ladder: an index that reaches a recall is a little above it, or, on other
queries than those that chose, below. Between two near efforts the logarithm of what is missed goes
with the logarithm of queries/s.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.scale_rows import TARGETS, measured, own_point, point
from likemark.benchmarks.pages.tables import (
    NONE,
    Column,
    Row,
    Table,
    count,
    digits,
    name,
    share,
    words,
)

_FARTHEST = 2  # times one effort may be the other
_EQUAL = (
    name("index"),
    Column("at R@10", "likemark's own, on the queries that are measured"),
    Column("queries/s", "read off between the two efforts, the logarithm of what is missed going "
           "with that of queries/s: an estimate, for both recalls have intervals of some 0.01; "
           "of likemark, measured"),
    Column("x", "as a multiple of likemark's at that recall"),
    Column("efforts", "two that were measured, one at most twice the other; an index without "
           "two around that recall is left out"),
    Column("their R@10"),
    Column("their queries/s"),
)  # fmt: skip


def equal_table(document: Document, size: int) -> Table:
    """Without rows where no index has two efforts around likemark's recall."""
    rows = tuple(row for target in TARGETS for row in _rows(document, size, target))
    return Table(f"{count(size)} vectors, at likemark's own R@10", _EQUAL, rows)


def answered(recall: float, low: Mapping[str, Any], high: Mapping[str, Any]) -> float:
    """Queries/s at a recall between those of two points, all of them below 1."""
    below, here, above = (
        math.log1p(-each) for each in (low["recall_10"], recall, high["recall_10"])
    )
    part = (below - here) / (below - above)
    return float(low["batched"] ** (1 - part) * high["batched"] ** part)


def _rows(document: Document, size: int, target: float) -> Iterator[Row]:
    own = own_point(document, size, target)
    others = [] if own is None else list(_others(document, size, own))
    if own is None or not others:
        return
    recall, speed = share(own["recall_10"]), digits(own["batched"])
    yield Row(("likemark", recall, speed, digits(1.0), *(NONE,) * 3), key=True)
    yield from others


def _others(document: Document, size: int, own: Mapping[str, Any]) -> Iterator[Row]:
    for row in measured(document):
        if row["own"] or row["vectors"] != size:
            continue
        low, high = (point(row, target) for target in reversed(TARGETS))
        if low is None or high is None or not _around(own["recall_10"], low, high):
            continue
        speed, ends = answered(own["recall_10"], low, high), (low, high)
        yield Row(
            (
                words(row["engine"]),
                share(own["recall_10"]),
                digits(speed),
                digits(speed / own["batched"]),
                " and ".join(count(each["effort"]) for each in ends),
                " and ".join(share(each["recall_10"]) for each in ends),
                " and ".join(digits(each["batched"]) for each in ends),
            )
        )


def _around(recall: float, low: Mapping[str, Any], high: Mapping[str, Any]) -> bool:
    efforts = low["effort"], high["effort"]
    if None in efforts or efforts[1] > _FARTHEST * efforts[0]:
        return False
    first, last = low["recall_10"], high["recall_10"]
    return bool(first <= recall <= last < 1 and first < last)
