"""Engines in processes of their own, from vectors to figures."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path

import pytest

from likemark.benchmarks.pages.documents import Document
from likemark.benchmarks.pages.markdown import markdown
from likemark.benchmarks.runs import written_up
from likemark.benchmarks.scale.engines.registry import Contender, contenders
from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.run import Effort, ScaleResult, run_scale
from likemark.db.errors import InvalidInput

EFFORT = Effort(queries=40, tuning=20, filtered=10, seconds=0.05)
BY_NAME = {each.name: each for each in contenders()}


def chosen() -> list[Contender]:
    gone = replace(BY_NAME["hnswlib"], missing=lambda: "it is not here")
    large = replace(BY_NAME["FAISS Flat"], largest=200)
    return [BY_NAME["likemark"], BY_NAME["FAISS IVF,SQ8"], gone, large]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def result(material: Material, cache: Path) -> ScaleResult:
    return run_scale(material, chosen(), cache, sizes=(400,), effort=EFFORT)


def test_every_engine_has_a_row_with_figures_or_a_reason(result: ScaleResult):
    own, lists, gone, large = result.rows
    assert (gone.unavailable, gone.figures) == ("it is not here", None)
    assert large.unavailable == "left out above 200; --rival 'FAISS Flat' measures it"
    assert own.figures is not None
    assert [point["target"] for point in own.figures["points"]] == [0.99]
    assert own.figures["points"][0]["recall_10"] == 1.0
    assert lists.figures is not None
    low, high = lists.figures["points"]
    assert low["effort"] <= high["effort"]
    assert len(lists.figures["filtered"]) == 8
    assert lists.figures["rates"]["added"] > 0
    assert lists.figures["disk"] > 400 * 16


def test_likeness_is_told_for_real_and_drawn_vectors(result: ScaleResult, material: Material):
    assert [each.vectors for each in result.likeness] == [*3 * [len(material.known)], 400]
    assert [each.gallery.split(" of")[0] for each in result.likeness] == [
        "real", "drawn around 39", "drawn around all", "drawn",
    ]  # fmt: skip


def test_what_is_done_is_not_done_again_and_leaves_no_index(
    result: ScaleResult, material: Material, cache: Path
):
    lines: list[str] = []
    again = run_scale(material, chosen(), cache, sizes=(400,), effort=EFFORT, progress=lines.append)
    assert again == result
    assert not [line for line in lines if "building" in line]
    assert not list(cache.rglob("*.index"))


def test_an_engine_that_fails_is_a_line_and_the_others_go_on(
    material: Material, cache: Path, monkeypatch: pytest.MonkeyPatch
):
    unknown = replace(BY_NAME["FAISS Flat"], name="nobody")
    done = run_scale(material, [unknown, *chosen()[:1]], cache, sizes=(400,), effort=EFFORT)
    assert "exit code 1" in str(done.rows[0].unavailable)
    assert done.rows[1].figures is not None


def test_the_result_becomes_a_document_with_tables(result: ScaleResult):
    given = written_up(
        "scale", "likemark bench run scale", asdict(result), {"name": "drawn", "sha256": "0"},
        model={"name": "m", "fingerprint": "f"}, device="cpu",
    )  # fmt: skip
    assert Document.of(given).benchmark == "scale"
    text = markdown(given)
    assert "#### 400 vectors, R@10 of 0.99 or more" in text
    assert "| hnswlib (it is not here) |" in text


def test_sizes_that_are_too_small_are_refused(material: Material, tmp_path: Path):
    with pytest.raises(InvalidInput, match="--sizes 5: give 100 or more"):
        run_scale(material, chosen(), tmp_path, sizes=(5,), effort=EFFORT)
    with pytest.raises(InvalidInput, match="filtered"):
        Effort(queries=5, filtered=10)
