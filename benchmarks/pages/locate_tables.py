"""Marks found in photos, as tables."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.tables import (
    NONE,
    Column,
    Row,
    Table,
    count,
    digits,
    interval,
    name,
    share,
    words,
)

_TARGET = 0.7  # recall at which the headline counts false masks
_QUERIES = {"drawing": "clean drawing", "crop": "crop of another photo"}
_MAP = "average precision at IoU .5, mean over brands; all that is found in photos of other brands "
_MAP += "or of none is false; in parentheses the 95 % interval of a bootstrap over photos, which "
_MAP += "lies some 0.03 too high, for brands with few photos are not in every draw"
SYSTEM, QUERY = name("system"), name("query", "what the mark is shown by")
COLUMNS = (
    SYSTEM,
    QUERY,
    Column("mAP@.5 (95 %)", _MAP),
    Column("mAP@[.5:.95]", "mean over ten thresholds of IoU"),
    Column("recall", "of the boxes, at one false alarm in ten questions"),
    Column("box IoU", "median of the boxes that are right"),
    Column(
        "false masks (95 %)",
        "share of the queries of another brand that find anything, at the score at which 70 % of "
        "the right boxes are found; a dash: no score finds so many",
    ),
    Column("swap AUROC (95 %)", "chance that the right query scores above one of another brand"),
    Column("s/megapixel", "first query of a photo, on this machine"),
)
SIZE_COLUMNS = (
    SYSTEM,
    QUERY,
    name("logo", "share of the photo: small below 1 %, medium below 10 %"),
    Column("photos"),
    Column("boxes"),
    Column("mAP@.5 (95 %)", "as above, without the photos of no brand"),
    Column("recall", "of the boxes, at one false alarm in ten questions"),
    Column("box IoU", "median of the boxes that are right"),
    Column("swap AUROC (95 %)", "chance that the right query scores above one of another brand"),
)


SCENE_COLUMNS = (
    SYSTEM,
    Column("mask IoU (95 %)", "mean over the right questions; nothing found counts as 0"),
    *COLUMNS[2:],
)


def scenes_protocol(document: Document) -> str:
    result = document.result
    answers = result["answers"]
    return (
        f"{count(answers['questions'])} questions in {count(answers['scenes'])} scenes, each with "
        f"one of {count(result['marks'])} marks of likemark-open in one of "
        f"{count(result['photos'])} photos, from neither of which any training has learned "
        "weights (on these photos, with other marks, the shipped network's checkpoint was chosen "
        "and its probabilities were learned); asked with "
        "another drawing of the mark where it has one, and with another mark."
    )


def scenes_tables(document: Document) -> list[Table]:
    rows = document.result["answers"]["rows"]
    made = tuple(
        Row((whole.cells[0], _figure(one["mask_iou"]), *whole.cells[2:]))
        for row, one in _of_all_sizes(rows)
        for whole in (_row(row, one),)
    )
    return [Table("Marks found", SCENE_COLUMNS, made), *_sure(rows[:1])]


def locate_protocol(document: Document) -> str:
    result = document.result
    answers, missing = result["answers"], result["without_drawing"]
    asked = max((one["brands"] for _, one in _standings(answers["rows"])), default=0)
    shown = answers["scenes"] - answers["scenes_without_brand"]
    without = f", {count(len(missing))} of them by crops alone" if missing else ""
    return (
        f"{count(answers['questions'])} questions in {count(shown)} photos of "
        f"{asked} brands{without}, and in {count(answers['scenes_without_brand'])} "
        f"photos of none: of each kind of query one of the brand and {count(result['wrong'])} of "
        f"others{_of_sample(result)}. No system was trained on these brands."
    )


def _of_sample(result: Mapping[str, Any]) -> str:
    if result.get("sampled") is None:
        return ""
    return f"; a sample of {count(result['sampled'])} questions at most, whole photos of all brands"


def locate_tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: the figures over all sizes only"""
    rows = document.result["answers"]["rows"]
    headline = tuple(_row(row, one) for row, one in _of_all_sizes(rows))
    tables = [Table("Marks found", COLUMNS, headline), *_sure(rows[:1])]
    if brief:
        return tables
    sizes = tuple(_size_row(row, one) for row, one in _standings(rows) if one["size"] != "all")
    return [*tables, Table("By size of the logo", SIZE_COLUMNS, sizes), *_false_masks(rows)]


def _standings(rows: list[Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return ((row, one) for row in rows for one in row["standings"])


def _of_all_sizes(rows: list[Any]) -> list[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    return [(row, one) for row, one in _standings(rows) if one["size"] == "all"]


def _row(row: Mapping[str, Any], one: Mapping[str, Any]) -> Row:
    at_target = next(each for each in one["false_masks"] if each["recall"] == _TARGET)
    return Row(
        (
            words(row["name"]),
            _QUERIES[one["query"]],
            _figure(one["map_50"]),
            share(one["map_range"]["value"]),
            share(one["recall"]["value"]),
            share(one["median_iou"]["value"]),
            _figure(at_target["rate"]),
            _figure(one["swap_auroc"]),
            digits(row["seconds_per_megapixel"]),
        )
    )


def _size_row(row: Mapping[str, Any], one: Mapping[str, Any]) -> Row:
    return Row(
        (
            words(row["name"]),
            _QUERIES[one["query"]],
            words(one["size"]),
            count(one["scenes"]),
            count(one["boxes"]),
            _figure(one["map_50"]),
            share(one["recall"]["value"]),
            share(one["median_iou"]["value"]),
            _figure(one["swap_auroc"]),
        )
    )


def _sure(rows: list[Any]) -> Iterator[Table]:
    """rows: of what scores by probabilities"""
    every = _of_all_sizes(rows)
    if not every:
        return
    said = "share of the places with this probability that are right at IoU .5, and how many they "
    said += "are, questions about other marks among them"
    classes = [f"{each['low']:g} to {each['high']:g}" for each in every[0][1]["sure"]]
    first, *rest = classes
    columns = (SYSTEM, QUERY, Column(first, said), *map(Column, rest))
    yield Table(
        "How often a place is right, by the probability that it is given",
        columns,
        tuple(
            Row((words(row["name"]), _QUERIES[one["query"]], *map(_share_of, one["sure"])))
            for row, one in every
        ),
    )


def _share_of(sure: Mapping[str, Any]) -> str:
    return NONE if sure["right"] is None else f"{share(sure['right'])} of {count(sure['found'])}"


def _false_masks(rows: list[Any]) -> Iterator[Table]:
    every = _of_all_sizes(rows)
    if not every:
        return
    recalls = [each["recall"] for each in every[0][1]["false_masks"]]
    columns = (SYSTEM, QUERY, *(Column(f"at {recall:.0%} of the boxes") for recall in recalls))
    yield Table(
        "Queries of another brand that find something",
        columns,
        tuple(
            Row(
                (
                    words(row["name"]),
                    _QUERIES[one["query"]],
                    *(share(each["rate"]["value"]) for each in one["false_masks"]),
                )
            )
            for row, one in every
        ),
    )


def _figure(figure: Mapping[str, Any]) -> str:
    if figure["value"] is None:
        return NONE
    if figure["low"] is None:
        return share(figure["value"])
    return interval(figure["value"], figure["low"], figure["high"])
