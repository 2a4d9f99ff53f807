"""Experiments: real trainings that differ in one thing, measured on a slice of the benchmark."""

from __future__ import annotations

import os
from dataclasses import asdict
from pathlib import Path

import pytest
from support.slice import write_slice
from support.training import BACKBONE, settings, toml, write_brands, write_weights

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.experiments.plan import Plan
from likemark.benchmarks.experiments.run import (
    Bench,
    Experiments,
    run_experiments,
    share_shapes,
)
from likemark.benchmarks.pages.markdown import markdown
from likemark.benchmarks.runs import written_up
from likemark.retrieval.training.folder import SHAPES

PLAN = """
base = "base.toml"
seeds = [0, 1]
[[arm]]
table = "Loss"
name = "Smooth-AP"
set = []
[[arm]]
table = "Loss"
name = "triplet"
set = ["loss.name=triplet"]
[[arm]]
table = "Loss"
name = "Smooth-AP, whitened"
seeds = [0]
whiten = 500
set = ["network.pooling=avg"]
[[arm]]
table = "Dimension"
name = "16"
seeds = [1]
set = []
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Bench:
    folder = tmp_path_factory.mktemp("experiments")
    corpus = write_brands(folder / "brands", brands=60)
    weights = write_weights(folder / f"{BACKBONE}.safetensors")
    base = settings(corpus, Path(weights.name), run={"steps": 2, "validate": 2})
    (folder / "base.toml").write_text(toml(base))
    (folder / "plan.toml").write_text(PLAN)
    write_slice(folder / "open", groups=6, distractors=20)
    benchmark = OpenBenchmark.read(folder / "open")
    lines: list[str] = []
    return Bench(
        Plan.read(folder / "plan.toml"), corpus, folder, benchmark, folder / "out", lines.append
    )


@pytest.fixture(scope="module")
def found(bench: Bench) -> Experiments:
    return run_experiments(bench)


def test_every_arm_is_trained_with_every_seed(found: Experiments) -> None:
    assert [(arm.table, arm.name) for arm in found.arms] == [
        ("Loss", "Smooth-AP"), ("Loss", "triplet"), ("Loss", "Smooth-AP, whitened"),
        ("Dimension", "16"),
    ]  # fmt: skip
    assert [[one.seed for one in arm.outcomes] for arm in found.arms] == [[0, 1], [0, 1], [0], [1]]
    assert found.arms[3].spread is None
    for arm in found.arms[:2]:
        assert arm.map == pytest.approx(sum(one.map for one in arm.outcomes) / 2)
        assert arm.spread is not None
        assert all(one.train_rate > 0 and one.embed_rate > 0 for one in arm.outcomes)
    assert (found.steps, found.batch) == (2, 12)


def test_an_arm_is_compared_with_the_first_of_its_table(found: Experiments) -> None:
    first, second, _white, other = found.arms
    assert (first.gain.low, first.gain.high) == (0, 0)
    assert second.gain.low <= second.map - first.map <= second.gain.high
    assert (other.gain.low, other.gain.high) == (0, 0)


def test_equal_settings_are_trained_once(bench: Bench, found: Experiments) -> None:
    assert found.arms[0].outcomes[1:] == found.arms[3].outcomes
    assert len(list(bench.out.glob("*/done.npz"))) == 5


def test_what_one_training_has_found_out_is_taken_over_whole(tmp_path: Path) -> None:
    """A link of the file before it: what is written over in place would show there."""
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / SHAPES).write_text(name)
    os.link(tmp_path / "b" / SHAPES, tmp_path / "before")
    share_shapes(tmp_path, tmp_path / "b")
    assert (tmp_path / "b" / SHAPES).read_text() == "a"
    assert (tmp_path / "before").read_text() == "b"
    assert {path.name for path in (tmp_path / "b").iterdir()} == {SHAPES}


def test_what_is_done_is_not_done_again(bench: Bench, found: Experiments) -> None:
    stamps = {path: path.stat().st_mtime_ns for path in bench.out.glob("*/done.npz")}
    assert run_experiments(bench) == found
    assert {path: path.stat().st_mtime_ns for path in bench.out.glob("*/done.npz")} == stamps


def test_a_result_is_a_table_for_each_question(found: Experiments) -> None:
    document = written_up(
        "experiments", "likemark bench experiments plan.toml", asdict(found),
        {"name": "slice", "sha256": None}, model={"name": "tiny", "fingerprint": None},
        device="cpu",
    )  # fmt: skip
    text = markdown(document)
    assert "Loss" in text
    assert "Dimension" in text
    assert "as it has seeds, of 2 steps with 12 views" in text
