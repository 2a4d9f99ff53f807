"""The rows of a scale document: those with figures, and their search at one recall."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from likemark.benchmarks.pages.documents import Document

TARGETS = (0.99, 0.97)  # R@10 that was wanted, the higher first


def measured(document: Document) -> Iterator[Mapping[str, Any]]:
    """The rows that have figures."""
    return (row for row in document.result["rows"] if row["figures"] is not None)


def point(row: Mapping[str, Any], target: float) -> Mapping[str, Any] | None:
    """A row's search at a target; None of an index that promises another recall."""
    return next((each for each in row["figures"]["points"] if each["target"] == target), None)


def own_point(document: Document, size: int, target: float) -> Mapping[str, Any] | None:
    """likemark's own search among so many vectors at a target."""
    ours = (row for row in measured(document) if row["own"] and row["vectors"] == size)
    return next(filter(None, (point(row, target) for row in ours)), None)
