"""A plan of experiments says what differs, or in one line what is wrong with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from likemark.benchmarks.experiments.plan import Plan
from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.training.config import Training

PLANS = Path(__file__).parents[3] / "benchmarks" / "training"
BASE = '[data]\ncorpus = "none"\n[network]\nweights = "start.safetensors"\n'
PLAN = """
base = "base.toml"
seeds = [0, 1]
[[arm]]
table = "loss"
name = "Smooth-AP"
set = []
[[arm]]
table = "loss"
name = "triplet"
set = ["loss.name=triplet", "run.steps=7"]
"""


def write(folder: Path, plan: str = PLAN) -> Path:
    (folder / "base.toml").write_text(BASE)
    (folder / "plan.toml").write_text(plan)
    return folder / "plan.toml"


def test_an_arm_is_the_base_but_for_what_it_sets(tmp_path: Path) -> None:
    plan = Plan.read(write(tmp_path))
    first, second = plan.arms
    corpus = tmp_path / "corpus"
    one = plan.training(first, 0, corpus=corpus, weights=None)
    other = plan.training(second, 1, corpus=corpus, weights=tmp_path)
    assert (one.loss.name, one.run.seed, one.data.corpus) == ("smooth-ap", 0, str(corpus))
    assert (other.loss.name, other.run.seed, other.run.steps) == ("triplet", 1, 7)
    assert one.network.weights == "start.safetensors"
    assert other.network.weights == str(tmp_path / "start.safetensors")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = [0]", "must set arm, base, seeds"),
        (PLAN.replace("seeds = [0, 1]", "seeds = []"), "a table, a name and seeds"),
        (PLAN.replace('"triplet"\nset', '"Smooth-AP"\nset'), "they must differ"),
        (PLAN.replace("set = []", "set = 1"), "an arm must have table, name and set"),
        (PLAN.replace("[0, 1]", '"01"'), "seeds, a list of whole numbers"),
        ("base = ", "plan.toml"),
    ],
)
def test_a_wrong_plan_is_refused_in_one_line(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        Plan.read(write(tmp_path, text))
    assert "\n" not in str(caught.value)


def test_an_arm_has_the_plans_seeds_or_its_own(tmp_path: Path) -> None:
    own = PLAN.replace('"triplet"\n', '"triplet"\nseeds = [7]\n')
    assert [arm.seeds for arm in Plan.read(write(tmp_path, own)).arms] == [(0, 1), (7,)]
    white = PLAN.replace('"triplet"\n', '"triplet"\nwhiten = 50\n')
    assert [arm.whiten for arm in Plan.read(write(tmp_path, white)).arms] == [0, 50]


@pytest.mark.parametrize("name", ["losses.toml", "backbones.toml", "ablation.toml"])
def test_the_committed_plans_can_be_read(name: str, tmp_path: Path) -> None:
    plan = Plan.read(PLANS / name)
    for arm in plan.arms:
        training = plan.training(arm, arm.seeds[0], corpus=tmp_path, weights=tmp_path)
        assert training.data.exclude == Training.read(PLANS / "default.toml").data.exclude


def test_a_missing_plan_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.toml: no such file"):
        Plan.read(tmp_path / "gone.toml")
