"""Discriminative whitening as a network's last layer, learned on many more groups than a batch has.

Mikolajczyk and Matas, "Improving descriptors for fast tree matching by optimal linear projection",
ICCV 2007; as whitening for retrieval: Radenovic et al., TPAMI 2019. What differs within a group is
made small, and of what remains the directions are kept in which drawings differ most. Where they
change vectors after the network, the network's own linear layer is replaced: a search pays nothing.
M: drawings to learn from; C: pooled channels; D: dimensions of the embedding.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from likemark.db.errors import InvalidInput, PictureError
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import AUTO, choose_device
from likemark.retrieval.network import Input, MarkNetwork
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.config import Data
from likemark.retrieval.training.corpus import Corpus, read_corpus

_BATCH = 64
# Of the mean variance, added to every direction's within groups, times C over the comparisons
# within groups: few of them say little of each direction.
_RIDGE = 0.05
_ALIKE = 1e-4  # of the mean variance: drawings that differ less are copies of each other
_EACH = 4  # drawings of a group, at most


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Drawings, of which many are of one group."""

    paths: tuple[Path, ...]  # M
    groups: NDArray[np.int64]  # (M,)


def whiten_on(
    network: MarkNetwork, card: ModelCard, data: Data, most: int, *,
    device: str = AUTO, told: Callable[[int, int], None] = lambda done, of: None,
) -> int:  # fmt: skip
    """Whiten on at most so many of these drawings; the network ends on the CPU.

    told: how many of all are embedded
    result: how many could be read
    Raises InvalidInput for drawings that cannot whiten it, and what `read_corpus` raises.
    """
    sample = drawings_of(data, most)
    rows, groups = pooled(network, card, sample, device=device, workers=data.workers, told=told)
    try:
        whiten(network.cpu(), rows, groups)
    except ValueError as error:
        raise InvalidInput(f"{card.name} cannot be whitened: {error}") from error
    return len(rows)


@torch.no_grad()
def whiten(network: MarkNetwork, rows: torch.Tensor, groups: NDArray[np.int64]) -> None:
    """Replace the projection by the one that these rows ask for.

    rows: (M, C) what the projection is given; groups: (M,)
    Raises ValueError where the groups have fewer comparisons than there are channels, or where
    the projection has more dimensions than channels.
    """
    layer = network.projection
    if layer.out_features > rows.shape[1]:
        raise ValueError(f"{rows.shape[1]} channels cannot give {layer.out_features} dimensions")
    found = rows.double()
    middle = found.mean(0)
    whole = torch.cov(found.T)
    level = float(whole.trace()) / len(whole)
    within, count = _within(found - middle, torch.from_numpy(groups), least=_ALIKE * level)
    if count < len(whole) or not level:
        raise ValueError(f"{count} comparisons within groups cannot tell {len(whole)} channels")
    within += _RIDGE * len(whole) / count * level * torch.eye(len(whole), dtype=within.dtype)
    variances, directions = torch.linalg.eigh(within)
    narrow = directions / variances.sqrt()  # (C, C)
    _, turn = torch.linalg.eigh(narrow.T @ whole @ narrow)
    matrix = (narrow @ turn.flip(1)[:, : layer.out_features]).T  # (D, C), the widest first
    layer.weight.copy_(matrix)
    layer.bias.copy_(-matrix @ middle)


def _within(rows: torch.Tensor, groups: torch.Tensor, *, least: float) -> tuple[torch.Tensor, int]:
    """(C, C): the covariance within a group, every group counting alike; comparisons made.

    least: mean variance below which a group shows one drawing over and over, and tells nothing
    """
    _, places, sizes = torch.unique(groups, return_inverse=True, return_counts=True)
    sums = torch.zeros(len(sizes), rows.shape[1], dtype=rows.dtype).index_add_(0, places, rows)
    away = rows - (sums / sizes[:, None])[places]
    spread = torch.zeros(len(sizes), dtype=rows.dtype).index_add_(0, places, away.square().mean(1))
    free = (sizes - 1).clamp(min=1).to(rows.dtype)
    kept = (sizes > 1) & (spread / free > least)
    away = (away / free.sqrt()[places, None])[kept[places]]
    covariance: torch.Tensor = away.T @ away / max(1, int(kept.sum()))
    return covariance, int((sizes[kept] - 1).sum())


class _Squares(Dataset[tuple[torch.Tensor, torch.Tensor]]):
    """Drawings as a network is fed them; a broken one has no rows."""

    def __init__(self, sample: Sample, size: int) -> None:
        self._sample, self._size = sample, size

    def __len__(self) -> int:
        return len(self._sample.paths)

    def __getitem__(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """(1 or 0, S, S, 3) uint8, and as many groups"""
        group = torch.from_numpy(self._sample.groups[number : number + 1])
        try:
            square = prepared(load_picture(self._sample.paths[number]), self._size)
        except PictureError:
            return torch.zeros(0, self._size, self._size, 3, dtype=torch.uint8), group[:0]
        return torch.from_numpy(square)[None], group


def pooled(
    network: MarkNetwork, card: ModelCard, sample: Sample, *,
    device: str = AUTO, workers: int = 1, told: Callable[[int, int], None] = lambda done, of: None,
) -> tuple[torch.Tensor, NDArray[np.int64]]:  # fmt: skip
    """(M, C) what the projection is given, and (M,) groups, of those drawings that can be read.

    told: how many of all are done
    Raises InvalidInput where none can be.
    """
    chosen = choose_device(device)
    network = network.eval().to(chosen.torch()).to(memory_format=torch.channels_last)
    prepare = Input(card).to(chosen.torch())
    loader: Any = DataLoader(
        _Squares(sample, card.input_size), batch_size=_BATCH, num_workers=workers,
        collate_fn=_joined,
    )  # fmt: skip
    rows, groups = [], []
    with torch.no_grad(), chosen.precision():
        for number, (pixels, own) in enumerate(loader):
            if len(own):
                rows.append(network.pooled(prepare(pixels.to(chosen.torch()))).cpu())
                groups.append(own)
            told(min(len(sample.paths), (number + 1) * _BATCH), len(sample.paths))
    if not rows:
        raise InvalidInput(f"none of {len(sample.paths)} drawings to whiten on can be read")
    return torch.cat(rows), torch.cat(groups).numpy()


def _joined(items: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> tuple[torch.Tensor, ...]:
    return tuple(torch.cat(each) for each in zip(*items, strict=True))


def drawings_of(data: Data, most: int) -> Sample:
    """At most so many of a training's drawings, the same ones each time; none held out from it.

    Brands that were drawn more than once come first, then ideas and single drawings by chance, the
    drawings of a group together: at most four, and one of those that are copies of each other.
    Raises what `read_corpus` raises.
    """
    corpus = read_corpus(Path(data.corpus), data.exclude)
    corpus = corpus.only(~corpus.held(data.validation))
    chosen = _chosen(corpus, np.random.default_rng(0))[:most]
    return Sample(tuple(corpus.paths[n] for n in chosen.tolist()), corpus.groups[chosen])


def _chosen(corpus: Corpus, rng: np.random.Generator) -> NDArray[np.int64]:
    first = rng.permutation(corpus.originals())
    turn = rng.permutation(len(corpus.names))
    first = first[np.argsort(turn[corpus.groups[first]], kind="stable")]
    groups = corpus.groups[first]
    starts = np.flatnonzero(np.diff(groups, prepend=-1))
    sizes = np.diff(starts, append=len(first))
    place = np.arange(len(first)) - np.repeat(starts, sizes)  # which of its group's it is
    wanted = (np.repeat(sizes, sizes) > 1) & ~corpus.is_idea[first]
    few = place < _EACH
    return np.asarray(np.concatenate([first[few & wanted], first[few & ~wanted]]), np.int64)
