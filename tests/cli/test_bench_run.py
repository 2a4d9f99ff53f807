from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.command import Run
from support.flickr27 import write_layout
from support.slice import write_slice


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_slice(tmp_path / "open", groups=4, distractors=10)


def test_json_is_one_document_and_progress_goes_to_stderr(
    likemark: Run, data: Path, tmp_path: Path
) -> None:
    done = likemark(
        "bench", "run", "retrieval", "--data", data, "--no-rivals", "--json",
        "--cache", tmp_path / "cache",
    )  # fmt: skip
    assert done.code == 0
    assert done.json["benchmark"] == "retrieval"
    assert done.json["result"]["groups"] == 4
    assert "pictures" in done.err


def test_without_json_a_markdown_table_comes_out(likemark: Run, data: Path, tmp_path: Path) -> None:
    done = likemark(
        "bench", "run", "retrieval", "--data", data, "--no-rivals", "--out", tmp_path / "out",
        "--cache", tmp_path / "cache",
    )  # fmt: skip
    assert done.code == 0
    assert done.out.startswith("### Retrieval")
    assert [line for line in done.out.splitlines() if line.startswith("|") and "tiny" in line]
    assert json.loads((tmp_path / "out" / "retrieval.json").read_text())["benchmark"] == "retrieval"
    assert (tmp_path / "out" / "index.html").exists()


def test_a_folder_without_a_benchmark_says_how_to_build_one(likemark: Run, tmp_path: Path) -> None:
    done = likemark("bench", "run", "retrieval", "--data", tmp_path, "--no-rivals")
    assert done.code == 1
    assert "likemark bench build open" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_missing_data_is_wrong_usage(likemark: Run) -> None:
    done = likemark("bench", "run", "metu")
    assert done.code == 2
    assert "--data" in done.err


def test_more_distractors_than_there_are_is_wrong_usage(likemark: Run, data: Path) -> None:
    done = likemark(
        "bench", "run", "retrieval", "--data", data, "--no-rivals", "--distractors", "11"
    )
    assert done.code == 2
    assert "10 distractors" in done.err


def test_building_without_npm_says_what_to_install(likemark: Run, tmp_path: Path) -> None:
    done = likemark("bench", "build", "open", tmp_path / "open", "--npm", "no-such-npm")
    assert done.code == 1
    assert "install Node.js" in done.err.strip().splitlines()[-1]
    assert not (tmp_path / "open" / "manifest.csv").exists()


def test_the_committed_results_make_one_page(likemark: Run, tmp_path: Path) -> None:
    committed = Path(__file__).parents[2] / "benchmarks" / "results"
    done = likemark("bench", "page", committed, "--out", tmp_path / "page.html")
    assert done.code == 0
    assert done.out.strip() == str(tmp_path / "page.html")
    assert "FlickrLogos-27" in (tmp_path / "page.html").read_text()


def test_marks_are_located_by_the_chosen_rivals(
    likemark: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_layout(tmp_path / "photos")
    monkeypatch.setenv("PATH", "")  # no npm: without drawings, crops alone are asked
    done = likemark(
        "bench", "run", "locate", "--data", folder, "--rival", "orb", "--json", "--questions", 4,
        "--cache", tmp_path / "cache", "--packages", tmp_path / "packages",
    )  # fmt: skip
    assert done.code == 0, done.err
    own, rival = done.json["result"]["answers"]["rows"]
    assert (own["name"], rival["name"]) == ("likemark-oneshot", "ORB + homography")
    assert done.json["command"].startswith("likemark bench run locate --data photos ")
    assert done.json["command"].endswith(" --rival orb")
    assert "drawings: left out" in done.err


def test_without_rivals_the_network_alone_is_asked(
    likemark: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_layout(tmp_path / "photos")
    monkeypatch.setenv("PATH", "")
    done = likemark(
        "bench", "run", "locate", "--data", folder, "--no-rivals", "--subset", "1", "--json",
        "--cache", tmp_path / "cache", "--packages", tmp_path / "packages",
    )  # fmt: skip
    assert done.code == 0, done.err
    (row,) = done.json["result"]["answers"]["rows"]
    assert row["name"] == "likemark-oneshot"
    assert done.json["result"]["subset"] == 1
    assert "--subset 1 --no-rivals" in done.json["command"]


def test_a_sample_of_the_questions_and_the_worst_of_them_are_shown(
    likemark: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, out = write_layout(tmp_path / "photos"), tmp_path / "out"
    monkeypatch.setenv("PATH", "")
    done = likemark(
        "bench", "run", "locate", "--data", folder, "--no-rivals", "--questions", "9", "--json",
        "--out", out, "--cache", tmp_path / "cache", "--packages", tmp_path / "packages",
    )  # fmt: skip
    assert done.code == 0, done.err
    assert done.json["result"]["answers"]["questions"] <= 9
    assert "--questions 9 --no-rivals" in done.json["command"]
    failures = done.json["result"]["failures"]
    shown = sum(len(each) for each in failures.values())
    assert (out / "index.html").read_text().count('class="photo"') == shown
    page = tmp_path / "page.html"
    again = likemark("bench", "page", out, "--failures", folder, "--out", page)
    assert again.code == 0, again.err
    assert page.read_text().count("data:image/webp") >= shown
