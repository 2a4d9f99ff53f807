"""Two processes with half a batch each, against one process with all of it."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.processes import python
from torch import Tensor
from torch.nn.functional import normalize

from likemark.retrieval.losses.registry import LOSSES
from likemark.retrieval.training.step import everyone

Found = list[dict[str, Tensor]]  # by rank

PICTURES = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
GROUPS = torch.tensor([0, 1, 2, 0, 1, 2, 1, 0, 2, 2, 1, 0])
WEIGHT = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))

PROGRAM = """
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file
from torch.nn.functional import normalize

from likemark.retrieval.losses.registry import LOSSES
from likemark.retrieval.training.step import Gallery, backward, everyone, sum_gradients

folder, rank = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
given = load_file(folder / "given.safetensors")
network = torch.nn.Linear(5, 4, bias=False)
network.load_state_dict({"weight": given["weight"]})
half = slice(6 * rank, 6 * rank + 6)
pictures, groups = given["pictures"][half], given["groups"][half]
found = {"pictures": everyone(pictures), "groups": everyone(groups)}


def embed(pictures):
    return normalize(network(pictures))


for name, loss in LOSSES.items():
    for chunk in (0, 4):
        network.zero_grad()
        gallery = Gallery.empty(12, 4, torch.device("cpu"))
        backward(embed, loss, pictures, groups, gallery, chunk=chunk, seed=(0, 0, rank))
        sum_gradients(network)
        found[f"{name}/{chunk}"] = network.weight.grad.clone()
found["kept"] = gallery.rows
save_file(found, folder / f"{rank}.safetensors")
dist.destroy_process_group()
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What each of the two processes found."""
    folder: Path = tmp_path_factory.mktemp("two")
    given = {"pictures": PICTURES, "groups": GROUPS, "weight": WEIGHT}
    save_file(given, folder / "given.safetensors")
    with ExitStack() as stack:
        both = [stack.enter_context(python(PROGRAM, folder, rank)) for rank in range(2)]
        for process in both:
            process.line()  # it is waited for as long as it takes
            process.end()
    return [load_file(folder / f"{rank}.safetensors") for rank in range(2)]


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("chunk", [0, 4])
def test_the_summed_gradient_of_two_is_that_of_one_process(
    found: Found, name: str, chunk: int
) -> None:
    weight = WEIGHT.clone().requires_grad_()
    LOSSES[name](normalize(PICTURES @ weight.T), GROUPS).backward()
    assert weight.grad is not None
    assert weight.grad.abs().max() > 1e-3
    for one in found:
        torch.testing.assert_close(one[f"{name}/{chunk}"], weight.grad, rtol=1e-4, atol=1e-6)


def test_rows_come_in_the_order_of_ranks_and_are_kept_so(found: Found) -> None:
    for one in found:
        assert torch.equal(one["pictures"], PICTURES)
        assert torch.equal(one["groups"], GROUPS)
        torch.testing.assert_close(one["kept"], normalize(PICTURES @ WEIGHT.T))


def test_a_process_alone_gets_its_rows_back() -> None:
    rows = torch.randn(3, 2, requires_grad=True)
    assert everyone(rows) is rows
