"""What the task of a retrieval model draws, and which runs it may go on with."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.training import Heard, trained

from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.devices import choose_device
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.embedding import Embedding
from likemark.retrieval.training.folder import LAST
from likemark.retrieval.training.observers import Facts, Quiet
from likemark.retrieval.training.state import read_facts
from likemark.retrieval.training.task import Place, Share
from likemark.retrieval.training.trainer import train

from .conftest import Settings

ALL = {"validation": 1e-9, "workers": 0}  # none is held out


@pytest.fixture
def moved(brands: Path, tmp_path: Path) -> Path:
    """The ten brands, to be changed."""
    return shutil.copytree(brands, tmp_path / "brands")


def made(config: Training, folder: Path, *, rank: int = 0) -> Embedding:
    folder.mkdir(exist_ok=True)
    place = Place(folder, Share(rank), choose_device("cpu"), Quiet(), None)
    return Embedding(config, place)


def as_before_draws_had_a_number(run: Path, *, steps: int) -> None:
    """Its checkpoint as one of fewer steps would have been, of an older version."""
    held, facts = load_file(run / LAST), read_facts(run / LAST)
    del held["draws"]
    save_file(held, run / LAST, {"training": json.dumps({**facts, "step": steps})})


def test_two_names_of_one_drawing_share_no_batch_without_look_alikes_either(
    quick: Settings, moved: Path, tmp_path: Path
) -> None:
    shutil.copytree(moved / "brand0", moved / "again")
    task = made(quick(data={"corpus": str(moved), **ALL}), tmp_path / "run")
    again, first = (task._training.names.index(f"brand/{n}") for n in ("again", "brand0"))
    batches = [task.batches()[step][1].tolist() for step in range(40)]
    assert not any(again in groups and first in groups for groups in batches)
    assert all(any(group in groups for groups in batches) for group in (again, first))


def test_processes_leave_different_patches_out(quick: Settings, tmp_path: Path) -> None:
    config, numbers = quick(network={"patch_drop": 0.5}), []
    for rank in range(2):
        task = made(config, tmp_path / str(rank), rank=rank)
        task.network.register_forward_pre_hook(lambda *_: numbers.append(float(torch.rand(()))))
        batch = task.batches()[0]
        for step in range(2):
            task.backward(task.network, batch, step)
    assert len(set(numbers)) == 4


@pytest.mark.parametrize(
    ("tables", "twice"),
    [({"network": {"patch_drop": 0.5}}, False), ({}, True)],
    ids=["patches", "one drawing under two names"],
)  # fmt: skip
def test_a_run_that_drew_otherwise_is_refused_on_one_line(
    quick: Settings, moved: Path, tmp_path: Path, tables: dict[str, Any], twice: bool
) -> None:
    if twice:
        shutil.copytree(moved / "brand0", moved / "again")
    config = quick(data={"corpus": str(moved), **ALL}, run={"steps": 1}, **tables)
    trained(config, tmp_path / "run")
    as_before_draws_had_a_number(tmp_path / "run", steps=0)
    before = (tmp_path / "run" / LAST).read_bytes()
    with pytest.raises(InvalidInput, match=r"that drew batches, or what the network .*began it$"):
        trained(config, tmp_path / "run")
    assert (tmp_path / "run" / LAST).read_bytes() == before


def test_an_older_run_that_drew_the_same_goes_on_to_the_same_weights(
    quick: Settings, tmp_path: Path
) -> None:
    config = quick(batch={"groups": 4, "views": 3, "alike": 0.5, "chunk": 5}, run={"steps": 4})
    half = Training.of({**config.to_dict(), "run": {**config.to_dict()["run"], "checkpoint": 0}})

    class Stopped(Heard):
        def validated(self, validated: Any) -> None:
            if validated.step == 3:
                raise KeyboardInterrupt

    trained(config, tmp_path / "undisturbed")
    with pytest.raises(KeyboardInterrupt):
        train(half, tmp_path / "run", measure=lambda *_: 0.0, observer=Stopped())
    assert read_facts(tmp_path / "run" / LAST)["step"] == 2
    as_before_draws_had_a_number(tmp_path / "run", steps=2)
    _, heard = trained(config, tmp_path / "run")
    assert heard.facts[0].resumed == 2
    ours, theirs = (load_file(tmp_path / name / LAST) for name in ("run", "undisturbed"))
    assert ours.keys() == theirs.keys()
    assert all(torch.equal(ours[key], theirs[key]) for key in ours)


class Spoiling(Heard):
    """Takes files away once all have been looked at."""

    def __init__(self, *paths: Path) -> None:
        super().__init__()
        self._paths = paths

    def started(self, facts: Facts) -> None:
        super().started(facts)
        for path in self._paths:
            path.unlink()


def test_a_drawing_that_goes_in_a_run_is_told_once_and_the_run_goes_on(
    quick: Settings, moved: Path, tmp_path: Path
) -> None:
    data = {"corpus": str(moved), **ALL, "workers": 2}
    config = quick(data=data, batch={"groups": 8, "views": 3}, run={"steps": 6})
    heard = Spoiling(moved / "brand0" / "1.png", moved / "brand3" / "0.png")
    train(config, tmp_path / "run", observer=heard)
    first, second = sorted(line for step in heard.steps for line in step.lost)
    assert first.startswith(f"{moved / 'brand0' / '1.png'}: missing: ")
    assert second.startswith(f"{moved / 'brand3' / '0.png'}: missing: ")
    assert len(heard.steps) == 6


@pytest.mark.parametrize("workers", [0, 1])
def test_a_run_ends_on_one_line_where_a_group_has_no_drawing_left(
    quick: Settings, moved: Path, tmp_path: Path, workers: int
) -> None:
    config = quick(data={"corpus": str(moved), **ALL, "workers": workers}, batch={"groups": 10})
    heard = Spoiling(*(moved / "brand0").iterdir())
    said = r"^brand/brand0: none of its 3 drawings can be read any more: \S+png: missing: [^\n]*$"
    with pytest.raises(LikemarkError, match=said):
        train(config, tmp_path / "run", observer=heard)
