"""`likemark bench run` from data on the disk to its documents, with a real small model."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from support.models import tiny_model
from support.slice import write_slice

from likemark.benchmarks.rivals.registry import rivals
from likemark.benchmarks.runs import FOLDERS, RUNNERS, RunOptions, choose, command, run, run_all
from likemark.benchmarks.store import PAGE, write_document, write_views
from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.retrieval.models import DEFAULT_NAME, FoundModel


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> FoundModel:
    return tiny_model(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("data")
    (folder / "open").mkdir()
    write_slice(folder / "open", groups=8, distractors=24)
    return folder


@pytest.fixture
def options(model: FoundModel, data: Path, tmp_path: Path) -> RunOptions:
    card = str(model.folder / "tiny.json")
    return RunOptions(tmp_path / "cache", data / "open", card, device="cpu", with_rivals=False)


def ignored(line: str) -> None:
    del line


def changed(options: RunOptions, **values: Any) -> RunOptions:
    from dataclasses import replace

    return replace(options, **values)


def write_metu(folder: Path, *, pool: int = 400) -> Path:
    for part in ("queries", "pool"):
        (folder / part).mkdir(parents=True)
    for index in range(4):
        colour = (40 * index, 90, 200 - 30 * index)
        Image.new("RGB", (20, 16), colour).save(folder / "queries" / f"{index}-{index // 2}.png")
    for index in range(pool):
        grey = Image.effect_noise((16, 16), 20 + index / 9).convert("RGB")
        grey.save(folder / "pool" / f"{index:04}.png")
    return folder


def test_retrieval_gives_the_model_first_and_a_row_for_every_rival(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    document = run("retrieval", changed(options, with_rivals=True), progress=ignored)
    rows = document["result"]["rows"]
    assert rows[0]["name"] == "tiny"
    assert rows[0]["standing"]["all_groups"]["queries"] == document["result"]["queries"]
    by_name = {row["name"]: row for row in rows}
    for name in ("pHash (64 bit)", "dHash (64 bit)", "HOG", "ORB, verified"):
        assert any(name.split(",")[0].split(" ")[0] in given for given in by_name), by_name.keys()
    unavailable = [row for row in rows if row["standing"] is None]
    assert unavailable
    assert all(row["unavailable"] and "\n" not in row["unavailable"] for row in unavailable)


def test_a_document_says_what_it_was_made_from(options: RunOptions, model: FoundModel) -> None:
    document = run("retrieval", options, progress=ignored)
    assert document["command"] == "likemark bench run retrieval --data open --model tiny.json " \
        "--no-rivals"  # fmt: skip
    assert document["model"]["fingerprint"] == model.card.fingerprint
    assert len(document["data"]["sha256"]) == 64
    assert {"torch", "numpy", "likemark"} <= document["machine"]["packages"].keys()
    assert str(options.cache) not in json.dumps(document)


def test_the_same_run_again_gives_the_same_figures(options: RunOptions) -> None:
    first, second = (run("retrieval", options, progress=ignored)["result"] for _ in range(2))
    assert first["failures"] == second["failures"]
    assert first["rows"][0]["standing"] == second["rows"][0]["standing"]


def test_fewer_distractors_are_searched_when_asked(options: RunOptions) -> None:
    document = run("retrieval", changed(options, distractors=7), progress=ignored)
    assert document["result"]["distractors"] == 7
    assert "--distractors 7" in document["command"]


def test_invariance_asks_with_one_drawing_of_each_mark(options: RunOptions) -> None:
    result = run("invariance", options, progress=ignored)["result"]
    assert result["sources"] == 8
    assert len(result["transformations"]) >= 20
    by_name = {each["name"]: each for each in result["transformations"]}
    assert by_name["composite"]["queries"] == 8
    assert by_name[result["worst"]]["recall_at_1"] == min(
        each["recall_at_1"] for each in by_name.values() if each["queries"]
    )


def test_metu_is_embedded_and_measured_in_both_ways(options: RunOptions, tmp_path: Path) -> None:
    folder = write_metu(tmp_path / "metu")
    (folder / "pool" / "0003.png").write_bytes(b"broken")
    lines: list[str] = []
    document = run("metu", changed(options, data=folder), progress=lines.append)
    result = document["result"]
    assert (result["queries"], result["groups"], result["pictures"]) == (4, 2, 404)
    assert result["official"]["map"] > result["self_excluded"]["map"]
    assert [line for line in lines if "0003.png" in line]


def test_a_broken_query_of_metu_stops_the_run_with_its_name(
    options: RunOptions, tmp_path: Path
) -> None:
    folder = write_metu(tmp_path / "metu", pool=400)
    (folder / "queries" / "1-0.png").write_bytes(b"broken")
    with pytest.raises(PictureError, match=r"1-0\.png"):
        run("metu", changed(options, data=folder), progress=ignored)


def test_all_runs_what_is_there_and_names_what_is_not(
    options: RunOptions, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNNERS, "speed", lambda job: ({"measures": []}, {"name": "sample"}))
    lines: list[str] = []
    # A rival that some have is no reason to end the others.
    given = changed(options, data=data, with_rivals=True, chosen=("phash",))
    documents = list(run_all(given, progress=lines.append))
    found = [document["benchmark"] for document in documents]
    there = [name for name, folder in FOLDERS.items() if folder in ("open", None)]
    assert found == [name for name in there if name != "scenes"]
    assert len(documents[0]["result"]["rows"]) == 2
    for name in ("metu", "flickr27", "scenes", "redaction"):
        assert any(line.startswith(f"{name}: left out") for line in lines)


def test_the_shipped_networks_are_named_where_they_alone_are_measured(
    options: RunOptions, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(RUNNERS, "speed", lambda job: ({"measures": []}, {"name": "sample"}))
    assert run("speed", options, progress=ignored)["model"]["name"] == DEFAULT_NAME
    assert run("search", options, progress=ignored)["model"]["name"] == "tiny"


def test_a_picture_of_metu_that_is_mended_is_embedded_anew(
    options: RunOptions, tmp_path: Path
) -> None:
    folder = write_metu(tmp_path / "metu")
    sound = (folder / "pool" / "0003.png").read_bytes()
    (folder / "pool" / "0003.png").write_bytes(b"broken")
    first = run("metu", changed(options, data=folder), progress=ignored)
    (folder / "pool" / "0003.png").write_bytes(sound)
    second = run("metu", changed(options, data=folder), progress=ignored)
    assert first["data"]["sha256"] != second["data"]["sha256"]


def test_a_benchmark_without_its_data_says_what_to_give(options: RunOptions) -> None:
    with pytest.raises(InvalidInput, match="--data"):
        run("retrieval", changed(options, data=None), progress=ignored)
    with pytest.raises(InvalidInput, match="--data"):
        list(run_all(changed(options, data=None), progress=ignored))
    with pytest.raises(NotFound, match="bench build open"):
        run("retrieval", changed(options, data=options.cache), progress=ignored)


def test_results_are_written_as_json_markdown_plots_and_one_page(
    options: RunOptions, tmp_path: Path
) -> None:
    out = tmp_path / "results"
    for name in ("retrieval", "invariance"):
        write_document(run(name, options, progress=ignored), out)
    write_views(out, pictures=options.data)
    written = {path.name for path in out.iterdir()}
    assert {"retrieval.json", "retrieval.md", "invariance.json", PAGE} <= written
    assert {path.suffix for path in out.iterdir()} == {".json", ".md", ".svg", ".png", ".html"}
    page = (out / PAGE).read_text()
    assert "data:image/" in page
    assert "tiny" in page


def test_a_command_names_no_folder_above_the_last(options: RunOptions, tmp_path: Path) -> None:
    given = changed(options, weights=tmp_path / "weights", with_rivals=True)
    text = command("retrieval", given, options.data)
    assert text.endswith("--weights weights")
    assert str(tmp_path) not in text


def test_rivals_are_chosen_by_part_of_their_name() -> None:
    everything = rivals(None, device="cpu")
    assert [rival.name for rival in choose(everything, ("HOG",))] == [
        rival.name for rival in everything if "HOG" in rival.name
    ]
    assert choose(everything, ()) == everything
    with pytest.raises(InvalidInput, match=r"'nobody'.*pHash"):
        choose(everything, ("nobody",))
