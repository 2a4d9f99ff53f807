"""Marks taken out of photos, as a table."""

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
    share,
    words,
)

COLUMNS = (
    name(
        "where",
        "by the finder, asked with a crop of another photo; by it as `--all-logos` asks, for any "
        "mark; or from the annotations",
    ),
    name("style"),
    Column(
        "R@1 after (95 %)",
        "share of the true boxes whose brand still comes first: lower is better; in parentheses "
        "the interval of a bootstrap over photos",
    ),
    Column("recall", "share of the true boxes' px that are covered"),
    Column("precision", "share of the covered px that are in a true box"),
    Column("boxes", "share of the true boxes of which half or more is covered"),
    Column(
        "flicker",
        "of the film, levels by which covered px differ from one frame to the next; a dash: "
        "nothing was covered",
    ),
    Column("frames", "of the film, share in which half of the mark's box or more is covered"),
    Column("frames/s", "of the film, locating left out, on this machine"),
)


def redaction_protocol(document: Document) -> str:
    result = document.result
    width, height = result["clip_size"]
    return (
        f"{count(result['photos'])} photos of {len(result['brands'])} brands, "
        f"{count(result['boxes'])} boxes, each searched among {count(result['exemplars'])} crops "
        f"of the brands in other photos and {count(result['clutter'])} crops of none. Before: R@1 "
        f"{_known(result)}. Found by {words(result['network'])}, in "
        f"{digits(result['seconds_per_photo'])} s a photo; in {result['nothing_found']:.1%} of "
        f"them it finds nothing. The film has {result['clip_frames']} "
        f"frames of {width} x {height} px, a camera at rest and its noise; in the rows of the true "
        "boxes these are off by up to 2 px, and one in five is missed."
    )


def redaction_tables(document: Document) -> list[Table]:
    rows = tuple(_row(row) for row in document.result["rows"])
    return [Table("Marks taken out", COLUMNS, rows)]


def _row(row: Mapping[str, Any]) -> Row:
    clip = row["clip"]
    flicker = NONE if clip["flicker"] is None else f"{clip['flicker']:.3g}"
    return Row(
        (
            words(row["locating"]),
            words(row["style"]),
            _known(row),
            share(row["recall"]),
            share(row["precision"]),
            share(row["boxes_covered"]),
            flicker,
            share(clip["frames_covered"]),
            digits(clip["frames_per_second"]),
        )
    )


def _known(given: Mapping[str, Any]) -> str:
    return bounds(given["known"], given["known_interval"])
