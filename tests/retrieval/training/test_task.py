"""Tasks: any of them is trained, killed and gone on with by the same loop, and keeps to itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from support.line import LINE, NAME, Line, LineTraining, drawn, line_settings
from support.processes import python
from support.training import toml

from likemark.db.errors import InvalidInput, ModelDamaged
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.export import export_model, kept_weights
from likemark.retrieval.training.folder import BEST, LAST, LOG, SETTINGS
from likemark.retrieval.training.observers import Observers
from likemark.retrieval.training.reports.kept import kept_in
from likemark.retrieval.training.reports.lines import Lines
from likemark.retrieval.training.reports.log import read_log
from likemark.retrieval.training.task import Share
from likemark.retrieval.training.tasks import KINDS, read_training, settings_of, written
from likemark.retrieval.training.trainer import train

from .conftest import Settings

KILLED_IN_STEP_8 = """
    import os, signal, sys
    from pathlib import Path
    from support.line import LINE, NAME
    from support.training import Heard
    from likemark.retrieval.training.tasks import KINDS, read_training
    from likemark.retrieval.training.trainer import train

    class Killed(Heard):
        def stepped(self, step):
            if step.step == 8:
                os.kill(os.getpid(), signal.SIGKILL)

    KINDS[NAME] = LINE
    train(read_training(Path(sys.argv[1])), Path(sys.argv[2]), observer=Killed())
"""


@pytest.fixture(autouse=True)
def registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(KINDS, NAME, LINE)


def file_of(config: LineTraining, folder: Path) -> Path:
    path = folder / "line.toml"
    path.write_text(f'task = "{NAME}"\n{toml(config)}')
    return path


def test_another_task_is_trained_and_its_best_weights_are_kept(tmp_path: Path) -> None:
    result, heard = drawn(line_settings(), tmp_path / "run")
    first, *later = heard.validated_
    assert (result.metric, first.step, [one.step for one in later]) == (
        "share explained", 0, [10, 20]
    )  # fmt: skip
    assert result.best == max(one.value for one in later) > 0.9 > first.value
    kept = kept_weights(tmp_path / "run")
    assert (kept.value, kept.step) == (result.best, result.best_step)
    assert kept.weights.keys() == Line(line_settings(), Share()).network.state_dict().keys()


def test_a_killed_task_ends_with_the_weights_of_an_undisturbed_one(tmp_path: Path) -> None:
    config = line_settings()
    drawn(config, tmp_path / "undisturbed")
    often = file_of(line_settings(run={"checkpoint": 0}), tmp_path)
    with python(KILLED_IN_STEP_8, often, tmp_path / "run") as process:
        _, errors = process.running.communicate(timeout=120)
        assert process.running.returncode == -9, errors
    _, heard = drawn(config, tmp_path / "run")
    assert (heard.facts[0].resumed, heard.steps[0].step) == (7, 8)
    for name in (LAST, BEST):
        ours, theirs = (load_file(tmp_path / run / name) for run in ("run", "undisturbed"))
        assert ours.keys() == theirs.keys()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_a_checkpoint_without_the_tasks_own_state_is_damaged(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    drawn(line_settings(), tmp_path)
    held = load_file(tmp_path / LAST)
    assert held.pop("middle") is not None
    facts = {"step": 3, "best": 0.5, "best_step": 2, "settings": written(line_settings())}
    save_file(held, tmp_path / LAST, {"training": json.dumps(facts)})
    with pytest.raises(ModelDamaged, match="cannot be gone on from: 'middle'"):
        drawn(line_settings(), tmp_path)


def test_log_plots_events_and_lines_name_what_the_task_measures(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said: list[str] = []
    observer = Observers(kept_in(tmp_path, said.append), Lines(said.append, every=0))
    train(line_settings(), tmp_path, observer=observer)
    *_, last = read_log(tmp_path / LOG, "validated")
    assert set(last) == {"kind", "step", "share_explained", "best", "seconds", "more"}
    (started,) = read_log(tmp_path / LOG, "started")
    assert (started["metric"], started["width"], started["parameters"]) == (
        "share explained", 4, 13
    )  # fmt: skip
    held = EventAccumulator(str(tmp_path))
    held.Reload()
    tags = ("validation/share explained", "validation/error", "training/points per second")
    assert [len(held.Scalars(tag)) for tag in tags] == [3, 3, 20]
    assert said[0] == "points of 4 numbers, 13 weights"
    assert "points/s" in said[2]
    value, error = last["share_explained"], last["more"]["error"]
    assert f"step 20: validation share explained {value:.4f}, error {error:.4f}" in said[-1]
    assert {path.name for path in tmp_path.glob("*.png")} == {"loss.png", "validation.png"}


def test_a_file_says_its_task_and_without_one_it_is_retrieval(tmp_path: Path) -> None:
    config = line_settings(run={"steps": 3})
    assert read_training(file_of(config, tmp_path), ["run.steps=5"]) == line_settings(
        run={"steps": 5}
    )
    plain = settings_of({"data": {"corpus": "marks"}})
    assert plain == Training.of({"data": {"corpus": "marks"}})
    assert settings_of(json.loads(json.dumps(written(config)))) == config
    assert settings_of(written(plain)) == plain


def test_the_one_shot_network_is_a_task(tmp_path: Path) -> None:
    path = tmp_path / "find.toml"
    path.write_text('task = "oneshot"\n[data]\ncorpus = "marks"\nphotos = "photos"')
    config = read_training(path, ["run.steps=5"])
    assert type(config).__name__ == "OneShotTraining"
    assert (config.run.steps, written(config)["task"]) == (5, "oneshot")


@pytest.mark.parametrize(
    ("first", "said"),
    [('task = "drawing"', "task 'drawing' must be one of retrieval, oneshot"),
     ("task = 3", "task 3 must be one of"),
     ("task = []", r"task \[\] must be one of"),
     (f'task = "{NAME}"\n[batch]', "batch is no setting; there are: data, optimiser, run")],
    ids=str,
)  # fmt: skip
def test_a_task_that_is_none_and_tables_of_another_are_refused(
    tmp_path: Path, first: str, said: str
) -> None:
    path = tmp_path / "line.toml"
    path.write_text(first)
    with pytest.raises(InvalidInput, match=said):
        read_training(path)


def test_where_retrieval_alone_is_trained_other_tasks_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="task must be 'retrieval' here, not 'line'"):
        Training.read(file_of(line_settings(), tmp_path))


def test_a_folder_that_holds_a_run_of_another_task_is_refused(
    quick: Settings, tmp_path: Path
) -> None:
    drawn(line_settings(run={"steps": 1}), tmp_path)
    before = (tmp_path / SETTINGS).read_bytes()
    with pytest.raises(InvalidInput, match="holds a run with task = 'line', not 'retrieval'"):
        drawn(quick(), tmp_path)
    assert (tmp_path / SETTINGS).read_bytes() == before


def test_a_run_of_another_task_is_no_model_for_retrieval(tmp_path: Path) -> None:
    drawn(line_settings(run={"steps": 1}), tmp_path / "run")
    with pytest.raises(InvalidInput, match="holds no training of a model for retrieval"):
        export_model(str(tmp_path / "run"), tmp_path / "out")


def test_without_a_measure_a_retrieval_model_is_not_validated(
    quick: Settings, tmp_path: Path
) -> None:
    result, heard = drawn(quick(run={"steps": 2}), tmp_path)
    assert (result.metric, result.best, heard.validated_) == ("mAP", -1.0, [])
    assert kept_weights(tmp_path).step == 2
