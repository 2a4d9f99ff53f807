"""What was measured, as Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from likemark.benchmarks.catalogue.questions import Timing
from likemark.benchmarks.catalogue.run import Measured

IMPORT = ("database", "marks", "import s", "marks/s", "rows/s", "settling s", "GB on disk",
          "bytes a mark", "peak MB", "page p50 / p95 ms")  # fmt: skip
FILTERS = ("filter", "images", "of all", "counted to 10,000", "counted", "first 20", "all ids")


def tables(measured: Iterable[Measured]) -> str:
    measured = list(measured)
    parts = [_table(IMPORT, [_import(each) for each in measured])]
    for each in measured:
        rows = [
            (
                a.filter,
                f"{a.images:,}",
                f"{a.share:.1%}",
                *map(_ms, (a.capped, a.count, a.first, a.ids)),
            )
            for a in each.answered
        ]
        parts += [f"{each.database} {each.version}, ms, p50 / p95:", _table(FILTERS, rows)]
    return "\n\n".join(parts)


def _import(each: Measured) -> tuple[str, ...]:
    return (
        f"{each.database} {each.version}", f"{each.marks:,}", f"{each.import_s:,.1f}",
        f"{each.marks_per_s:,}", f"{each.rows_per_s:,}", f"{each.settle_s:.1f}",
        f"{each.disk_bytes / 1e9:.2f}", f"{each.disk_bytes / each.marks:,.0f}",
        f"{each.peak_bytes / 1e6:,.0f}", _ms(each.page),
    )  # fmt: skip


def _ms(timing: Timing) -> str:
    return f"{_plain(timing.p50)} / {_plain(timing.p95)}"


def _plain(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *map(list, rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
