"""Indices of many vectors, as tables: search at equal recall, memory, filters, changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.scale_equal import equal_table
from likemark.benchmarks.pages.scale_rows import TARGETS, measured, own_point, point
from likemark.benchmarks.pages.tables import (
    NONE,
    Column,
    Row,
    Table,
    bounds,
    count,
    digits,
    name,
    share,
    words,
)

_MIB = 2**20
_SEARCH = (
    name("index"),
    name("setting"),
    Column("effort", "lists or candidates looked at; a dash: the index sets its own"),
    Column("R@10 (95 %)", "share of the ten nearest that are found; in parentheses the interval of "
           "a bootstrap over queries"),
    Column("R@100"),
    Column("p50 ms", "of one query at a time"),
    Column("p95 ms"),
    Column("p99 ms"),
    Column("queries/s", "256 at a time, with all cores"),
    Column("p95 x", "p95 as a multiple of likemark's in the same table: above 1 is slower"),
    Column("queries/s x", "queries/s as a multiple of likemark's in the same table"),
)  # fmt: skip
_SPACE = (
    name("index"),
    Column("vectors"),
    Column("build s", "from the stream of vectors to what is stored"),
    Column("build MiB", "memory of building at its highest, above the bare process"),
    Column("bytes/mark", "of memory after all searches, above the bare process: what is mapped is "
           "counted as far as it stands in memory"),
    Column("mapped", "the part of it that is mapped from files, and let go where memory is short"),
    Column("disk/mark", "bytes stored"),
    Column("open s", "files just read stand in the system's cache"),
    Column("added/s", "vectors, 1,000 a call"),
    Column("removed/s", "vectors, 1,000 a call; a dash: not offered"),
)  # fmt: skip
_FILTERS = (
    name("index"),
    name("allowed", "random: any; clustered: those of a region"),
    Column("share", "of the vectors that are allowed"),
    Column("R@10 (95 %)", "among the allowed"),
    Column("p50 ms", "of one query; handing the allowed ids over is part of it"),
    Column("p95 ms"),
)
_ALIKE = (
    name("vectors"),
    Column("N"),
    Column("nearest", "cosine of a query to the nearest; 5, 50 and 95 % of queries are below"),
    Column("10th"),
    Column("100th"),
    Column("dimension", "local intrinsic dimension around a query: the higher, the harder"),
)


def scale_protocol(document: Document) -> str:
    result, effort = document.result, document.result["effort"]
    packages = ", ".join(f"{words(name)} {words(v)}" for name, v in result["packages"].items())
    return (
        f"Vectors of {result['dimension']} dimensions drawn around {count(result['real'])} real "
        f"ones (mixture of {result['parts']}, kinship {result['kinship']:g}, seed "
        f"{result['seed']}), in float16. {count(effort['queries'])} queries, held-out embeddings "
        "moved as far as two drawings of one mark are apart; "
        f"{count(effort['tuning'])} others choose the effort, {count(effort['filtered'])} are "
        f"asked behind filters. Each index is built and served in processes of its own with "
        f"{result['threads']} threads. {packages}."
    )


def scale_tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: the largest size's search, and memory."""
    sizes = sorted({row["vectors"] for row in document.result["rows"]}, reverse=True)
    shown: list[Table] = []
    for size in sizes[:1] if brief else sizes:
        shown += [_search(document, size, target) for target in TARGETS]
        shown += [] if brief else [equal_table(document, size)]
    shown += [Table("Memory, building and changes", _SPACE, tuple(_spaces(document)))]
    if not brief:
        shown += [_filtered(document, size) for size in sizes]
        shown += [Table("Drawn beside real", _ALIKE, tuple(map(_alike, _likeness(document))))]
    return [table for table in shown if table.rows]


def _search(document: Document, size: int, target: float) -> Table:
    rows = [row for row in document.result["rows"] if row["vectors"] == size]
    own = own_point(document, size, target)
    made = []
    for row in rows:
        if row["figures"] is None:
            if target == TARGETS[0]:
                cells = (words(row["engine"]), *(NONE,) * (len(_SEARCH) - 1))
                made.append(Row(cells, words(row["unavailable"])))
        elif found := point(row, target):
            made.append(_search_row(row, found, own))
    return Table(f"{count(size)} vectors, R@10 of {target} or more", _SEARCH, tuple(made))


def _search_row(
    row: Mapping[str, Any], found: Mapping[str, Any], own: Mapping[str, Any] | None
) -> Row:
    single = found["single"]
    slower = None if own is None else single["p95"] / own["single"]["p95"]
    faster = None if own is None else found["batched"] / own["batched"]
    cells = (
        words(row["engine"]),
        words(row["figures"]["setting"]),
        NONE if found["effort"] is None else count(found["effort"]),
        bounds(found["recall_10"], found["interval_10"]),
        share(found["recall_100"]),
        *(digits(single[cut]) for cut in ("p50", "p95", "p99")),
        digits(found["batched"]),
        digits(slower),
        digits(faster),
    )
    note = "" if found["reached"] else "does not reach it"
    return Row(cells, note, key=bool(row["own"]))


def _spaces(document: Document) -> Iterator[Row]:
    for row in measured(document):
        figures, each = row["figures"], _per_mark(row)
        peak = figures["build_peak"]
        yield Row(
            (
                words(row["engine"]),
                count(row["vectors"]),
                digits(figures["build_seconds"]),
                digits(None if peak is None else peak / _MIB),
                digits(each("resident")),
                digits(each("of_files")),
                digits(each("disk")),
                digits(figures["open_seconds"]),
                digits(figures["rates"]["added"]),
                digits(figures["rates"]["removed"]),
            ),
            key=bool(row["own"]),
        )


def _per_mark(row: Mapping[str, Any]) -> Callable[[str], float | None]:
    def each(what: str) -> float | None:
        size = row["figures"][what]
        return None if size is None else size / row["vectors"]

    return each


def _filtered(document: Document, size: int) -> Table:
    rows = [
        Row(
            (
                words(row["engine"]),
                words(found["kind"]),
                f"{found['selectivity']:.1%}",
                bounds(found["recall_10"], found["interval"]),
                digits(found["single"]["p50"]),
                digits(found["single"]["p95"]),
            ),
            key=bool(row["own"]),
        )
        for row in measured(document)
        if row["vectors"] == size
        for found in row["figures"]["filtered"]
    ]
    return Table(f"{count(size)} vectors behind filters", _FILTERS, tuple(rows))


def _likeness(document: Document) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = document.result["likeness"]
    return found


def _alike(given: Mapping[str, Any]) -> Row:
    cuts = ("first", "tenth", "hundredth")
    return Row(
        (
            words(given["gallery"]),
            count(given["vectors"]),
            *(" / ".join(f"{cut:.2f}" for cut in given[each]) for each in cuts),
            " / ".join(f"{cut:.1f}" for cut in given["dimension"]),
        )
    )
