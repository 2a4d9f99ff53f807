"""From a small data set to the table: the run as `likemark bench run redaction` makes it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from support.drawings import badge
from support.flickr27 import ColourEncoder, write_layout

from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.sections import protocol, tables
from likemark.benchmarks.redaction.clip import make_clip
from likemark.benchmarks.redaction.run import ANY, TRUTH, RedactionResult, run_redaction, styles
from likemark.benchmarks.runs import RunOptions, command, written_up
from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.regions import Region, region_of_mask


class ColourFinding:
    """Finds px of a query's commonest colour."""

    name, network = "found", "colours"

    def find(self, query: Pixels, scene: Pixels) -> Sequence[Region]:
        colour = np.median(query[..., :3].reshape(-1, 3), axis=0)
        near = np.abs(scene - colour).max(axis=2) < 40
        return [region_of_mask(np.where(near, np.uint8(255), np.uint8(0)))] if near.any() else []

    def find_any(self, scene: Pixels) -> Sequence[Region]:
        return [region_of_mask(np.full(scene.shape[:2], 255, np.uint8))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout(tmp_path_factory.mktemp("photos") / "set")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return []


@pytest.fixture(scope="module")
def result(folder: Path, lines: list[str]) -> RedactionResult:
    clip = make_clip(badge(), frames=4, size=(64, 96))
    return run_redaction(folder, ColourFinding(), ColourEncoder(), clip=clip, progress=lines.append)


def test_every_style_stands_there_for_each_way_of_finding(result: RedactionResult) -> None:
    ways = [(row.locating, row.style) for row in result.rows]
    assert ways == [(where, style) for where in ("found", ANY, TRUTH) for style in styles()]
    assert {"mosaic", "blur", "fill", "inpaint", "replace"} == set(styles())


def test_brands_are_known_before_and_hardly_after(result: RedactionResult) -> None:
    assert (result.photos, result.boxes) == (18, 18)
    assert (result.exemplars, result.clutter) == (15, 24)
    assert result.known == 1.0
    rows = {(row.locating, row.style): row for row in result.rows}
    assert rows["found", "replace"].known < 0.5
    assert all(row.known_interval.low <= row.known <= row.known_interval.high
               for row in result.rows)  # fmt: skip


def test_what_is_found_of_any_mark_is_covered_and_judged(result: RedactionResult) -> None:
    for row in result.rows:
        if row.locating == ANY:  # whole photos: all of each mark, and much else
            assert (row.recall, row.boxes_covered) == (1.0, 1.0)
            assert row.precision < 0.5


def test_the_true_boxes_are_covered_whole_and_the_margin_costs_precision(
    result: RedactionResult,
) -> None:
    for row in result.rows:
        if row.locating == TRUTH:
            assert (row.recall, row.boxes_covered) == (1.0, 1.0)
            assert 0.4 < row.precision < 1  # 6 px are covered round marks of 24 px


def test_progress_is_told(result: RedactionResult, lines: list[str]) -> None:
    assert lines[0] == "18 photos, 15 crops of brands"
    assert "18 of 18 photos" in lines


def test_a_few_photos_of_all_brands_are_enough_for_a_quick_run(folder: Path) -> None:
    clip = make_clip(badge(), frames=2, size=(64, 96))
    lines: list[str] = []
    result = run_redaction(
        folder, ColourFinding(), ColourEncoder(), scenes=2, clip=clip, progress=lines.append
    )
    assert result.photos == 2
    assert [line for line in lines if line.startswith("2 of 2 photos")]
    assert command("redaction", RunOptions(folder, scenes=2), folder).endswith(" --scenes 2")
    with pytest.raises(InvalidInput, match="scenes 0"):
        RunOptions(folder, scenes=0)


def test_the_table_has_a_row_for_each_way(result: RedactionResult) -> None:
    data = {"name": "FlickrLogos-27", "sha256": result.data}
    model = {"name": "colours", "fingerprint": "c0" * 32}
    document = Document.of(
        written_up("redaction", "likemark", asdict(result), data, model=model, device="cpu")
    )
    (table,) = tables(document)
    assert [row.cells[:2] for row in table.rows] == [(r.locating, r.style) for r in result.rows]
    assert protocol(document).startswith(
        "18 photos of 3 brands, 18 boxes, each searched among 15 crops of the brands in other "
        "photos and 24 crops of none. Before: R@1 1.000 (1.000, 1.000). Found by colours, in "
    )
