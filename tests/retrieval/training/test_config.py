"""A training's settings: read from TOML, overridden one by one, refused with one clear line."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.training import toml

from likemark.benchmarks.training.smoke import CONFIG
from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.registry import Loss
from likemark.retrieval.losses.smooth_ap import SmoothAP
from likemark.retrieval.losses.supcon import SupCon
from likemark.retrieval.losses.triplet import Triplet
from likemark.retrieval.training.choices import chosen_loss
from likemark.retrieval.training.config import Training


def written(folder: Path, text: str) -> Path:
    path = folder / "marks.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_may_leave_out_all_but_the_corpus(tmp_path: Path) -> None:
    read = Training.read(written(tmp_path, '[data]\ncorpus = "marks"'))
    assert read == Training.of({"data": {"corpus": "marks"}})
    assert (read.batch.groups, read.run.validate_first) == (40, True)


def test_settings_survive_json_and_toml(tmp_path: Path) -> None:
    config = Training.of({
        "data": {"corpus": "marks", "exclude": ["acme*", "x"]}, "run": {"validate_first": False},
        "loss": {"temperature": 1},
    })  # fmt: skip
    assert Training.of(json.loads(json.dumps(config.to_dict()))) == config
    assert Training.read(written(tmp_path, toml(config))) == config


@pytest.mark.parametrize(
    ("table", "loss"),
    [('name = "triplet"', Triplet()),
     ('name = "triplet"\nmining = "semi-hard"', Triplet(mining="semi-hard")),
     ('name = "triplet"\nmining = "semi-hard"\ntemperature = 0.4', Triplet(0.4, "semi-hard")),
     ('name = "supcon"\ntemperature = 0.4', SupCon(0.4)),
     ("", SmoothAP())],
    ids=str,
)  # fmt: skip
def test_a_file_chooses_a_loss_with_its_strength_and_mining(
    tmp_path: Path, table: str, loss: Loss
) -> None:
    read = Training.read(written(tmp_path, f'[data]\ncorpus = "marks"\n[loss]\n{table}'))
    assert chosen_loss(read.loss) == loss


def test_the_shipped_configuration_can_be_read() -> None:
    assert Training.read(CONFIG).run.steps >= 10


@pytest.mark.parametrize(
    ("override", "place", "value"),
    [("run.steps=7", ("run", "steps"), 7),
     ("optimiser.rate=1", ("optimiser", "rate"), 1.0),
     ("run.validate_first=false", ("run", "validate_first"), False),
     ("network.backbone=resnet50.a1_in1k", ("network", "backbone"), "resnet50.a1_in1k"),
     ("data.corpus = my marks", ("data", "corpus"), "my marks"),
     ('data.exclude=["a*", "b"]', ("data", "exclude"), ("a*", "b")),
     ('loss.name="supcon"', ("loss", "name"), "supcon")],
    ids=str,
)  # fmt: skip
def test_an_override_stands_in_the_files_place(
    tmp_path: Path, override: str, place: tuple[str, str], value: Any
) -> None:
    path = written(tmp_path, '[data]\ncorpus = "marks"\n[run]\nsteps = 5')
    section, name = place
    found = Training.read(path, [override]).to_dict()[section][name]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("tables", "said"),
    [({"batch": {"size": 3}}, "batch.size is no setting; there are: groups"),
     ({"model": {}}, "model is no setting; there are: data, batch"),
     ({"batch": 3}, "batch must be a table"),
     ({"run": {"steps": "many"}}, "run.steps: 'many' must be a whole number"),
     ({"run": {"steps": 1.5}}, "run.steps: 1.5 must be a whole number"),
     ({"run": {"steps": True}}, "run.steps: True must be a whole number"),
     ({"run": {"validate_first": 1}}, "run.validate_first: 1 must be true or false"),
     ({"optimiser": {"rate": "fast"}}, "optimiser.rate: 'fast' must be a number"),
     ({"network": {"backbone": 3}}, "network.backbone: 3 must be text"),
     ({"data": {"corpus": "x", "exclude": "acme"}}, "data.exclude: 'acme' must be a list of texts"),
     ({"data": {}}, "data.corpus must be set"),
     ({"data": {"corpus": ""}}, "data.corpus must be the path of a corpus"),
     ({"data": {"corpus": "x", "validation": 1.0}}, "data.validation must be between 0 and 1"),
     ({"batch": {"views": 1}}, "batch.views must be 2 or more"),
     ({"batch": {"brands": 0.9}}, "batch.ideas must be from 0 to 1 - brands"),
     ({"network": {"colour": "cmyk"}}, "network.colour must be rgb or grey"),
     ({"optimiser": {"average": 1.0}}, "optimiser.average must be from 0 to below 1"),
     ({"loss": {"mining": "soft"}}, "loss.mining must be hard or semi-hard"),
     ({"loss": {"mining": "semi-hard"}}, "loss.mining must be hard but of triplet"),
     ({"run": {"seed": -1}}, "run.seed must be from 0 to below 2")],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_refused_by_its_name(tables: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said.replace(".", r"\.")):
        Training.of({"data": {"corpus": "x"}, **tables})


@pytest.mark.parametrize(
    ("text", "overrides", "said"),
    [("[data", [], "marks.toml: "),
     ('[data]\ncorpus = "x"', ["steps=3"], "'steps=3': give a setting as SECTION.NAME=VALUE"),
     ('[data]\ncorpus = "x"', ["run.steps"], "give a setting as"),
     ('[data]\ncorpus = "x"', ["task.name=oneshot"], "give a setting as"),
     ('data = "x"', ["data.corpus=y"], "data must be a table"),
     ('[data]\ncorpus = "x"', ["run.steps=0"], "run.steps must be 1 or more")],
    ids=str,
)  # fmt: skip
def test_a_file_or_override_that_cannot_be_read_is_refused(
    tmp_path: Path, text: str, overrides: list[str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said.replace(".", r"\.")):
        Training.read(written(tmp_path, text), overrides)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="no such file"):
        Training.read(tmp_path / "none.toml")
