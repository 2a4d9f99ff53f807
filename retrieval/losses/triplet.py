"""Triplet loss on cosine distances, with the triplets mined from the batch.

"hard": Hermans, Beyer and Leibe, "In Defense of the Triplet Loss", 2017: for each query its
farthest positive and its nearest negative. "semi-hard": Schroff, Kalenichenko and Philbin,
"FaceNet", CVPR 2015: for each positive pair the nearest negative that is farther than the positive.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.comparison import Queries, compare

Mining = Literal["hard", "semi-hard"]
MININGS: tuple[Mining, ...] = ("hard", "semi-hard")


@dataclass(frozen=True, slots=True)
class Triplet:
    margin: float = 0.2  # by which negatives shall be farther, in 1 - cosine
    mining: Mining = "hard"  # which triplets count

    def __post_init__(self) -> None:
        if self.mining not in MININGS:
            raise InvalidInput(f"mining {self.mining!r}: must be one of {MININGS}")
        if not self.margin >= 0:
            raise InvalidInput(f"margin {self.margin}: give 0 or more")

    def __call__(
        self,
        embeddings: Tensor,
        labels: Tensor,
        gallery: Tensor | None = None,
        gallery_labels: Tensor | None = None,
        *,
        queries: Queries = None,
    ) -> Tensor:
        """A scalar: the mean over the mined triplets of max(0, margin + d(q, p) - d(q, n)).

        Arguments as in `smooth_ap`; the gallery is mined like the batch. The query is no candidate
        of its own; queries without a positive or without a negative are left out of the mean,
        which is 0 where none has both.
        """
        compared = compare(
            embeddings, labels, gallery=gallery, gallery_labels=gallery_labels, queries=queries
        )
        positive = compared.same & compared.others()
        mine = _hard if self.mining == "hard" else _semi_hard
        query, near, far = mine(compared.sims.detach(), positive, ~compared.same)
        excess = compared.sims[query, far] - compared.sims[query, near] + self.margin
        return excess.relu().sum() / max(len(query), 1)


def _hard(sims: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(T,) each: the query's row, and the columns of positive and negative. One for each query."""
    query = (positive.any(1) & negative.any(1)).nonzero()[:, 0]
    near = sims.masked_fill(~positive, torch.inf).argmin(1)[query]
    far = sims.masked_fill(~negative, -torch.inf).argmax(1)[query]
    return query, near, far


def _semi_hard(sims: Tensor, positive: Tensor, negative: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """As `_hard`, one for each positive pair. Where all negatives are nearer: the farthest."""
    query, near = (positive & negative.any(1, keepdim=True)).nonzero().unbind(1)
    distances, columns = (1 - sims).masked_fill(~negative, torch.inf).sort(1)
    place = torch.searchsorted(distances, 1 - sims, right=True)[query, near]
    place = place.minimum(negative.sum(1)[query] - 1)
    return query, near, columns[query, place]
