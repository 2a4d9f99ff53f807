from __future__ import annotations

from typing import Any

import pytest

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.scale_equal import equal_table
from likemark.benchmarks.pages.scale_plots import scale_plots
from likemark.benchmarks.pages.scale_tables import scale_tables
from likemark.benchmarks.pages.tables import NONE, Table

Documents = dict[str, dict[str, Any]]


@pytest.fixture
def tables(documents: Documents) -> dict[str, Table]:
    return {each.title: each for each in scale_tables(Document.of(documents["scale"]))}


def test_indices_are_compared_at_equal_recall(tables: dict[str, Table]):
    high = tables["1,000,000 vectors, R@10 of 0.99 or more"]
    assert [row.cells[0] for row in high.rows] == ["likemark", "FAISS HNSW32", "hnswlib"]
    low = tables["1,000,000 vectors, R@10 of 0.97 or more"]
    assert [row.cells[0] for row in low.rows] == ["FAISS HNSW32"]  # the other promises more
    own, rival, gone = high.rows
    assert (own.cells[2], rival.cells[2]) == (NONE, "96")
    assert [float(cell) for cell in (own.cells[9], rival.cells[9])] == [1.0, 2.0]
    assert gone.note == "hnswlib is not installed"


def test_memory_is_told_for_each_mark_and_what_is_not_offered_is_empty(tables: dict[str, Table]):
    rows = tables["Memory, building and changes"].rows
    assert len(rows) == 4
    assert rows[0].cells[4:7] == ("310", "120", "290")
    assert (rows[0].cells[-1], rows[1].cells[-1]) == ("9,000", NONE)


def test_filters_list_those_that_have_them(tables: dict[str, Table]):
    rows = tables["1,000,000 vectors behind filters"].rows
    assert [row.cells[2] for row in rows[:4]] == ["0.1%", "1.0%", "10.0%", "50.0%"]
    assert {row.cells[0] for row in rows} == {"likemark"}


def test_a_brief_document_has_the_largest_size_alone(documents: Documents):
    shown = scale_tables(Document.of(documents["scale"]), brief=True)
    assert [each.title.split(",")[0] for each in shown] == ["1", "1", "Memory"]


def test_without_figures_there_is_nothing_to_draw(documents: Documents):
    for row in documents["scale"]["result"]["rows"]:
        row["figures"] = None
    assert scale_plots([Document.of(documents["scale"])], "scale") == []


def test_a_rival_is_read_off_between_its_efforts_at_likemarks_recall(documents: Documents):
    for row in documents["scale"]["result"]["rows"]:
        if row["engine"] == "FAISS HNSW32":
            low, high = row["figures"]["points"]
            low.update(effort=16, recall_10=0.96, batched=4000.0)
            high.update(effort=32, recall_10=0.9975, batched=1000.0)
        elif row["own"]:
            row["figures"]["points"][0].update(recall_10=0.99, batched=500.0)
    tables = {each.title: each for each in scale_tables(Document.of(documents["scale"]))}
    own, rival = tables["1,000,000 vectors, at likemark's own R@10"].rows
    assert own.cells == ("likemark", "0.990", "500", "1.00", NONE, NONE, NONE)
    # Half of the way from missing 4 % to missing a sixteenth of that.
    assert rival.cells[:4] == ("FAISS HNSW32", "0.990", "2,000", "4.00")
    assert rival.cells[4:] == ("16 and 32", "0.960 and 0.998", "4,000 and 1,000")


@pytest.mark.parametrize(
    ("efforts", "recalls"),
    [
        ((16, 64), (0.97, 0.999)),  # too far apart
        ((16, 32), (0.97, 0.985)),  # both below
        ((16, 32), (0.995, 0.999)),  # both above
        ((16, 32), (0.97, 1.0)),  # nothing is missed
        ((16, 16), (0.9912, 0.9912)),  # one effort
        ((None, None), (0.97, 0.999)),  # it sets its own
    ],
)
def test_without_two_near_efforts_around_it_nothing_is_read_off(
    documents: Documents, efforts: tuple[int | None, ...], recalls: tuple[float, ...]
):
    for row in documents["scale"]["result"]["rows"]:
        if row["engine"] == "FAISS HNSW32":
            for point, effort, recall in zip(
                row["figures"]["points"], efforts, recalls, strict=True
            ):
                point.update(effort=effort, recall_10=recall)
    assert equal_table(Document.of(documents["scale"]), 1_000_000).rows == ()
