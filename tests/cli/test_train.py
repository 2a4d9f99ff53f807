"""`likemark train`: one line to stdout, progress to stderr, alone or as several processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file
from support.command import Run
from support.training import settings, toml, trained, write_brands, write_weights

from likemark.retrieval import devices
from likemark.retrieval.training.folder import BEST, LAST, LOG
from likemark.retrieval.training.reports.log import read_log

# In bfloat16 sums that are made in another order differ in the third digit.
IN_FLOAT32 = """
from likemark.retrieval import devices
from likemark.cli.main import main

devices._cpu_has_bf16 = lambda: False
if __name__ == "__main__":
    main()
"""
Configured = Callable[..., Path]


@pytest.fixture
def configured(tmp_path: Path) -> Configured:
    """A configuration file of a training of a second."""

    def make(**tables: dict[str, Any]) -> Path:
        brands, weights = tmp_path / "brands", tmp_path / "weights.safetensors"
        if not brands.exists():
            write_brands(brands)
            write_weights(weights)
        path = tmp_path / "marks.toml"
        path.write_text(toml(settings(brands, weights, **tables)))
        return path

    return make


def test_a_training_ends_with_one_line_and_leaves_its_folder(
    likemark: Run, configured: Configured, tmp_path: Path
) -> None:
    outcome = likemark("train", configured(), "run.steps=4", "--out", tmp_path / "run")
    assert outcome.code == 0
    (line,) = outcome.out.splitlines()
    assert line.startswith(f"{tmp_path / 'run'}: validation mAP 0.")
    assert "waiting for views" in line
    assert "drawings to train on" in outcome.err
    assert "step 4: validation mAP" in outcome.err
    names = {path.name for path in (tmp_path / "run").iterdir()}
    assert {BEST, LAST, "settings.json", "log.jsonl", "preview.png", "loss.png",
            "validation.png"} <= names  # fmt: skip


def test_json_is_one_document_and_a_second_call_goes_on(
    likemark: Run, configured: Configured, tmp_path: Path
) -> None:
    config, out = configured(run={"steps": 4, "validate": 2, "device": "cpu"}), tmp_path / "run"
    first = likemark("train", config, "--out", out, "--json").json
    assert set(first) == {"run", "validation_map", "step", "before", "seconds", "waited"}
    assert (first["run"], 0 <= first["waited"] <= 1) == (str(out), True)
    assert 0 < first["before"] <= first["validation_map"] <= 1
    again = likemark("train", config, "--out", out, "--json")
    assert "going on after step 4 of 4" in again.err
    assert again.json["validation_map"] == first["validation_map"]
    assert again.json["before"] is None


def test_nothing_held_out_is_said(likemark: Run, configured: Configured, tmp_path: Path) -> None:
    config = configured(data={"validation": 1e-9}, run={"steps": 1})
    outcome = likemark("train", config, "--out", tmp_path / "run")
    assert "nothing to validate with" in outcome.out


@pytest.mark.parametrize(
    ("overrides", "code", "said"),
    [(["run.steps=0"], 2, "run.steps must be 1 or more"),
     (["run.steps"], 2, "give a setting as SECTION.NAME=VALUE"),
     (["run.stepz=1"], 2, "run.stepz is no setting"),
     (["data.corpus=none"], 1, "none: no such file or folder"),
     (["network.weights=none.safetensors"], 1, "weights none.safetensors: no such file"),
     (["network.weights=none"], 1, "no model 'none'"),
     (["network.backbone=none"], 2, "'none' is not one of timm's"),
     (["run.device=cuda:9"], 2, "device 'cuda:9'"),
     (["batch.groups=50"], 2, "batch.groups 50 must not be above that")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_trained_is_one_line(
    likemark: Run, configured: Configured, tmp_path: Path, overrides: list[str], code: int,
    said: str,
) -> None:  # fmt: skip
    outcome = likemark("train", configured(), *overrides, "--out", tmp_path / "run")
    assert (outcome.code, outcome.out) == (code, "")
    line = outcome.err.splitlines()[-1]
    assert line.startswith("likemark: ")
    assert said in line
    assert not (tmp_path / "run" / "settings.json").exists()
    assert "Traceback" not in outcome.err


def test_a_folder_that_is_a_file_is_one_line(
    likemark: Run, configured: Configured, tmp_path: Path
) -> None:
    (tmp_path / "run").write_text("")
    outcome = likemark("train", configured(), "--out", tmp_path / "run")
    assert outcome.code == 1
    assert outcome.err.splitlines()[-1].endswith("run: cannot be made: File exists")


def together(*arguments: object) -> subprocess.CompletedProcess[str]:
    """torchrun with two processes on this machine."""
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone",
               "--nproc-per-node", "2", *map(str, arguments)]  # fmt: skip
    return subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)


def test_two_processes_train_to_the_weights_of_one(
    configured: Configured, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # AdamW makes much of gradients that are nothing but rounding errors, such as those of the bias
    # of attention's keys: no attention here, and low rates.
    start = write_weights(tmp_path / "start.safetensors", backbone="test_efficientnet")
    tables: dict[str, Any] = {
        "batch": {"groups": 4, "views": 3, "gallery": 24, "chunk": 4},
        "network": {"backbone": "test_efficientnet", "weights": str(start), "pooling": "gem+max"},
        "optimiser": {"rate": 1e-4, "head_rate": 1e-4},
    }
    config, program = configured(**tables), tmp_path / "program.py"
    program.write_text(IN_FLOAT32)
    done = together(program, "train", config, "--out", tmp_path / "two", "--json")
    assert done.returncode == 0, done.stderr
    monkeypatch.setattr(devices, "_cpu_has_bf16", lambda: False)
    alone, heard = trained(settings(tmp_path / "brands", start, **tables), tmp_path / "one")
    one, two = (load_file(tmp_path / name / LAST) for name in ("one", "two"))
    for name in one:
        if not name.startswith("gallery."):  # its rows stand in another order
            assert two[name].numpy() == pytest.approx(one[name].numpy(), abs=3e-5), name
    logged = read_log(tmp_path / "two" / LOG, "step")
    assert [step["pictures"] for step in logged] == [step.pictures for step in heard.steps]
    assert [step["gradient"] for step in logged] == pytest.approx(
        [step.gradient for step in heard.steps], rel=1e-3
    )
    # Only one of the two speaks.
    assert json.loads(done.stdout)["validation_map"] == pytest.approx(alone.best, abs=1e-3)
    assert done.stderr.count("drawings to train on") == 1


def test_a_batch_that_processes_cannot_share_is_refused(
    configured: Configured, tmp_path: Path
) -> None:
    done = together(
        "-m", "likemark.cli.main", "train", configured(), "batch.groups=3", "--out", tmp_path
    )
    assert done.returncode != 0
    assert "batch.groups 3 times batch.views 3 must be a multiple of the 2" in done.stderr


def test_the_published_network_is_a_task_of_the_command(likemark: Run, tmp_path: Path) -> None:
    recipe = Path(__file__).parents[2] / "benchmarks" / "training" / "published.toml"
    done = likemark("train", recipe, f"data.corpus={tmp_path / 'none'}", "--out", tmp_path / "run")
    assert done.code == 1
    (line,) = done.err.strip().splitlines()
    assert str(tmp_path / "none") in line
