from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from support.oneshot import weights_with_and_without_a_kill
from support.training import Heard

import likemark.benchmarks.training
from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import choose_device
from likemark.retrieval.oneshot.card import DEFAULT, TracerCard
from likemark.retrieval.oneshot.tracer import SIDE, Tracer
from likemark.retrieval.oneshot.training.config import OneShotTraining, TracerTraining
from likemark.retrieval.oneshot.training.export import export_one_shot, export_tracer
from likemark.retrieval.oneshot.training.tracer_task import TracerTask
from likemark.retrieval.oneshot.training.traces import Traces, as_found
from likemark.retrieval.training.task import Place, Share
from likemark.retrieval.training.tasks import read_training, settings_of, written


@pytest.fixture(scope="module")
def settings(quick: OneShotTraining) -> TracerTraining:
    return TracerTraining.of({
        "data": quick.to_dict()["data"],
        "batch": {"pairs": 2, "marks": 2, "size": 160},
        "network": {"widths": [8, 8, 16]},
        "optimiser": {"rate": 3e-3, "warmup": 2, "average": 0.5},
        "run": {"steps": 4, "validate": 2, "device": "cpu"},
    })  # fmt: skip


@pytest.fixture
def task(settings: TracerTraining, tmp_path: Path) -> TracerTask:
    return TracerTask(settings, Place(tmp_path, Share(), choose_device("cpu"), Heard(), None))


def test_a_batch_is_a_function_of_the_seed_and_the_step(task: TracerTask) -> None:
    first, again, other = (task.batches()[step] for step in (3, 3, 4))
    assert all(torch.equal(one, two) for one, two in zip(first, again, strict=True))
    assert not torch.equal(first[0][0], other[0][0])
    crops, found, truth = first
    assert crops.shape == (len(truth), SIDE, SIDE, 3)
    assert found.shape == truth.shape == (len(truth), SIDE, SIDE)
    assert ((truth > 127).flatten(1).sum(1) > 0).all()


def test_two_processes_make_halves_of_one_batch(task: TracerTask) -> None:
    batch = task.config.batch
    whole = Traces(task.material, batch, 0)[0][0]
    halves = [Traces(task.material, batch, 0, Share(rank, 2))[0][0] for rank in (0, 1)]
    assert sum(map(len, halves)) == len(whole)
    crops = {crop.numpy().tobytes() for half in halves for crop in half}
    assert crops == {crop.numpy().tobytes() for crop in whole}


def test_a_mask_as_found_is_near_the_true_one_and_seldom_the_same() -> None:
    truth = np.zeros((SIDE, SIDE), np.uint8)
    truth[30:100, 40:60] = truth[80:100, 40:100] = 255
    rng = np.random.default_rng(0)
    ious = []
    for _ in range(60):
        found = as_found(truth, rng)
        assert set(np.unique(found)) <= {0, 255}
        ious.append(float((found & truth).sum() / (found | truth).sum()))
    assert 0.4 < np.median(ious) < 0.85
    assert max(ious) < 0.99
    assert len({round(iou, 3) for iou in ious}) > 50


def test_training_drives_the_loss_of_one_batch_down(task: TracerTask) -> None:
    optimiser, batch = task.optimiser(), task.batches()[0]
    for group in optimiser.param_groups:
        group["lr"] = 5e-3
    losses = []
    for step in range(25):
        task.prepare(task.network, step)
        losses.append(task.backward(task.network, batch, step))
        optimiser.step()
        optimiser.zero_grad()
    assert np.mean(losses[-3:]) < 0.75 * losses[0]


def test_a_killed_training_goes_on_to_the_same_weights_and_is_exported(
    settings: TracerTraining, quick: OneShotTraining, tmp_path: Path
) -> None:
    eager = replace(settings, run=replace(settings.run, checkpoint=0.0))
    one, two = weights_with_and_without_a_kill(eager, tmp_path)
    assert all(torch.equal(one[key], two[key]) for key in one)
    card = export_tracer(tmp_path / "whole", tmp_path / "models", name="own")
    assert TracerCard.read(tmp_path / "models" / "own.json") == card
    network = Tracer(card.widths)
    card.fill(network, tmp_path / "models")
    for key, value in network.state_dict().items():
        torch.testing.assert_close(value, one[key].to(value.dtype), rtol=1e-2, atol=1e-2)
    assert str(tmp_path) not in (tmp_path / "models" / "own.json").read_text(encoding="utf-8")
    with pytest.raises(InvalidInput, match="holds no training of a one-shot network"):
        export_one_shot(tmp_path / "whole", tmp_path / "models", name="own")
    taken = tmp_path / "models" / "taken.json"
    taken.write_bytes(DEFAULT.read_bytes())
    with pytest.raises(
        InvalidInput, match=r"taken\.json is no card of a tracer: give another name"
    ):
        export_tracer(tmp_path / "whole", tmp_path / "models", name="taken")
    assert {path.name for path in taken.parent.iterdir()} == {
        "own.json", "own.safetensors", "taken.json",
    }  # fmt: skip


def test_the_recipe_beside_the_one_shot_networks_leaves_out_the_same_marks() -> None:
    folder = Path(likemark.benchmarks.training.__file__).parent
    own, other = (read_training(folder / f"{name}.toml") for name in ("tracer", "oneshot"))
    assert isinstance(own, TracerTraining)
    assert isinstance(other, OneShotTraining)
    assert own.data.exclude == other.data.exclude
    assert own.data.validation == other.data.validation


def test_settings_are_read_back_as_they_were_written(settings: TracerTraining) -> None:
    assert settings_of(written(settings)) == settings
    with pytest.raises(InvalidInput, match=r"network\.widths must be 2 to 6 numbers"):
        replace(settings.network, widths=(8,))
