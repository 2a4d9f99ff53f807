"""The committed page of scale, its pictures and what is said of them are those of the documents."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likemark.benchmarks.pages.documents import Document, read_documents
from likemark.benchmarks.pages.readme import current
from likemark.benchmarks.pages.scale_page import (
    PAGE,
    scale_documents,
    scale_files,
    scale_page,
    scale_pictures,
)
from likemark.benchmarks.pages.scale_rows import measured, own_point, point
from likemark.benchmarks.pages.stamp import stamp_in, stamp_of, stamped
from likemark.benchmarks.pages.tables import count, digits, share

ROOT = Path(__file__).parents[3]
RESULTS = ROOT / "benchmarks" / "results"
AGAIN = "run: python -m likemark.benchmarks.pages.readme README.md benchmarks/results"
Documents = dict[str, dict[str, Any]]


@pytest.fixture(scope="module")
def committed() -> list[dict[str, Any]]:
    return read_documents(RESULTS)


def test_the_committed_page_is_that_of_the_documents(committed: list[dict[str, Any]]):
    page = scale_page(scale_documents(committed), scale_pictures(committed))
    assert (RESULTS / PAGE).read_text(encoding="utf-8") == page, AGAIN


def test_committed_pictures_show_the_documents_points(committed: list[dict[str, Any]]):
    drawn = scale_pictures(committed)
    assert {path.name for path in RESULTS.glob("*.svg")} == {f"{plot.name}.svg" for plot in drawn}
    for plot in drawn:
        svg = (RESULTS / f"{plot.name}.svg").read_text(encoding="utf-8")
        assert stamp_in(svg) == stamp_of(plot), AGAIN
        assert len(svg) < 100_000
        assert ">likemark</text>" in svg  # not as paths
        assert not re.search(r"<dc:date|\b20\d\d-\d\d", svg)


def test_every_committed_size_is_on_the_curve(committed: list[dict[str, Any]]):
    growth, _ = scale_pictures(committed)
    (own, *_) = [line for line in growth.figure.axes[0].lines if line.get_label() == "likemark"]
    sizes = {row["vectors"] for one in scale_documents(committed) for row in measured(one)}
    assert set(np.asarray(own.get_xdata()).tolist()) == sizes


def test_pages_link_only_to_what_is_there():
    for page in (ROOT / "benchmarks" / "SCALE.md", RESULTS / PAGE):
        links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
        assert links
        assert all((page.parent / link).exists() for link in links)


@pytest.mark.parametrize("page", ["README.md", "benchmarks/SCALE.md"])
def test_figures_of_the_text_are_those_of_the_documents(page: str, committed: list[dict[str, Any]]):
    whole = (ROOT / page).read_text(encoding="utf-8")
    text = whole.replace(current(whole), "") if page == "README.md" else whole  # by hand
    rivals, largest = scale_documents(committed)
    for size, target in ((100_000, 0.99), (1_000_000, 0.99), (1_000_000, 0.97)):
        own, other = own_point(rivals, size, target), lists(rivals, size, target)
        assert own is not None
        figures = [digits(own["batched"]), digits(other["batched"]), share(other["recall_10"])]
        assert all(figure in text for figure in figures)
    promised = own_point(largest, 10_000_000, 0.99)
    assert promised is not None
    assert share(promised["recall_10"]) in text


def lists(document: Document, size: int, target: float) -> Mapping[str, Any]:
    rows = (row for row in measured(document) if row["vectors"] == size)
    found = next(point(row, target) for row in rows if row["engine"] == "FAISS IVF,Flat")
    assert found is not None
    return found


def test_what_scale_md_says_of_drawn_vectors_is_so(committed: list[dict[str, Any]]):
    text = (ROOT / "benchmarks" / "SCALE.md").read_text(encoding="utf-8")
    for document in scale_documents(committed):
        for one in document.result["likeness"]:
            cuts = [f"{one[name][1]:.2f}" for name in ("first", "tenth", "hundredth")]
            cells = [count(one["vectors"]), *cuts, f"{one['dimension'][1]:.0f}"]
            assert f"| {' | '.join(cells)} |" in text


def test_the_page_has_every_size_and_explains_each_column_once(documents: Documents):
    larger = copy.deepcopy(documents["scale"])
    for row in larger["result"]["rows"]:
        row["vectors"] *= 100
    page = scale_files([larger, documents["metu"], documents["scale"]])[PAGE]
    headings = re.findall("^## (.*)$", page, re.MULTILINE)
    assert headings == ["10,000 to 1,000,000 vectors", "1,000,000 to 100,000,000 vectors"]
    for title in ("10,000 vectors, R@10 of 0.97", "10,000 vectors behind filters", "Drawn beside"):
        assert f"### {title}" in page
    assert page.count("- build s: from the stream") == 1


def test_without_a_scale_document_there_is_no_file(documents: Documents):
    assert scale_files([documents["metu"]]) == {}


def test_a_stamp_changes_with_a_point_and_with_a_name(documents: Documents):
    before, _ = scale_pictures([documents["scale"]])
    assert stamp_in(stamped(before)) == stamp_of(before)
    assert stamp_in(before.svg()) is None
    changed = copy.deepcopy(documents["scale"])
    changed["result"]["rows"][0]["figures"]["build_seconds"] *= 1.001
    named = copy.deepcopy(documents["scale"])
    named["result"]["rows"][1]["engine"] = "another"
    stamps = {stamp_of(scale_pictures([one])[0]) for one in (changed, named, documents["scale"])}
    assert len(stamps) == 3
    assert stamp_of(before) in stamps
