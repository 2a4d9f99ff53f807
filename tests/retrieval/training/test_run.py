"""A whole training: it learns, and a killed one ends where an undisturbed one does."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from support.processes import python
from support.training import toml, trained, write_weights

from likemark.db.errors import InvalidInput, LikemarkError, ModelDamaged, NotFound
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.embedding import load_best
from likemark.retrieval.training.folder import BEST, LAST, SETTINGS

from .conftest import Settings

# The last step's checkpoint is written after it is told of: the run goes on from step 4.
KILLED_IN_STEP_5 = """
    import os, signal, sys
    from pathlib import Path
    from support.training import Heard
    from likemark.benchmarks.protocol.validation import validation_map
    from likemark.retrieval.training.config import Training
    from likemark.retrieval.training.trainer import train

    class Killed(Heard):
        def stepped(self, step):
            if step.step == 5:
                os.kill(os.getpid(), signal.SIGKILL)

    train(Training.read(Path(sys.argv[1])), Path(sys.argv[2]), measure=validation_map,
          observer=Killed())
"""


def tensors(path: Path) -> dict[str, torch.Tensor]:
    return load_file(path)


def same(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[key], two[key]) for key in one)


@pytest.fixture(scope="module")
def config(quick: Settings) -> Training:
    """All that has a state: a gallery, two passes, look-alikes, patches left out, frozen layers."""
    return quick(
        batch={"groups": 4, "views": 3, "alike": 0.5, "gallery": 18, "chunk": 5},
        network={"freeze": 1, "patch_drop": 0.5, "whole": 0.25},
        run={"steps": 8, "validate": 2, "checkpoint": 0},
    )  # fmt: skip


@pytest.fixture(scope="module")
def undisturbed(config: Training, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed") / "run"
    trained(config, folder)
    return folder


def test_the_network_becomes_better_at_an_easy_problem(quick: Settings, tmp_path: Path) -> None:
    start = write_weights(tmp_path / "start.safetensors", backbone="test_efficientnet")
    config = quick(
        augment={"plain": 1.0, "recipe": "none"},
        network={"backbone": "test_efficientnet", "weights": str(start), "pooling": "gem+max"},
        optimiser={"rate": 3e-3, "head_rate": 1e-2, "average": 0.8},
        run={"steps": 20, "validate": 10},
    )  # fmt: skip
    result, heard = trained(config, tmp_path / "run")
    losses = [step.loss for step in heard.steps]
    assert sum(losses[-5:]) < 0.5 * sum(losses[:5])
    first, *later = heard.validated_
    assert (first.step, [one.step for one in later]) == (0, [10, 20])
    assert result.best == max(one.value for one in heard.validated_) > first.value
    assert heard.validated_[0].best


def test_it_tells_what_it_trains_on_and_what_asks(undisturbed: Path, config: Training) -> None:
    _, heard = trained(config, undisturbed)
    (facts,) = heard.facts
    numbers = dict(facts.numbers)
    assert numbers["drawings"] + numbers["queries"] == 30  # ten brands with three drawings each
    assert numbers["brands"] * 3 == numbers["drawings"]
    assert facts.said == (
        f"{numbers['drawings']} drawings to train on: {numbers['brands']} brands and 0 ideas drawn "
        "more than once, 0 once",
        f"validation: {numbers['queries']} queries among {numbers['gallery']} drawings; "
        f"{facts.parameters:,} weights to train",
    )
    assert (facts.metric, facts.pictures, facts.resumed) == ("mAP", "views", 8)


def test_a_killed_run_ends_with_the_weights_of_an_undisturbed_one(
    config: Training, undisturbed: Path, tmp_path: Path
) -> None:
    # Other processes make its views, and it checks itself at other times: neither matters.
    given = config.to_dict()
    given["data"]["workers"], given["run"]["validate"] = 2, 4
    (tmp_path / "marks.toml").write_text(toml(Training.of(given)))
    with python(KILLED_IN_STEP_5, tmp_path / "marks.toml", tmp_path / "run") as process:
        _, errors = process.running.communicate(timeout=120)
        assert process.running.returncode == -9, errors
    _, heard = trained(config, tmp_path / "run")
    assert (heard.facts[0].resumed, heard.steps[0].step) == (4, 5)
    assert same(tensors(tmp_path / "run" / LAST), tensors(undisturbed / LAST))


def test_a_run_that_has_ended_is_not_trained_again(
    config: Training, undisturbed: Path, tmp_path: Path
) -> None:
    shutil.copytree(undisturbed, tmp_path / "run")
    before = (tmp_path / "run" / LAST).read_bytes()
    result, heard = trained(config, tmp_path / "run")
    assert (heard.steps, heard.ends, result.best_step) == ([], 1, result.best_step)
    assert (tmp_path / "run" / LAST).read_bytes() == before


def test_the_best_weights_are_those_of_the_best_validation(
    config: Training, undisturbed: Path
) -> None:
    result, _ = trained(config, undisturbed)
    _, network = load_best(config, undisturbed)
    assert network.state_dict().keys() == tensors(undisturbed / BEST).keys()
    if result.best_step == 8:
        average = {k.removeprefix("average."): v for k, v in tensors(undisturbed / LAST).items()
                   if k.startswith("average.")}  # fmt: skip
        assert same(average, tensors(undisturbed / BEST))


def test_frozen_layers_stay_as_they_came(undisturbed: Path, weights: Path) -> None:
    found, given = tensors(undisturbed / LAST), load_file(weights)
    name = "patch_embed.proj.weight"
    assert torch.equal(found[f"network.backbone.{name}"], given[name])
    assert not torch.equal(found["network.backbone.norm.weight"], given["norm.weight"])


def test_other_settings_are_refused_by_name_in_a_folder_that_holds_a_run(
    config: Training, undisturbed: Path
) -> None:
    before = (undisturbed / SETTINGS).read_bytes()
    given = config.to_dict()
    given["optimiser"]["rate"] = 1.0
    with pytest.raises(InvalidInput, match=r"holds a run with optimiser.rate = 0.0003, not 1.0"):
        trained(Training.of(given), undisturbed)
    assert (undisturbed / SETTINGS).read_bytes() == before


def test_a_checkpoint_from_before_a_setting_came_is_gone_on_with(
    config: Training, undisturbed: Path, tmp_path: Path
) -> None:
    from safetensors.torch import save_file

    shutil.copytree(undisturbed, tmp_path / "run")
    given = config.to_dict()
    del given["run"]["validate_first"], given["loss"]["temperature"]
    facts: dict[str, Any] = {"step": 8, "best": 0.5, "best_step": 2, "settings": given}
    held = tensors(undisturbed / LAST)
    save_file(held, tmp_path / "run" / LAST, {"training": json.dumps(facts)})
    assert trained(config, tmp_path / "run")[0].best == 0.5


def test_a_torn_checkpoint_is_an_error_and_not_a_new_start(
    config: Training, undisturbed: Path, tmp_path: Path
) -> None:
    shutil.copytree(undisturbed, tmp_path / "run")
    whole = (tmp_path / "run" / LAST).read_bytes()
    (tmp_path / "run" / LAST).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ModelDamaged, match="no checkpoint of a training"):
        trained(config, tmp_path / "run")


@pytest.mark.parametrize(
    ("tables", "error", "said"),
    [({"loss": {"name": "none"}}, NotFound, "loss 'none': must be one of smooth-ap"),
     ({"augment": {"recipe": "none such"}}, InvalidInput, "augment.recipe 'none such' must be"),
     ({"data": {"corpus": "nowhere"}}, NotFound, "nowhere: no such file or folder"),
     ({"run": {"device": "cuda:77"}}, InvalidInput, "device 'cuda:77': there are: auto"),
     ({"batch": {"groups": 99}}, InvalidInput, "batch.groups 99 must not be above that")],
    ids=str,
)  # fmt: skip
def test_a_training_that_cannot_be_is_refused(
    quick: Settings, tmp_path: Path, tables: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        trained(quick(**tables), tmp_path / "run")
    assert not (tmp_path / "run" / LAST).exists()


def test_a_loss_that_is_no_number_ends_the_training_before_the_weights_are_lost(
    quick: Settings, tmp_path: Path
) -> None:
    config = quick(optimiser={"rate": 1e30, "head_rate": 1e30, "warmup": 0}, run={"checkpoint": 0})
    with pytest.raises(LikemarkError, match=r"step \d: the loss is .*lower optimiser.rate"):
        trained(config, tmp_path / "run")


def test_nothing_held_out_leaves_the_last_weights(quick: Settings, tmp_path: Path) -> None:
    config = quick(data={"validation": 1e-9}, run={"steps": 2})
    result, heard = trained(config, tmp_path / "run")
    assert (result.best, heard.validated_) == (-1.0, [])
    assert not (tmp_path / "run" / BEST).exists()
    assert load_best(config, result.folder)[0].name == "run"
