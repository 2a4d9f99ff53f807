"""`likemark export`: a run or a model as files, and what is said of them."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.command import Run
from support.training import settings, trained, write_brands, write_weights

from likemark.retrieval.models import FoundModel


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("exported")
    config = settings(
        write_brands(folder / "brands"), write_weights(folder / "w.safetensors"), run={"steps": 2}
    )
    return trained(config, folder / "mine")[0].folder


def test_an_exported_run_embeds_pictures(likemark: Run, run: Path, tmp_path: Path) -> None:
    outcome = likemark("export", run, "--out", tmp_path)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out == f"mine: 16 dimensions, in {tmp_path}\n"
    picture, card = run.parent / "brands" / "brand0" / "0.png", tmp_path / "mine.json"
    embedded = likemark("embed", picture, "--out", tmp_path / "v.npz", "--model", card)
    assert embedded.code == 0
    assert "1 vectors of mine" in embedded.out


def test_json_is_the_card_with_what_onnx_was_held_against(
    likemark: Run, tiny: FoundModel, tmp_path: Path
) -> None:
    card = tiny.folder / "tiny.json"
    found = likemark("export", card, "--out", tmp_path, "--name", "twin", "--onnx", "--json").json
    assert (found["name"], found["folder"]) == ("twin", str(tmp_path))
    assert found["onnx"]["file"] == "twin.onnx"
    assert found["onnx"]["pictures"] > 8  # the sample's beside random ones
    assert found["onnx"]["cosine"] >= 0.9999
    assert {path.name for path in tmp_path.iterdir()} >= {
        "twin.json", "twin.onnx", "twin.safetensors"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [(["none"], 1, "no model 'none'; there are: "),
     (["."], 1, "holds no training: there is no settings.json"),
     (["tiny.json", "--name", "a/b"], 2, "name 'a/b' must be a file's name"),
     (["tiny.json", "--corpus", "."], 2, "say what --whiten learns from: give --whiten N"),
     (["tiny.json", "--whiten", "9"], 2, "tiny is no training's folder: name the corpus")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_exported_is_one_line(
    likemark: Run, tiny: FoundModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, said: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tiny.folder)
    outcome = likemark("export", *arguments, "--out", tmp_path / "out")
    assert (outcome.code, outcome.out) == (code, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("likemark: ")
    assert said in line


def test_a_folder_that_cannot_be_made_is_one_line(
    likemark: Run, tiny: FoundModel, tmp_path: Path
) -> None:
    (tmp_path / "out").write_text("")
    outcome = likemark("export", tiny.folder / "tiny.json", "--out", tmp_path / "out")
    assert (outcome.code, len(outcome.err.splitlines())) == (1, 1)
