"""PCA-whitening inside a network: its last layer gives every direction the same variance.

Jegou and Chum, "Negative evidences and co-occurrences in image retrieval: the benefit of PCA and
whitening", ECCV 2012. Where they whiten vectors after the network, the linear layer takes it in:
a search pays nothing. M: drawings to learn from; D: dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from likemark.db.errors import PictureError
from likemark.retrieval.cards import ModelCard
from likemark.retrieval.devices import AUTO, choose_device
from likemark.retrieval.network import Input, MarkNetwork
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.training.config import Data
from likemark.retrieval.training.corpus import read_corpus
from likemark.retrieval.training.views import readable

_BATCH = 64
_LEAST = 1e-6  # of the largest variance: what a direction of less is taken to have


@torch.no_grad()
def whiten(network: MarkNetwork, rows: torch.Tensor) -> None:
    """Change the projection so that these rows would come out without correlations.

    rows: (M, D) what the network gives now, of any length. Raises ValueError for too few of them.
    """
    if len(rows) <= rows.shape[1]:
        raise ValueError(
            f"{len(rows)} rows cannot tell the variances of {rows.shape[1]} dimensions"
        )
    found = rows.double()
    middle = found.mean(0)
    variances, directions = torch.linalg.eigh(torch.cov((found - middle).T))
    variances = variances.clamp(min=_LEAST * float(variances.max()))
    turn = (directions / variances.sqrt()).flip(1).T  # (D, D), the widest direction first
    layer = network.projection
    layer.bias.copy_(turn @ (layer.bias.double() - middle))
    layer.weight.copy_(turn @ layer.weight.double())


class _Squares(Dataset[torch.Tensor]):
    """Drawings as a network is fed them; a broken one has no rows."""

    def __init__(self, paths: Sequence[Path], size: int) -> None:
        self._paths, self._size = paths, size

    def __len__(self) -> int:
        return len(self._paths)

    def __getitem__(self, number: int) -> torch.Tensor:
        """(1 or 0, S, S, 3) uint8"""
        try:
            square = prepared(readable(self._paths[number]), self._size)
        except PictureError:
            return torch.zeros(0, self._size, self._size, 3, dtype=torch.uint8)
        return torch.from_numpy(square)[None]


def embedded(
    network: MarkNetwork, card: ModelCard, paths: Sequence[Path], *,
    workers: int = 1, told: Callable[[int, int], None] = lambda done, of: None,
) -> torch.Tensor:  # fmt: skip
    """(M, D): what the network gives for those drawings that can be read, of any length.

    told: how many of all are done
    """
    device = choose_device(AUTO)
    network = network.eval().to(device.torch()).to(memory_format=torch.channels_last)
    prepare = Input(card).to(device.torch())
    loader: Any = DataLoader(
        _Squares(paths, card.input_size), batch_size=_BATCH, num_workers=workers,
        collate_fn=torch.cat,
    )  # fmt: skip
    found = [torch.zeros(0, card.dimension)]
    with torch.no_grad(), device.precision():
        for number, pixels in enumerate(loader):
            found.append(network(prepare(pixels.to(device.torch()))).float().cpu())
            told(min(len(paths), (number + 1) * _BATCH), len(paths))
    return torch.cat(found)


def drawings_of(data: Data, most: int) -> list[Path]:
    """At most so many of a training's drawings, the same ones each time; none held out from it.

    Raises what `read_corpus` raises.
    """
    corpus = read_corpus(Path(data.corpus), data.exclude)
    trained = np.flatnonzero(~corpus.held(data.validation))
    if len(trained) > most:
        trained = np.sort(np.random.default_rng(0).choice(trained, most, replace=False))
    return [corpus.paths[n] for n in trained.tolist()]
