"""FlickrLogos-27, the invariance suite and speed as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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

_CLASSIFIERS = {"knn": "nearest neighbours", "linear": "linear head", "cnn": "the network itself"}
_LEARNT = {"photos": "whole photos", "crops": "boxes", "places": "boxes, asked by places"}
_FELT = ("pictures/s", "ms", "s")  # units of what a user sees

FLICKR_COLUMNS = (
    name("system"),
    name(
        "learnt from",
        "whole training photos, or the annotated boxes in them; query photos are whole, or looked "
        "at place by place",
    ),
    name("classifier", "what turns a vector into a brand"),
    Column("examples", "photos or boxes that were learnt from"),
    Column(
        "accuracy (95 %)",
        "share of the photos that show a brand whose brand is named rightly; in parentheses the "
        "95 % interval of a bootstrap over photos",
    ),
    Column("AUROC", "chance that a photo with a brand is more confident than one without"),
    Column(
        "accepted and right",
        "share of the photos with a brand that pass the threshold and are named rightly",
    ),
    Column("false accepts", "share of the photos without a brand that pass the same threshold"),
)
_WAY = (name("transformation"), name("what it does"))
_TURNED = (
    Column("turned R@1", "and turned by eighths too, as `likemark query --turned` does"),
    Column("turned R@10"),
)
_APPLIES = Column("pictures", "that the transformation applies to")
INVARIANCE_COLUMNS = (
    *_WAY,
    Column("R@1", "share of the transformed pictures that find their original at rank 1"),
    Column("R@10", "share of the transformed pictures that find it among the first 10"),
    Column("elements R@1", "asked with each element of its layout too, as `likemark query` does"),
    Column("elements R@10"),
    *_TURNED,
    _APPLIES,
)
PARTS_COLUMNS = (
    *_WAY,
    *_TURNED,
    Column(
        "parts R@1",
        "halves ask too, and the 5,000 nearest are looked into: `likemark query --turned --parts`",
    ),
    Column("parts R@10"),
    _APPLIES,
)
SPEED_COLUMNS = (
    name("measure"),
    Column("value"),
    name("unit"),
    name("target"),
    name("met"),
)


def flickr27_protocol(document: Document) -> str:
    result = document.result
    return (
        f"{count(result['training_photos'])} training photos ({count(result['training_boxes'])} "
        f"boxes) of {len(result['brands'])} brands, official subset {result['subset']}; "
        f"{count(result['positives'])} query photos show a brand, {count(result['negatives'])} "
        f"show none; {count(result['repeated'])} of the former are training photos as well and are "
        f"kept. Encoders are frozen, seed {result['seed']}. Query photos are whole, or, where it "
        "says so, looked at place by place, as `likemark locate` does: the surest place answers."
    )


def flickr27_tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: the linear head on whole photos, and all that asks by places, only"""
    rows = tuple(
        _flickr_row(row)
        for row in document.result["rows"]
        if not brief
        or row["source"] == "places"
        or (row["source"] == "photos" and row["classifier"] != "knn")
    )
    return [Table("Brands named and strangers refused", FLICKR_COLUMNS, rows)]


def invariance_protocol(document: Document) -> str:
    result = document.result
    return (
        f"{count(result['sources'])} marks, each transformed, ask for themselves among "
        f"{count(result['gallery'])} pictures; ties against us, other drawings of the same mark "
        "left out. A transformation that makes no sense for a picture is not counted."
    )


def invariance_tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: the means and the worst transformation only"""
    result, sampled = document.result, document.result.get("sampled")
    tables = [Table(
        "Transformations", INVARIANCE_COLUMNS,
        _invariance_rows([result, *result["asked_also"]], brief=brief),
    )]  # fmt: skip
    if sampled:
        manners = [sampled["without"], sampled["asked"]]
        title = f"Parts looked for: {count(sampled['sources'])} of the marks"
        tables.append(Table(title, PARTS_COLUMNS, _invariance_rows(manners, brief=brief)))
    return tables


def _invariance_rows(manners: Sequence[Mapping[str, Any]], *, brief: bool) -> tuple[Row, ...]:
    """The mean last."""
    first = manners[0]
    asked = [one for one in first["transformations"] if one["queries"]]
    means = [each[key] for each in manners for key in ("mean_recall_at_1", "mean_recall_at_10")]
    mean = (
        "mean",
        f"of {len(asked)} transformations, each counting the same",
        *map(share, means),
        count(sum(one["queries"] for one in asked)),
    )
    rows = [
        _invariance_row(ones, first["worst"])
        for ones in zip(*(each["transformations"] for each in manners), strict=True)
        if not brief or ones[0]["name"] in {each["worst"] for each in manners}
    ]
    return (*rows, Row(mean))


def speed_protocol(document: Document) -> str:
    measured = document.result["indexing"]["pictures"]
    return (
        f"Medians over repetitions of {count(measured)} pictures each; vectors of the search rows "
        "are synthetic. Other programs on the machine change every figure."
    )


def speed_tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: what has a target, rates and waiting times only"""
    rows = tuple(
        _speed_row(one)
        for one in document.result["measures"]
        if not brief or one["target"] is not None or one["unit"] in _FELT
    )
    return [Table("Indexing, search and start-up", SPEED_COLUMNS, rows)]


def _flickr_row(row: Mapping[str, Any]) -> Row:
    scores = row["scores"]
    return Row(
        (
            words(row["name"]),
            _LEARNT[row["source"]],
            _CLASSIFIERS.get(row["classifier"], words(row["classifier"])),
            count(row["examples"]),
            interval(scores["accuracy"], scores["accuracy_low"], scores["accuracy_high"]),
            share(scores["auroc"]),
            share(scores["accuracy_accepted"]),
            share(scores["false_accepts"]),
        )
    )


def _invariance_row(ones: Sequence[Mapping[str, Any]], worst: str) -> Row:
    """ones: a transformation asked in each manner"""
    first = ones[0]
    is_worst = first["name"] == worst
    cells = (
        words(first["name"]),
        words(first["description"]),
        *(share(one[key]) for one in ones for key in ("recall_at_1", "recall_at_10")),
        count(first["queries"]),
    )
    return Row(cells, note="the worst" if is_worst else "", key=is_worst)


def _speed_row(measure: Mapping[str, Any]) -> Row:
    target = measure["target"]
    verdict = {None: NONE, True: "yes", False: "no"}[measure["met"]]
    aim = NONE if target is None else f"{words(measure['bound'])} {target:g}"
    unit = words(measure["unit"]) or NONE
    cells = (words(measure["name"]), digits(measure["value"]), unit, aim, verdict)
    return Row(cells, key=measure["met"] is False)
