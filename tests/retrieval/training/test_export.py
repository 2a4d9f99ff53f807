"""A training's weights as a model: the same rows, a card that says of what, and ONNX beside it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.training import pixels, trained

from likemark.db.errors import InvalidInput, LikemarkError, ModelDamaged, ModelError, NotFound
from likemark.retrieval import onnx
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import FoundModel, find_model
from likemark.retrieval.network import Input
from likemark.retrieval.onnx import write_onnx
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.embedding import load_best
from likemark.retrieval.training.export import export_model
from likemark.retrieval.training.folder import BEST, LAST, LOG, SETTINGS
from likemark.retrieval.training.reports.log import Log
from likemark.retrieval.training.start import starting_card
from likemark.retrieval.training.trainer import Trained

from .conftest import Settings


@pytest.fixture(scope="module")
def config(quick: Settings) -> Training:
    return quick(run={"steps": 4, "validate": 2}, network={"colour": "grey"})


@pytest.fixture(scope="module")
def run(config: Training, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    result, heard = trained(config, tmp_path_factory.mktemp("export") / "mine")
    Log(result.folder / LOG).started(heard.facts[0])
    return result


@pytest.fixture
def copied(run: Trained, tmp_path: Path) -> Path:
    shutil.copytree(run.folder, tmp_path / "mine")
    return tmp_path / "mine"


def test_an_exported_run_is_a_model_with_the_rows_of_the_best_weights(
    config: Training, run: Trained, tmp_path: Path
) -> None:
    model = export_model(str(run.folder), tmp_path / "out")
    found = find_model(str(tmp_path / "out" / "mine.json"))
    assert found == model
    rows = Embedder.load(found, device="cpu").embed(pixels(3).numpy())
    card, network = load_best(config, run.folder)
    prepare = Input(card)
    network.eval()
    with torch.inference_mode():
        expected = torch.nn.functional.normalize(network(prepare(pixels(3))), dim=1).numpy()
    assert rows == pytest.approx(expected, abs=0.02)  # float16, and bfloat16 where it is quick
    assert load_file(tmp_path / "out" / "mine.safetensors")["norm.weight"].dtype == torch.float16


def test_its_card_says_licence_data_recipe_and_figure(
    config: Training, run: Trained, tmp_path: Path
) -> None:
    card = export_model(str(run.folder), tmp_path, name="other").card
    assert (card.name, card.weights, card.colour) == ("other", "other.safetensors", "grey")
    assert card.licence == starting_card(config.network, name="other").licence
    for said in (
        "test_vit",
        "corpus 'brands'",
        f"{run.best_step} of 4 steps of 4 x 3 views",
        "loss smooth-ap",
        "'image'",
        "seed 0",
        f"validation mAP {run.best:.4f} of",
    ):
        assert said in card.provenance  # fmt: skip
    assert "/" not in card.provenance  # no paths of this machine


def test_a_model_that_is_there_can_be_written_elsewhere(tiny: FoundModel, tmp_path: Path) -> None:
    for source, extra in ((str(tiny.folder / "tiny.json"), None), ("tiny", tiny.folder)):
        written = export_model(source, tmp_path, name="twin", extra=extra)
        assert written.card.fingerprint == tiny.card.fingerprint
        assert written.card.provenance == tiny.card.provenance


def test_best_weights_from_before_they_said_what_they_are(copied: Path, run: Trained) -> None:
    save_file(load_file(copied / BEST), copied / BEST)
    card = export_model(str(copied), copied / "out").card
    assert f"{run.best_step} of 4 steps" in card.provenance


def test_without_a_validation_the_last_weights_are_taken(copied: Path) -> None:
    (copied / BEST).unlink()
    model = export_model(str(copied), copied / "out")
    assert "4 of 4 steps" in model.card.provenance
    assert "not validated" in model.card.provenance
    last = load_file(copied / LAST)["average.projection.weight"]
    assert torch.equal(load_file(copied / "out" / "mine.safetensors")["projection.weight"],
                       last.half())  # fmt: skip


def test_a_folder_without_a_training_or_without_weights_is_refused(
    copied: Path, tmp_path: Path
) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match=r"holds no training: there is no settings.json"):
        export_model(str(tmp_path / "empty"), tmp_path)
    for name in (BEST, LAST):
        (copied / name).unlink()
    with pytest.raises(NotFound, match="has no weights yet"):
        export_model(str(copied), tmp_path)
    with pytest.raises(ModelError, match="no model 'none'"):
        export_model("none", tmp_path)


@pytest.mark.parametrize("name", ["a/b", "..", ".hidden", "a/"])
def test_a_name_that_no_file_can_have_is_refused(run: Trained, tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="must be a file's name"):
        export_model(str(run.folder), tmp_path, name=name)


def test_damaged_files_of_a_run_are_refused(copied: Path, tmp_path: Path) -> None:
    for name in (BEST, SETTINGS):
        whole = (copied / name).read_bytes()
        (copied / name).write_bytes(whole[:-10])
        with pytest.raises(ModelDamaged, match=name):
            export_model(str(copied), tmp_path)
        (copied / name).write_bytes(whole)
    settings = json.loads((copied / SETTINGS).read_text())
    settings["network"]["dimension"] = 8
    (copied / SETTINGS).write_text(json.dumps(settings))
    with pytest.raises(ModelDamaged, match="its weights do not fit"):
        export_model(str(copied), tmp_path)


def test_onnx_gives_the_rows_of_torch_for_any_number_of_pictures(
    run: Trained, tmp_path: Path
) -> None:
    import onnxruntime

    model = export_model(str(run.folder), tmp_path)
    parity = write_onnx(model, real=pixels(2, seed=5).numpy())
    assert (parity.file, parity.pictures) == ("mine.onnx", 10)
    assert parity.difference < 1e-4
    assert parity.cosine > 0.9999
    session = onnxruntime.InferenceSession(tmp_path / "mine.onnx")
    (given,), (back,) = session.get_inputs(), session.get_outputs()
    assert (given.name, given.type, given.shape[1:]) == ("pixels", "tensor(uint8)", [64, 64, 3])
    assert (back.name, back.shape[1:]) == ("rows", [16])
    rows = np.asarray(session.run(None, {"pixels": pixels(7).numpy()})[0])
    assert np.linalg.norm(rows, axis=1) == pytest.approx(1, abs=1e-5)


def test_a_file_that_differs_from_torch_is_not_kept(
    run: Trained, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = export_model(str(run.folder), tmp_path)
    monkeypatch.setattr(onnx, "_export", lambda network, size, path: path.write_bytes(b"onnx"))
    rows = np.eye(16, dtype=np.float32)[:8]
    monkeypatch.setattr(onnx, "_by_onnx", lambda path, pixels: rows[::-1])
    with pytest.raises(LikemarkError, match="it is not kept"):
        write_onnx(model, real=pixels(0).numpy())
    assert not (tmp_path / "mine.onnx").exists()


def test_a_package_that_lacks_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onnx, "_PACKAGES", ("no_such_package",))
    with pytest.raises(LikemarkError, match=r"pip install 'likemark\[onnx\]'"):
        onnx.check_onnx()
