"""One batch from the rows of all processes, with the gradient going back to where they came from.

In each of W processes, with n rows of its own:

    rows, labels = gather_rows(network(pictures)), gather_rows(own_labels)
    loss(rows, labels, queries=slice(rank * n, (rank + 1) * n)).backward()

Every process compares its own queries with the global batch. The mean over the processes, which
DistributedDataParallel takes of gradients, is then that of one process with the global batch, if
as many queries count in each: always so for Smooth-AP, and for the others where no row is without
a positive. Without `queries` it is so in any case, and every process computes the whole loss.
"""

from __future__ import annotations

from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor
from torch.autograd.function import once_differentiable


def gather_rows(rows: Tensor) -> Tensor:
    """The rows of all processes in the order of their ranks; alone, what was given.

    rows: (n, ...) of one dtype and device type everywhere; n may differ between processes
    Returns (sum of n, ...). Its gradient is summed over all processes, so that all must call
    `backward`, as all must call this.
    """
    if not dist.is_available() or not dist.is_initialized():
        return rows
    gathered: Tensor = _Gather.apply(rows)
    return gathered


class _Gather(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, rows: Tensor) -> Tensor:
        counts = _counts(rows)
        ctx.counts = counts
        padded = rows.new_zeros((max(counts), *rows.shape[1:]))
        padded[: len(rows)] = rows
        parts = [torch.empty_like(padded) for _ in counts]
        dist.all_gather(parts, padded)
        return torch.cat([part[:count] for part, count in zip(parts, counts, strict=True)])

    @staticmethod
    @once_differentiable
    def backward(  # pyright: ignore[reportIncompatibleMethodOverride]
        ctx: Any, *upstream: Tensor
    ) -> Tensor:
        total = upstream[0].clone(memory_format=torch.contiguous_format)
        dist.all_reduce(total)
        own: Tensor = torch.split(total, ctx.counts)[dist.get_rank()]
        return own


def _counts(rows: Tensor) -> list[int]:
    """Rows of each process."""
    own = torch.tensor([len(rows)], device=rows.device)
    counts = [torch.empty_like(own) for _ in range(dist.get_world_size())]
    dist.all_gather(counts, own)
    return [int(count) for count in counts]
