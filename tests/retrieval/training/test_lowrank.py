"""What is learned beside a network's weights: they stay, and models of one start share its file."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from support.training import Heard, pixels, trained, write_brands

from likemark.benchmarks.protocol.validation import validation_map
from likemark.db.errors import InvalidInput, ModelDamaged
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.lowrank import DOWN, UP, Changed, is_change, let_change, merged
from likemark.retrieval.models import FoundModel, find_model
from likemark.retrieval.training.anew import Anew
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.export import export_model
from likemark.retrieval.training.folder import BEST, LAST
from likemark.retrieval.training.observers import Step
from likemark.retrieval.training.trainer import Trained, train

from .conftest import Settings

RANK = 2


class Interrupted(Heard):
    def stepped(self, step: Step) -> None:
        if step.step == 3:
            raise InterruptedError


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_brands(tmp_path_factory.mktemp("lowrank") / "brands", brands=130)


@pytest.fixture(scope="module")
def start(quick: Settings, tmp_path_factory: pytest.TempPathFactory) -> FoundModel:
    folder = tmp_path_factory.mktemp("start")
    config = quick(network={"pooling": "avg"}, run={"steps": 1, "validate": 1})
    run, _ = trained(config, folder / "run")
    return export_model(str(run.folder), folder / "models", name="start")


@pytest.fixture(scope="module")
def config(quick: Settings, start: FoundModel, corpus: Path) -> Training:
    return quick(
        data={"corpus": str(corpus)},
        network={"pooling": "avg", "weights": card(start), "rank": RANK, "freeze": 2},
        optimiser={"rate": 1e-2, "average": 0.5},
        run={"steps": 3, "validate": 3, "checkpoint": 0},
    )


@pytest.fixture(scope="module")
def run(config: Training, tmp_path_factory: pytest.TempPathFactory) -> Trained:
    return trained(config, tmp_path_factory.mktemp("lowrank") / "changed")[0]


def card(model: FoundModel) -> str:
    return str(model.folder / f"{model.card.name}.json")


def embedded(model: FoundModel, size: int = 64) -> np.ndarray:
    return Embedder.load(model, device="cpu").embed(pixels(5, size).numpy())


def test_a_change_is_nothing_until_it_is_learned_and_then_what_it_adds_to_the_weights() -> None:
    torch.manual_seed(0)
    network = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 4))
    rows = torch.randn(7, 6)
    before = network(rows)
    let_change(network, RANK, lambda name: name == "2.weight")
    assert [name for name in network.state_dict() if is_change(name)] == ["2.down", "2.up"]
    assert torch.equal(network(rows), before)
    last = network[2]
    assert isinstance(last, Changed)
    torch.nn.init.normal_(last.up)
    after = network(rows)
    assert not torch.allclose(after, before, atol=0.1)
    plain = torch.nn.Sequential(torch.nn.Linear(6, 5), torch.nn.Tanh(), torch.nn.Linear(5, 4))
    plain.load_state_dict(merged(network.state_dict()))
    assert torch.allclose(plain(rows), after, atol=1e-6)


def test_only_the_changes_and_what_follows_the_backbone_are_learned(
    run: Trained, start: FoundModel
) -> None:
    held, there = load_file(run.folder / BEST), start.card.read_weights(start.folder)
    changes = {name for name in held if is_change(name)}
    assert held.keys() - changes == there.keys()
    moved = {name for name in there if not torch.equal(held[name], there[name].float())}
    assert moved == {"norm.weight", "norm.bias", "projection.weight", "projection.bias"}
    blocks = {name.split(".")[2] for name in changes}
    assert blocks == {str(n) for n in range(1, 1 + len(blocks))}  # the first one is frozen
    for name in changes:
        assert min(held[name].shape) == RANK
        assert held[name].abs().max() > 0


def test_a_killed_run_ends_with_the_changes_of_an_undisturbed_one(
    config: Training, run: Trained, tmp_path: Path
) -> None:
    with pytest.raises(InterruptedError):
        train(config, tmp_path, measure=validation_map, observer=Interrupted())
    _, heard = trained(config, tmp_path)
    assert heard.steps[0].step == 3
    for name in (LAST, BEST):
        ours, theirs = (load_file(folder / name) for folder in (tmp_path, run.folder))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_model_with_changes_lies_over_the_one_it_began_from(
    run: Trained, start: FoundModel, tmp_path: Path
) -> None:
    over = export_model(str(run.folder), tmp_path, name="over", over=card(start))
    own = load_file(tmp_path / "over.safetensors")
    assert over.card.bases == start.card.files
    assert all(is_change(name) or not name.startswith("backbone.") for name in own)
    assert (tmp_path / "start.safetensors").is_file()
    alone = export_model(str(run.folder), tmp_path, name="alone")
    assert alone.card.bases == ()
    assert np.array_equal(embedded(over), embedded(alone))
    assert not np.allclose(embedded(over), embedded(start), atol=1e-3)


def test_a_third_model_lies_over_both(
    run: Trained, start: FoundModel, corpus: Path, tmp_path: Path
) -> None:
    over = export_model(
        str(run.folder), tmp_path, name="over", over=card(start), anew=Anew(1000)
    )  # fmt: skip
    third = export_model(
        card(over), tmp_path / "third", name="third", size=48, anew=Anew(1000, corpus),
        over=card(over),
    )  # fmt: skip
    assert third.card.bases == over.card.files
    assert set(load_file(tmp_path / "third" / "third.safetensors")) == {
        "projection.weight", "projection.bias"
    }  # fmt: skip
    alone = export_model(str(run.folder), tmp_path, name="alone", size=48, anew=Anew(1000))
    ours, theirs = embedded(third, 48), embedded(alone, 48)
    # Directions of whitening may point either way; likeness does not depend on it.
    assert np.allclose(ours @ ours.T, theirs @ theirs.T, atol=0.01)
    with pytest.raises(InvalidInput, match="third: has no file that start could lie over"):
        export_model(card(start), tmp_path, over=card(third))


def test_changes_that_are_damaged_are_refused(
    run: Trained, start: FoundModel, tmp_path: Path
) -> None:
    model = export_model(str(run.folder), tmp_path, name="over", over=card(start))
    path = tmp_path / "over.safetensors"
    whole = load_file(path)
    name = next(name for name in whole if name.endswith(UP))
    for change in (
        {key: value for key, value in whole.items() if key != name},
        {**whole, name: whole[name][:-1].contiguous()},
        {**whole, f"elsewhere{UP}": torch.ones(3, RANK), f"elsewhere{DOWN}": torch.ones(RANK, 3)},
    ):
        save_file(change, path)
        text = (tmp_path / "over.json").read_text()
        (tmp_path / "bad.json").write_text(text.replace(model.card.sha256, file_sha256(path)))
        with pytest.raises(ModelDamaged, match=r"model 'over': .*over\.safetensors does not fit"):
            Embedder.load(find_model(str(tmp_path / "bad.json")))
