"""What a search can add, and what each choice of a training is worth, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any

from likemark.benchmarks.pages.documents import Document
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

_GAIN = (
    "95 % interval of the difference in mAP to the first row, of a bootstrap over marks; where it "
    "holds 0 nothing is shown"
)
SEARCH_COLUMNS = (
    name("search"),
    Column("mAP"),
    Column("R@1"),
    Column("gain in mAP (95 %)", _GAIN),
    Column("pictures", "that go through the network for one query"),
    Column("searches", "of the index for one query"),
)
EXPERIMENT_COLUMNS = (
    name("training"),
    Column("seeds"),
    Column("mAP", "mean over the seeds"),
    Column("spread", "standard deviation of mAP over the seeds"),
    Column("R@1"),
    Column("gain in mAP (95 %)", _GAIN),
    Column("trains", "pictures per second"),
    Column("embeds", "pictures per second"),
)


def search_protocol(document: Document) -> str:
    result = document.result
    return (
        f"{count(result['queries'])} queries among {count(result['distractors'])} distractors, "
        "always with the same vectors of the collection."
    )


def search_tables(document: Document) -> list[Table]:
    rows = tuple(
        Row(
            (
                words(way["name"]),
                share(way["map"]),
                share(way["r_at_1"]),
                _gain(way["gain"], first=way is document.result["ways"][0]),
                count(way["pictures"]),
                count(way["searches"]),
            )
        )
        for way in document.result["ways"]
    )
    return [Table("What a search can add", SEARCH_COLUMNS, rows)]


def experiments_protocol(document: Document) -> str:
    result = document.result
    return (
        f"Each row is as many trainings as it has seeds, of {count(result['steps'])} steps with "
        f"{count(result['batch'])} views, as its table's first row but for what it names; "
        f"{count(result['queries'])} queries among {count(result['distractors'])} distractors."
    )


def experiments_tables(document: Document) -> list[Table]:
    return [
        Table(words(title), EXPERIMENT_COLUMNS, tuple(_rows(list(arms))))
        for title, arms in groupby(document.result["arms"], key=lambda arm: str(arm["table"]))
    ]


def _rows(arms: list[Mapping[str, Any]]) -> list[Row]:
    return [
        Row(
            (
                words(arm["name"]),
                count(len(arm["outcomes"])),
                share(arm["map"]),
                share(arm["spread"]),
                share(arm["r_at_1"]),
                _gain(arm["gain"], first=arm is arms[0]),
                digits(_mean(arm, "train_rate")),
                digits(_mean(arm, "embed_rate")),
            )
        )
        for arm in arms
    ]


def _gain(between: Mapping[str, Any], *, first: bool) -> str:
    return NONE if first else f"{between['low']:+.3f} to {between['high']:+.3f}"


def _mean(arm: Mapping[str, Any], key: str) -> float:
    values = [outcome[key] for outcome in arm["outcomes"]]
    return float(sum(values) / len(values))
