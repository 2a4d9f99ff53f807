"""A batch compared with all that it is ranked against: the first step of every loss.

B rows in the batch, D dimensions, G rows in the gallery, Q queries, N = B + G candidates.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from likemark.db.errors import InvalidInput

Queries = slice | Tensor | None
HALVES = (torch.float16, torch.bfloat16)


@dataclass(frozen=True, slots=True)
class Comparison:
    sims: Tensor  # (Q, N) float32 or float64: cosines; batch columns first, then the gallery's
    same: Tensor  # (Q, N) bool: of the query's label; the query's own column is too
    own: Tensor  # (Q,) int64: the query's own column

    def __post_init__(self) -> None:
        assert self.sims.shape == self.same.shape
        assert len(self.own) == len(self.sims)

    def others(self) -> Tensor:
        """(Q, N) bool: False in the query's own column."""
        mask = torch.ones_like(self.same)
        mask[torch.arange(len(self.own), device=mask.device), self.own] = False
        return mask


def compare(
    embeddings: Tensor,
    labels: Tensor,
    *,
    gallery: Tensor | None = None,
    gallery_labels: Tensor | None = None,
    queries: Queries = None,
) -> Comparison:
    """Similarities in float32 at least, under autocast too: bfloat16 keeps 3 digits of a cosine.

    embeddings: (B, D) unit rows; labels: (B,) int64, in any order
    gallery: (G, D) unit rows of earlier batches, no gradient flows to them; gallery_labels: (G,)
    queries: the rows of the batch that ask, as a slice or (Q,) int64; None: all of them
    Raises InvalidInput for shapes that do not fit and for an empty batch or no query.
    """
    _check("labels", labels, embeddings)
    if (gallery is None) != (gallery_labels is None):
        raise InvalidInput("a gallery and its labels: give both or neither")
    own = torch.arange(len(labels), device=embeddings.device)[_all(queries)]
    if not len(own):
        raise InvalidInput("no query: give 1 row or more")
    asked = labels[own]
    with torch.autocast(embeddings.device.type, enabled=False):
        rows = _at_least_float32(embeddings)
        candidates = rows
        if gallery is not None and gallery_labels is not None:
            _check("gallery_labels", gallery_labels, gallery, like=embeddings)
            candidates = torch.cat([rows, gallery.detach().to(rows)])
            labels = torch.cat([labels, gallery_labels])
        asking = rows if queries is None else rows[own]
        return Comparison(asking @ candidates.T, asked[:, None] == labels, own)


def _all(queries: Queries) -> slice | Tensor:
    return slice(None) if queries is None else queries


def _at_least_float32(rows: Tensor) -> Tensor:
    return rows.float() if rows.dtype in HALVES else rows


def _check(name: str, labels: Tensor, rows: Tensor, *, like: Tensor | None = None) -> None:
    if rows.ndim != 2 or labels.shape != rows.shape[:1]:
        raise InvalidInput(
            f"{name} {tuple(labels.shape)} for rows {tuple(rows.shape)}: give (N,) and (N, D)"
        )
    if like is not None and rows.shape[1] != like.shape[1]:
        raise InvalidInput(f"gallery of {rows.shape[1]} dimensions: the batch has {like.shape[1]}")
