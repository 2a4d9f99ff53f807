"""A benchmark's document as Markdown: its tables, each below a line that says how it was made."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from likemark.benchmarks.pages.documents import Document, provenance
from likemark.benchmarks.pages.sections import protocol, tables
from likemark.benchmarks.pages.tables import Row, Table

# What Markdown or HTML would take for its own.
_SPECIAL = re.compile(r"([\\|`*<>\[\]#&~$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9]))")


def markdown(given: Mapping[str, Any], *, brief: bool = False, level: int = 3) -> str:
    """A heading, how it was made, and every table; it ends with a line's end.

    given: a document as `Document` describes it
    brief: headline tables without legends
    level: of the heading; tables of a document that has several get one below it
    """
    return markdown_of(Document.of(given), brief=brief, level=level)


def markdown_of(document: Document, *, brief: bool = False, level: int = 3) -> str:
    """As `markdown`."""
    shown = tables(document, brief=brief)
    parts = [f"{'#' * level} {document.title}", origin(document)]
    for table in shown:
        if len(shown) > 1:
            parts.append(f"{'#' * (level + 1)} {table.title}")
        parts.append(table_markdown(table))
        if not brief:
            parts.append(legend(table))
    return "\n\n".join(filter(None, parts)) + "\n"


def origin(document: Document) -> str:
    """One line: how it was measured, with what, where, when and by which command."""
    made = f"{escape(protocol(document))} {escape(provenance(document))}."
    return f"{made} {code(document.command)}"


def table_markdown(table: Table) -> str:
    lines = [
        _line(escape(column.label) for column in table.columns),
        _line("---:" if column.number else "---" for column in table.columns),
        *(_row(row) for row in table.rows),
    ]
    return "\n".join(lines)


def legend(table: Table) -> str:
    """What the columns are, as a list."""
    return "\n".join(
        f"- {escape(column.label)}: {escape(column.definition)}." for column in table.defined
    )


def escape(text: str) -> str:
    return _SPECIAL.sub(r"\\\1", text)


def code(text: str) -> str:
    """In a fence that is longer than any run of backticks within."""
    fence = "`" * (1 + max(map(len, re.findall("`+", text)), default=0))
    pad = " " if "`" in text else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _row(row: Row) -> str:
    first, *rest = map(escape, row.cells)
    named = f"**{first}**" if row.key else first
    note = f" ({escape(row.note)})" if row.note else ""
    return _line([named + note, *rest])


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
