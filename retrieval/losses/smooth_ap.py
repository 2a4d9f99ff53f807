"""Smooth-AP: one minus average precision, with a sigmoid in place of each comparison.

Brown, Xie, Kalogeiton and Zisserman, "Smooth-AP: Smoothing the Path Towards Large-Scale Image
Retrieval", ECCV 2020. For a query q, its positives P and all candidates A:

    AP = 1/|P|  sum over i in P of  (1 + sum of s(D_ij) over j in P, j != i)
                                  / (1 + sum of s(D_ij) over j in A, j != i)

with D_ij = sim(q, j) - sim(q, i) and s(x) = 1 / (1 + exp(-x / temperature)). The published code
builds every D_ij, B x B x B of them; but i is a positive in both sums, so that the rows of the
positive pairs (q, i) are all there is to compute. B, D, G, Q and N are as in `comparison`, P pairs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.comparison import Comparison, Queries, compare

# Numbers in one temporary, of which there are 4 at once. Smaller ones are no faster, and make
# threads meet more often, which is slow beside other programs.
CHUNK = {"cpu": 2**20, "other": 2**24}


def smooth_ap(
    embeddings: Tensor,
    labels: Tensor,
    *,
    temperature: float = 0.01,
    gallery: Tensor | None = None,
    gallery_labels: Tensor | None = None,
    queries: Queries = None,
    chunk: int | None = None,
    include_self: bool = True,
) -> Tensor:
    """1 - mean AP over the queries, a scalar; O(P N) time, O(Q N + chunk N) memory.

    embeddings: (B, D) unit rows: the caller normalises; labels: (B,) int64, groups of any size
        and in any order
    gallery: (G, D) unit rows of earlier batches: candidates of every query, positives where the
        label is the query's; they never ask and get no gradient; gallery_labels: (G,) int64
    queries: rows that ask, slice or (Q,) int64, None for all; every row is a candidate anyhow
    chunk: positive pairs worked on at once, None for what suits the device; the result is the same
    include_self: the query is one of its own positives and candidates, as in the published code.
        A row without any other positive then has AP 1 and no gradient (but for negatives that all
        but coincide with it), counts in the mean, and is a negative of the others. False: the
        query is no candidate, and the mean is over those with a positive; 0 where none has one.
    Raises InvalidInput for shapes that do not fit, temperature <= 0, chunk < 1, and from
    `backward` for a second derivative.
    """
    _check(temperature, chunk)
    compared = compare(
        embeddings, labels, gallery=gallery, gallery_labels=gallery_labels, queries=queries
    )
    if not include_self:
        compared = _without_self(compared)
    with torch.autocast(embeddings.device.type, enabled=False):
        loss: Tensor = _SmoothAP.apply(compared.sims, compared.same, temperature, chunk)
    return loss


@dataclass(frozen=True, slots=True)
class SmoothAP:
    temperature: float = 0.01  # of the sigmoid; differences of cosines far beyond it do not pull
    chunk: int | None = None  # positive pairs worked on at once; None: what suits the device
    include_self: bool = True  # the query is its own positive, as published

    def __post_init__(self) -> None:
        _check(self.temperature, self.chunk)

    def __call__(
        self,
        embeddings: Tensor,
        labels: Tensor,
        gallery: Tensor | None = None,
        gallery_labels: Tensor | None = None,
        *,
        queries: Queries = None,
    ) -> Tensor:
        """See `smooth_ap`."""
        return smooth_ap(
            embeddings,
            labels,
            temperature=self.temperature,
            gallery=gallery,
            gallery_labels=gallery_labels,
            queries=queries,
            chunk=self.chunk,
            include_self=self.include_self,
        )


class _SmoothAP(torch.autograd.Function):
    """From similarities (Q, N) to the loss; the gradient is made on the way forward.

    Autograd would keep every chunk's temporaries until the way back: P x N numbers several times.
    """

    @staticmethod
    def forward(
        ctx: Any, sims: Tensor, same: Tensor, temperature: float, chunk: int | None
    ) -> Tensor:
        positives = same.sum(1)
        asking = int((positives > 0).sum())
        weights = 1 / (positives.clamp(min=1) * max(asking, 1)).to(sims.dtype)
        gradient = torch.zeros_like(sims) if ctx.needs_input_grad[0] else None
        total = sims.new_tensor(1.0 if asking else 0.0)
        pairs = same.nonzero()
        for part in torch.split(pairs, chunk or _chunk(sims)):
            total -= _part(sims, same, part, weights, temperature, gradient)
        ctx.save_for_backward(gradient)
        return total

    @staticmethod
    def backward(ctx: Any, *upstream: Tensor) -> tuple[Tensor, None, None, None]:
        if torch.is_grad_enabled():  # by create_graph=True
            raise InvalidInput("create_graph=True: Smooth-AP has a first derivative only")
        (gradient,) = ctx.saved_tensors
        return upstream[0] * gradient, None, None, None


def _part(
    sims: Tensor,
    same: Tensor,
    pairs: Tensor,
    weights: Tensor,
    temperature: float,
    gradient: Tensor | None,
) -> Tensor:
    """What some pairs (q, i) add to mean AP; d loss / d sims is added to `gradient`.

    pairs: (C, 2) int64: row and column of `sims`; weights: (Q,) of a pair in the mean
    """
    query, column = pairs.unbind(1)
    # The published code clamps x / temperature to +-50: without effect beyond the 21st digit.
    above = sims[query].sub_(sims[query, column, None]).div_(temperature).sigmoid_()
    positive = same[query].to(above.dtype)
    # s(D_ii) is a half exactly: 1 for i itself less that half.
    rank = above.sum(1).add_(0.5)
    rank_in_positives = (above * positive).sum(1).add_(0.5)
    weight = weights[query]
    if gradient is not None:
        slope = above.addcmul_(above, above, value=-1)
        inner = weight / (temperature * rank)
        outer = inner * rank_in_positives / rank
        slope *= positive.mul_(inner[:, None]).sub_(outer[:, None])
        gradient.index_add_(0, query, slope, alpha=-1)
        gradient[query, column] += slope.sum(1)  # no pair is there twice
    return (weight * rank_in_positives / rank).sum()


def _check(temperature: float, chunk: int | None) -> None:
    if not temperature > 0 or (chunk is not None and chunk < 1):
        raise InvalidInput(f"temperature {temperature}, chunk {chunk}: give more than 0")


def _chunk(sims: Tensor) -> int:
    numbers = CHUNK.get(sims.device.type, CHUNK["other"])
    return max(1, numbers // sims.shape[1])


def _without_self(compared: Comparison) -> Comparison:
    others = compared.others()
    sims = compared.sims.masked_fill(~others, -torch.inf)  # s is 0 there, and its slope
    return Comparison(sims, compared.same & others, compared.own)
