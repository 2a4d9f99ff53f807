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

from likemark.retrieval.losses.gather import gather_rows
from likemark.retrieval.losses.registry import LOSSES

Found = list[dict[str, Tensor]]  # by rank

PICTURES = torch.randn(12, 5, generator=torch.Generator().manual_seed(0))
LABELS = torch.tensor([0, 1, 2, 0, 1, 2, 1, 0, 2, 2, 1, 0])
WEIGHT = torch.randn(4, 5, generator=torch.Generator().manual_seed(1))

PROGRAM = """
import sys
from pathlib import Path

import torch
import torch.distributed as dist
from safetensors.torch import load_file, save_file, save_file
from torch.nn.functional import normalize
from torch.nn.parallel import DistributedDataParallel

from likemark.retrieval.losses.gather import gather_rows
from likemark.retrieval.losses.registry import LOSSES

folder, rank = Path(sys.argv[1]), int(sys.argv[2])
torch.set_num_threads(1)
dist.init_process_group("gloo", init_method=f"file://{folder}/meet", rank=rank, world_size=2)
given = load_file(folder / "given.safetensors")
network = torch.nn.Linear(5, 4, bias=False)
network.load_state_dict({"weight": given["weight"]})


def gradient(network, loss, own, queries):
    network.zero_grad()
    rows = gather_rows(normalize(network(given["pictures"][own])))
    loss(rows, gather_rows(given["labels"][own]), queries=queries).backward()
    return next(network.parameters()).grad.clone()


half = slice(6 * rank, 6 * rank + 6)
uneven = slice(0, 8) if rank == 0 else slice(8, 12)
found = {name: gather_rows(given[name][uneven]) for name in ("pictures", "labels")}
ddp = DistributedDataParallel(network)
for name, loss in LOSSES.items():
    found[f"own queries/{name}"] = gradient(network, loss, half, half)
    found[f"all queries/{name}"] = gradient(network, loss, uneven, None)
    found[f"ddp/{name}"] = gradient(ddp, loss, half, half)
save_file(found, folder / f"{rank}.safetensors")
dist.destroy_process_group()
print("done", flush=True)
"""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> Found:
    """What each of the two processes found."""
    folder: Path = tmp_path_factory.mktemp("two")
    given = {"pictures": PICTURES, "labels": LABELS, "weight": WEIGHT}
    save_file(given, folder / "given.safetensors")
    with ExitStack() as stack:
        both = [stack.enter_context(python(PROGRAM, folder, rank)) for rank in range(2)]
        for process in both:
            process.line()  # it is waited for as long as it takes
            process.end()
    return [load_file(folder / f"{rank}.safetensors") for rank in range(2)]


def alone(name: str) -> Tensor:
    """The gradient of one process with the whole batch."""
    weight = WEIGHT.clone().requires_grad_()
    LOSSES[name](normalize(PICTURES @ weight.T), LABELS).backward()
    assert weight.grad is not None
    assert weight.grad.abs().max() > 1e-3
    return weight.grad


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("how", ["own queries", "all queries"])
def test_the_mean_of_two_gradients_is_that_of_one_process(found: Found, how: str, name: str):
    mean = (found[0][f"{how}/{name}"] + found[1][f"{how}/{name}"]) / 2
    assert torch.allclose(mean, alone(name), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_distributed_data_parallel_finds_the_gradient_of_one_process(found: Found, name: str):
    for one in found:
        assert torch.allclose(one[f"ddp/{name}"], alone(name), rtol=1e-4, atol=1e-6)


def test_rows_come_in_the_order_of_ranks_with_any_count(found: Found):
    for one in found:
        assert torch.equal(one["pictures"], PICTURES)
        assert torch.equal(one["labels"], LABELS)


def test_a_process_alone_gets_its_rows_back():
    rows = torch.randn(3, 2, requires_grad=True)
    assert gather_rows(rows) is rows
