"""Models: a card and its weights, checked on load, refused when they disagree."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
from safetensors.torch import load_file, save_file
from support.models import tiny_model

from likemark.db.errors import InvalidInput, ModelDamaged, ModelError
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.convert import add_model
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import BUNDLED, DEFAULT_NAME, FoundModel, find_model, list_models
from likemark.retrieval.oneshot.card import DEFAULT as SHIPPED
from likemark.retrieval.oneshot.card import OneShotCard


@pytest.fixture
def copy(tiny: FoundModel, tmp_path: Path) -> FoundModel:
    for path in tiny.folder.iterdir():
        shutil.copy(path, tmp_path)
    return FoundModel(tiny.card, tmp_path)


def change_card(model: FoundModel, change: Callable[[dict[str, Any]], object]) -> FoundModel:
    path = model.folder / "tiny.json"
    values = json.loads(path.read_text())
    change(values)
    path.write_text(json.dumps(values))
    return find_model(str(path))


def test_the_default_model_is_in_the_package_and_whole() -> None:
    model = find_model()
    assert model.folder == BUNDLED
    assert model.is_default
    files = model.card.check_weights(model.folder)
    assert sum(path.stat().st_size for path in files) < 60e6


def test_the_small_model_shares_the_weights_of_the_default_one() -> None:
    small, default = find_model("small").card, find_model().card
    assert small.bases == default.files
    assert small.input_size < default.input_size
    assert (BUNDLED / small.weights).stat().st_size < 1e6
    assert small.fingerprint != default.fingerprint


def test_the_model_for_photos_lays_its_changes_over_the_weights_of_the_default_one() -> None:
    photos, default = find_model("photos").card, find_model().card
    assert photos.bases == default.files
    assert (photos.input_size, photos.dimension) == (default.input_size, default.dimension)
    assert (BUNDLED / photos.weights).stat().st_size < 1.5e6
    assert photos.fingerprint != default.fingerprint
    known = OneShotCard.read(SHIPPED)
    assert (known.model, known.embedder) == (default.name, photos.name)


def test_shipped_weights_are_small_enough_and_carry_a_licence() -> None:
    assert sum(path.stat().st_size for path in BUNDLED.glob("*.safetensors")) <= 60e6
    for model in list_models():
        assert model.card.licence in {"Apache-2.0", "MIT", "BSD-3-Clause", "CC0-1.0"}
        assert len(model.card.provenance) > 20


def test_every_weights_file_is_named_by_a_card() -> None:
    named = {model.card.weights for model in list_models()}
    assert {path.name for path in BUNDLED.glob("*.safetensors")} == named


def test_models_are_found_by_name_by_card_and_in_a_further_folder(tiny: FoundModel) -> None:
    assert find_model("tiny", tiny.folder) == tiny
    assert find_model(str(tiny.folder / "tiny.json")) == tiny
    assert [m.card.name for m in list_models(tiny.folder)] == [
        *(m.card.name for m in list_models()),
        "tiny",
    ]


def test_an_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ModelError, match=f"there are: .*{DEFAULT_NAME}"):
        find_model("nope")


def test_a_card_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such file"):
        find_model(str(tmp_path / "none.json"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda card: card.pop("mean"), "missing or unknown: mean"),
        (lambda card: card.update(extra=1), "missing or unknown: extra"),
        (lambda card: card.update(std=[0, 1, 1]), "std must be above 0"),
        (lambda card: card.update(mean=[1, 2]), "mean and std must be three numbers"),
        (lambda card: card.update(input_size="big"), "input_size and dimension"),
        (lambda card: card.update(weights="../x.safetensors"), "beside the card"),
        (lambda card: card.update(weights="model.pkl"), ".safetensors file"),
        (lambda card: card.update(colour="blue"), "rgb or grey"),
        (lambda card: card.update(options=[1]), "options"),
    ],
)
def test_a_card_that_cannot_be_true_is_refused(
    copy: FoundModel, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    with pytest.raises(ModelDamaged, match=message):
        change_card(copy, change)


@pytest.mark.parametrize("text", ["", "not json", "[1, 2]", "null"])
def test_a_card_that_is_no_json_object_is_refused(copy: FoundModel, text: str) -> None:
    (copy.folder / "tiny.json").write_text(text)
    with pytest.raises(ModelDamaged):
        find_model(str(copy.folder / "tiny.json"))


def test_one_changed_bit_in_the_weights_is_refused(copy: FoundModel) -> None:
    path = copy.folder / copy.card.weights
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.raises(ModelDamaged, match="is not the file of its card"):
        Embedder.load(copy)


def test_missing_weights_are_refused(copy: FoundModel) -> None:
    (copy.folder / copy.card.weights).unlink()
    with pytest.raises(ModelDamaged, match="No such file"):
        Embedder.load(copy)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("dimension", 97, "gives 96 dimensions"),
        ("backbone", "no_such_net", "timm cannot build it"),
        ("backbone", "test_vit", "dimensions|does not fit"),
        ("pooling", "nonsense", "timm cannot build it"),
    ],
)
def test_a_card_that_does_not_fit_its_weights_is_refused(
    copy: FoundModel, field: str, value: object, message: str
) -> None:
    model = change_card(copy, lambda card: card.update({field: value}))
    with pytest.raises(ModelDamaged, match=message):
        Embedder.load(model)


def test_weights_that_are_no_safetensors_are_refused_not_unpickled(copy: FoundModel) -> None:
    path = copy.folder / copy.card.weights
    path.write_bytes(b"\x80\x04\x95 a pickle")
    model = change_card(copy, lambda card: card.update(sha256=file_sha256(path)))
    with pytest.raises(ModelDamaged, match="cannot be read"):
        Embedder.load(model)


def test_weights_that_lack_a_tensor_are_refused(copy: FoundModel) -> None:
    path = copy.folder / copy.card.weights
    tensors = load_file(path)
    tensors.pop(max(tensors, key=lambda name: tensors[name].numel()))
    save_file(tensors, path)
    model = change_card(copy, lambda card: card.update(sha256=file_sha256(path)))
    with pytest.raises(ModelDamaged, match="Missing key"):
        Embedder.load(model)


def test_the_fingerprint_follows_what_changes_vectors_and_nothing_else(tiny: FoundModel) -> None:
    from dataclasses import replace

    same = replace(tiny.card, name="other", licence="x", provenance="y", weights="z.safetensors")
    assert same.fingerprint == tiny.card.fingerprint
    others = [
        replace(tiny.card, input_size=128),
        replace(tiny.card, mean=(0.0, 0.0, 0.0)),
        replace(tiny.card, pooling="max"),
        replace(tiny.card, sha256="0" * 64),
        replace(tiny.card, colour="grey"),
    ]
    assert len({card.fingerprint for card in [tiny.card, *others]}) == 6


def test_any_timm_backbone_becomes_a_model(tmp_path: Path) -> None:
    for backbone in ("test_vit", "test_efficientnet", "test_convnext"):
        weights = tmp_path / f"{backbone}.safetensors"
        network = timm.create_model(backbone)  # with its classifier, as it is published
        save_file({k: v.contiguous() for k, v in network.state_dict().items()}, weights)
        model = add_model(backbone, tmp_path / "models", weights=weights)
        vectors = Embedder.load(model).embed(np.zeros((2, 160, 160, 3), np.uint8))
        assert vectors.shape == (2, model.card.dimension)


def test_an_unknown_backbone_is_refused_with_some_like_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"is not one of timm's; near it: .*resnet"):
        add_model("resnet_of_dreams", tmp_path)


def test_weights_of_another_backbone_are_refused_and_nothing_is_written(
    tiny: FoundModel, tmp_path: Path
) -> None:
    weights = tiny.folder / tiny.card.weights
    with pytest.raises(ModelError, match="lacks"):
        add_model("test_vit", tmp_path / "models", weights=weights)
    assert not (tmp_path / "models").exists()


def test_weights_that_cannot_be_fetched_say_what_to_give(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setenv("HF_HOME", str(tmp_path))
    with pytest.raises(ModelError, match="--weights"):
        add_model("test_resnet.r160_in1k", tmp_path / "models")


def test_a_seed_gives_one_model_and_another_seed_another(tmp_path: Path) -> None:
    first = tiny_model(tmp_path / "1", seed=3)
    again = tiny_model(tmp_path / "2", seed=3)
    other = tiny_model(tmp_path / "3", seed=4)
    assert first.card.sha256 == again.card.sha256 != other.card.sha256
