"""A checkpoint is the whole state: what is loaded is what was saved, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
from safetensors.torch import load_file
from support.line import Line, line_settings

from likemark.db.errors import ModelDamaged
from likemark.retrieval.training.optimiser import set_rate
from likemark.retrieval.training.state import State, read_facts
from likemark.retrieval.training.task import Share

FILE = "last.safetensors"


def task(*, seed: int, width: int = 3, frozen: tuple[str, ...] = ()) -> Line:
    made = Line(line_settings(data={"width": width}, run={"seed": seed}), Share())
    for name in frozen:
        made.network.get_parameter(name).requires_grad_(False)
    return made


def advance(one: State, *, steps: int) -> State:
    batches = one.task.batches()
    for _ in range(steps):
        one.task.prepare(one.task.network, one.step)
        one.task.backward(one.task.network, batches[one.step], one.step)
        set_rate(one.optimiser, 0.1)
        one.optimiser.step()
        one.optimiser.zero_grad()
        one.step += 1
    return one


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    saved, loaded = advance(State.of(task(seed=0)), steps=2), State.of(task(seed=1))
    saved.best, saved.best_step = 0.25, 1
    saved.save(tmp_path / FILE, {"run": {"steps": 9}})
    loaded.load(tmp_path / FILE)
    assert (loaded.step, loaded.best, loaded.best_step) == (2, 0.25, 1)
    assert read_facts(tmp_path / FILE)["settings"] == {"run": {"steps": 9}}
    loaded.save(tmp_path / "again.safetensors", {"run": {"steps": 9}})
    assert (tmp_path / "again.safetensors").read_bytes() == (tmp_path / FILE).read_bytes()


def test_a_checkpoint_has_the_momentum_and_what_the_task_keeps(tmp_path: Path) -> None:
    advance(State.of(task(seed=0)), steps=2).save(tmp_path / FILE, {})
    held = load_file(tmp_path / FILE)
    others = [name for name in held if not name.startswith(("network.", "average."))]
    assert sorted(others) == [
        "middle", *(f"optimiser.momentum_buffer.{name}"
                    for name in ("0.bias", "0.weight", "1.bias", "1.weight")),
    ]  # fmt: skip
    assert held["network.0.num_batches_tracked"] == 2


def test_frozen_weights_need_no_optimiser(tmp_path: Path) -> None:
    saved, loaded = (State.of(task(seed=n, frozen=("1.bias",))) for n in (0, 1))
    advance(saved, steps=1).save(tmp_path / FILE, {})
    loaded.load(tmp_path / FILE)
    assert len(loaded.optimiser.state) == 3


def test_a_network_of_another_form_is_refused(tmp_path: Path) -> None:
    advance(State.of(task(seed=0)), steps=1).save(tmp_path / FILE, {})
    with pytest.raises(ModelDamaged, match="cannot be gone on from"):
        State.of(task(seed=0, width=5)).load(tmp_path / FILE)


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x08" + b"\0" * 40])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / FILE).write_bytes(content)
    with pytest.raises(ModelDamaged, match="no checkpoint of a training"):
        read_facts(tmp_path / FILE)
