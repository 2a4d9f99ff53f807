"""One step: a batch of views to a gradient, however large the batch and however many processes.

b: views of this process; B: of all; D: dimensions; G: rows of the gallery.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.functional import normalize

from likemark.retrieval.losses.registry import Loss

Embed = Callable[[torch.Tensor], torch.Tensor]  # (n, S, S, 3) uint8 to (n, D) unit rows


@dataclass(slots=True)
class Gallery:
    """The last rows of earlier batches, the oldest forgotten first (Wang et al., CVPR 2020)."""

    rows: torch.Tensor  # (G, D)
    groups: torch.Tensor  # (G,) int64
    most: int  # rows

    @classmethod
    def empty(cls, most: int, dimension: int, device: torch.device) -> Gallery:
        rows = torch.zeros(0, dimension, device=device)
        return cls(rows, torch.zeros(0, dtype=torch.int64, device=device), most)

    def add(self, rows: torch.Tensor, groups: torch.Tensor) -> None:
        if self.most:
            self.rows = torch.cat([self.rows, rows.detach().float()])[-self.most :]
            self.groups = torch.cat([self.groups, groups])[-self.most :]


def backward(
    embed: Embed, loss: Loss, pixels: torch.Tensor, groups: torch.Tensor, gallery: Gallery, *,
    chunk: int, seed: tuple[int, ...],
) -> float:  # fmt: skip
    """The loss over all processes' views; each parameter's gradient adds up to the whole's when
    the processes' are summed.

    pixels: (b, S, S, 3) uint8; groups: (b,)
    chunk: views in the network at once. The rows of all are found first without a graph, then
        each chunk goes forward again and takes its rows' gradient back (Gao et al., 2021,
        "Scaling deep contrastive learning batch size"): a third more work, any batch size
    seed: such as the run's, the step and the process: with a chunk's number it gives all that the
        network draws at random for that chunk, so that both passes draw the same
    """
    chunks = torch.split(pixels, chunk or len(pixels))
    if len(chunks) == 1:
        rows = _seeded(embed, pixels, (*seed, 0))
        value = _all_over(loss, rows, groups, gallery)
        torch.autograd.backward(value)
        return float(value.detach())
    with torch.no_grad():
        parts = [_seeded(embed, part, (*seed, n)) for n, part in enumerate(chunks)]
    rows = torch.cat(parts).requires_grad_()
    value = _all_over(loss, rows, groups, gallery)
    torch.autograd.backward(value)
    assert rows.grad is not None
    gradients = torch.split(rows.grad, len(chunks[0]))
    for n, (part, gradient) in enumerate(zip(chunks, gradients, strict=True)):
        torch.autograd.backward(_seeded(embed, part, (*seed, n)), gradient)
    return float(value.detach())


def _seeded(embed: Embed, pixels: torch.Tensor, seed: tuple[int, ...]) -> torch.Tensor:
    torch.manual_seed(int(np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]))
    return embed(pixels)


def _all_over(
    loss: Loss, rows: torch.Tensor, groups: torch.Tensor, gallery: Gallery
) -> torch.Tensor:
    rows, groups = everyone(rows), everyone(groups)
    earlier = (gallery.rows, gallery.groups) if len(gallery.rows) else (None, None)
    value = loss(rows, groups, *earlier)
    gallery.add(rows, groups)
    return value


def everyone(rows: torch.Tensor) -> torch.Tensor:
    """The rows of all processes in the order of their ranks; only this one's have a gradient."""
    if not dist.is_initialized():
        return rows
    parts = [torch.empty_like(rows) for _ in range(dist.get_world_size())]
    dist.all_gather(parts, rows.detach().contiguous())
    parts[dist.get_rank()] = rows
    return torch.cat(parts)


def sum_gradients(network: nn.Module) -> None:
    """To the whole batch's gradient, in every process."""
    if dist.is_initialized():
        for parameter in network.parameters():
            if parameter.grad is not None:
                dist.all_reduce(parameter.grad)


def unit(rows: torch.Tensor) -> torch.Tensor:
    return normalize(rows.float(), dim=1)
