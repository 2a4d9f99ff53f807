"""Several processes that train one network together, as `torchrun` starts them."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import torch
import torch.distributed as dist

from likemark.db.errors import InvalidInput
from likemark.retrieval.devices import choose_device
from likemark.retrieval.training.config import Batch
from likemark.retrieval.training.step import everyone
from likemark.retrieval.training.task import Share

# The others wait while the first surveys the drawings and validates.
_PATIENCE = dt.timedelta(hours=3)


def is_first() -> bool:
    """Whether this is the process, of all of them, that speaks and writes."""
    return os.environ.get("RANK", "0") == "0"


def _world() -> int:
    return int(os.environ.get("WORLD_SIZE", "1"))


def own_device(setting: str) -> str:
    """The setting; of several processes on GPUs each has one of its own."""
    if _world() == 1 or setting == "cpu" or not torch.cuda.is_available():
        return setting
    return f"cuda:{os.environ.get('LOCAL_RANK', '0')}"


@contextmanager
def joined(device: str) -> Iterator[Share]:
    """This process's share: alone, or one of those that torchrun has started.

    Raises InvalidInput when there are more processes on a machine than GPUs.
    """
    world = _world()
    if world == 1:
        yield Share()
        return
    own = choose_device(own_device(device)).torch()
    if own.type == "cuda":
        torch.cuda.set_device(own)
    dist.init_process_group("nccl" if own.type == "cuda" else "gloo", timeout=_PATIENCE)
    try:
        yield Share(dist.get_rank(), world)
    finally:
        dist.destroy_process_group()


@contextmanager
def first_alone(share: Share) -> Iterator[None]:
    """The process of rank 0 goes first; the others find what it has made."""
    if share.rank and share.world > 1:
        dist.barrier()
    yield
    if not share.rank and share.world > 1:
        dist.barrier()


def check_shares(batch: Batch, share: Share) -> None:
    """Raises InvalidInput unless every process gets as many views of a batch as the others."""
    views = batch.groups * batch.views
    if views % share.world:
        raise InvalidInput(
            f"batch.groups {batch.groups} times batch.views {batch.views} must be a multiple of "
            f"the {share.world} processes"
        )


def check_agreed(step: int, device: torch.device, folder: Path) -> None:
    """Raises InvalidInput unless all processes go on from the same step."""
    steps = everyone(torch.tensor([step], device=device))
    if steps.min() < steps.max():
        raise InvalidInput(
            f"{folder} holds another checkpoint on another machine; give a folder that all share"
        )
