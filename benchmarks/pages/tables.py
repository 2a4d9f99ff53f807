"""A table before it is Markdown or HTML: what the columns mean, and cells in words."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from likemark.db.errors import InvalidInput
from likemark.retrieval.report.text import clean

NONE = "–"  # noqa: RUF001


@dataclass(frozen=True, slots=True)
class Column:
    label: str
    definition: str = ""  # what its figures are, one sentence without a full stop
    number: bool = True  # set to the right


@dataclass(frozen=True, slots=True)
class Row:
    cells: tuple[str, ...]  # the first is its name
    note: str = ""  # behind the name, as why there are no figures
    key: bool = False  # the one to look at


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]

    def __post_init__(self) -> None:
        wrong = [row.cells for row in self.rows if len(row.cells) != len(self.columns)]
        if wrong:
            raise InvalidInput(f"{self.title}: {len(wrong[0])} cells, {len(self.columns)} columns")

    @property
    def defined(self) -> tuple[Column, ...]:
        """The columns for a legend."""
        return tuple(column for column in self.columns if column.definition)


def name(label: str, definition: str = "") -> Column:
    return Column(label, definition, number=False)


def words(value: object) -> str:
    """Text from a document, on one line; a dash for none."""
    return NONE if value is None else clean(str(value))


def share(value: float | None) -> str:
    """A figure from 0 to 1, or a rank: three decimals."""
    return NONE if value is None else f"{value:.3f}"


def interval(value: float, low: float, high: float) -> str:
    return f"{value:.3f} ({low:.3f}, {high:.3f})"


def digits(value: float | None) -> str:
    """Three significant digits, never as a power of ten: 0.000412, 0.018, 97.1, 1,230."""
    if value is None:
        return NONE
    decimals = 2 - math.floor(math.log10(abs(value))) if value else 0
    return f"{value:,.{min(max(decimals, 0), 9)}f}"


def rank(value: float) -> str:
    """A median falls between two ranks; whole ranks have no decimals."""
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def count(value: int) -> str:
    return f"{value:,}"


def bounds(value: float, between: Mapping[str, Any]) -> str:
    """between: `low` and `high`"""
    return interval(value, between["low"], between["high"])
