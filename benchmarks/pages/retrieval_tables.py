"""likemark-open and METU as tables: one row for each system, one for each way of counting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.tables import (
    NONE,
    Column,
    Row,
    Table,
    bounds,
    count,
    digits,
    name,
    rank,
    share,
    words,
)

_INTERVAL = "in parentheses the 95 % interval of a bootstrap over groups"
_AP = "mean over the queries of average precision over the full ranking, divided by all relevant"
_R1, _R10 = (
    "share of the queries with a relevant picture at rank 1",
    "share of the queries with a relevant picture among the first 10",
)
_NAR = Column(
    "NAR",
    "normalised average rank of the relevant pictures: 0 is perfect, about 0.5 is random",
)
_MEDIAN = Column("median rank", "of all relevant pictures of all queries, taken together")
_MRR = Column("MRR", "mean of 1 / rank of the first relevant picture")
_MAP_100 = Column("mAP@100", "as mAP with the first 100 ranks only, still divided by all relevant")
_SPEED = Column(
    "pictures/s",
    "from decoded pictures to vectors on this machine; a dash for what makes no vectors",
)
OPEN_COLUMNS = (
    name("system"),
    Column("mAP (95 %)", f"{_AP}; {_INTERVAL}"),
    Column("mAP, unseen (95 %)", "of marks of which no drawing was in the training share"),
    _MAP_100,
    Column("R@1 (95 %)", f"{_R1}; {_INTERVAL}"),
    Column("R@10", _R10),
    _MRR,
    _NAR,
    _MEDIAN,
    _SPEED,
)
MANY_COLUMNS = (
    name("system"),
    Column("mAP", _AP),
    _MAP_100,
    Column("R@1", _R1),
    Column("R@10", _R10),
    _MRR,
    _NAR,
    _MEDIAN,
)


def open_protocol(document: Document) -> str:
    """In a line: how many of what, and what the figures mean."""
    result = document.result
    return (
        f"{count(result['queries'])} queries of {count(result['groups'])} groups "
        f"({count(result['groups_of_many'])} of three drawings or more; "
        f"{count(result['queries_unseen'])} queries of marks that are unseen) among "
        f"{count(result['distractors'])} distractors: every drawing of a mark asks for the others. "
        "AP over the full ranking divided by all relevant, ties against us, self excluded."
    )


def open_tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: without the second table, of the groups with three drawings or more"""
    # What has no figures comes last; otherwise the order of the run stays.
    rows = sorted(document.result["rows"], key=lambda row: row["standing"] is None)
    tables = [Table("All groups", OPEN_COLUMNS, tuple(map(_open_row, rows)))]
    if not brief and document.result["groups_of_many"]:
        many = tuple(_many_row(row) for row in rows if row["standing"] is not None)
        tables.append(Table("Groups of three drawings or more", MANY_COLUMNS, many))
    return tables


def metu_protocol(document: Document) -> str:
    result = document.result
    return (
        f"{count(result['queries'])} queries of {count(result['groups'])} groups among "
        f"{count(result['pictures'])} pictures. AP over the full ranking divided by all relevant, "
        "ties against us. Official: the query counts as relevant to itself, as published figures "
        "have it. Self excluded: it is neither ranked nor counted."
    )


def metu_tables(document: Document) -> list[Table]:
    ways = {"official": "official", "self_excluded": "self excluded"}
    cuts = sorted(map(int, document.result["official"]["map_at"]))
    figures = [(label, document.result[way]) for way, label in ways.items()]
    columns = (
        name("way of counting"),
        Column("mAP", _AP),
        *(_metu_cut(cut) for cut in cuts),
        _NAR,
        Column("mean rank", "mean over the queries of the mean rank of their relevant pictures"),
        _MEDIAN,
        Column("R@1", _R1),
        Column("R@10", _R10),
    )
    rows = (Row(_metu_cells(label, one, cuts), key=label == "official") for label, one in figures)
    return [Table("Both ways of counting", columns, tuple(rows))]


def _open_row(row: Mapping[str, Any]) -> Row:
    who = words(row["name"])
    if row["standing"] is None:
        nothing = (NONE,) * (len(OPEN_COLUMNS) - 1)
        return Row((who, *nothing), note=f"not measured: {words(row['unavailable'])}")
    figures, intervals = row["standing"]["all_groups"], row["standing"]["intervals"]
    cells = (
        who,
        bounds(figures["map"], intervals["map"]),
        bounds(row["standing"]["unseen"]["map"], row["standing"]["unseen_map"]),
        share(figures["map_at"]["100"]),
        bounds(figures["hit_rate_at"]["1"], intervals["r_at_1"]),
        *_tail(figures),
        digits(row["pictures_per_second"]),
    )
    return Row(cells, key=row["kind"] == "model")


def _many_row(row: Mapping[str, Any]) -> Row:
    figures = row["standing"]["many_drawings"]
    cells = (
        words(row["name"]),
        share(figures["map"]),
        share(figures["map_at"]["100"]),
        share(figures["hit_rate_at"]["1"]),
        *_tail(figures),
    )
    return Row(cells, key=row["kind"] == "model")


def _tail(figures: Mapping[str, Any]) -> tuple[str, ...]:
    """From R@10 to the median rank."""
    return (
        share(figures["hit_rate_at"]["10"]),
        share(figures["mrr"]),
        digits(figures["nar"]),
        rank(figures["median_rank"]),
    )


def _metu_cut(cut: int) -> Column:
    return Column(
        f"mAP@{cut}", f"as mAP with ranks below {cut} only, still divided by all relevant"
    )


def _metu_cells(label: str, figures: Mapping[str, Any], cuts: list[int]) -> tuple[str, ...]:
    return (
        label,
        share(figures["map"]),
        *(share(figures["map_at"][str(cut)]) for cut in cuts),
        digits(figures["nar"]),
        digits(figures["mean_rank"]),
        rank(figures["median_rank"]),
        share(figures["r_at_1"]),
        share(figures["r_at_10"]),
    )
