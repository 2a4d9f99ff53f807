"""A checkpoint is the whole state: what is loaded is what was saved, or it is refused."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from likemark.db.errors import ModelDamaged
from likemark.retrieval.training.state import State, read_facts
from likemark.retrieval.training.step import Gallery


def state(*, seed: int, steps: int = 0, width: int = 3) -> State:
    torch.manual_seed(seed)
    network, average = nn.Linear(4, width), nn.Linear(4, width)
    optimiser = torch.optim.AdamW(network.parameters(), lr=0.1)
    made = State(network, average, optimiser, Gallery.empty(6, width, torch.device("cpu")))
    for _ in range(steps):
        advance(made)
    return made


def advance(one: State) -> None:
    torch.manual_seed(one.step)
    rows = one.network(torch.randn(2, 4))
    torch.autograd.backward(rows.square().sum())
    one.optimiser.step()
    one.optimiser.zero_grad()
    one.gallery.add(rows, torch.tensor([0, 1]))
    one.step += 1


def test_what_is_loaded_is_what_was_saved(tmp_path: Path) -> None:
    saved, loaded = state(seed=0, steps=2), state(seed=1)
    saved.best, saved.best_step = 0.25, 1
    saved.save(tmp_path / "last.safetensors", {"run": {"steps": 9}})
    loaded.load(tmp_path / "last.safetensors")
    assert (loaded.step, loaded.best, loaded.best_step) == (2, 0.25, 1)
    assert read_facts(tmp_path / "last.safetensors")["settings"] == {"run": {"steps": 9}}
    for one in (saved, loaded):
        advance(one)
        advance(one)
    assert torch.equal(saved.gallery.rows, loaded.gallery.rows)
    assert saved.gallery.groups.tolist() == loaded.gallery.groups.tolist()
    for part in ("network", "average"):
        ours, theirs = getattr(saved, part).state_dict(), getattr(loaded, part).state_dict()
        assert all(torch.equal(ours[key], theirs[key]) for key in ours)


def test_frozen_weights_need_no_optimiser(tmp_path: Path) -> None:
    saved, loaded = state(seed=0), state(seed=1)
    for one in (saved, loaded):
        one.network.get_parameter("bias").requires_grad_(False)
    advance(saved)
    saved.save(tmp_path / "last.safetensors", {})
    loaded.load(tmp_path / "last.safetensors")
    assert len(loaded.optimiser.state) == 1


def test_a_network_of_another_form_is_refused(tmp_path: Path) -> None:
    state(seed=0, steps=1).save(tmp_path / "last.safetensors", {})
    with pytest.raises(ModelDamaged, match="cannot be gone on from"):
        state(seed=0, width=5).load(tmp_path / "last.safetensors")


@pytest.mark.parametrize("content", [b"", b"not safetensors at all", b"\x08" + b"\0" * 40])
def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "last.safetensors").write_bytes(content)
    with pytest.raises(ModelDamaged, match="no checkpoint of a training"):
        read_facts(tmp_path / "last.safetensors")
