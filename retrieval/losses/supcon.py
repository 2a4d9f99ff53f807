"""Supervised contrastive loss; with one positive for each query it is InfoNCE.

Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, the form with the sum over
positives outside the logarithm; van den Oord et al., 2018, for InfoNCE.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from likemark.db.errors import InvalidInput
from likemark.retrieval.losses.comparison import Queries, compare


@dataclass(frozen=True, slots=True)
class SupCon:
    temperature: float = 0.07  # cosines are divided by it

    def __post_init__(self) -> None:
        if not self.temperature > 0:
            raise InvalidInput(f"temperature {self.temperature}: give more than 0")

    def __call__(
        self,
        embeddings: Tensor,
        labels: Tensor,
        gallery: Tensor | None = None,
        gallery_labels: Tensor | None = None,
        *,
        queries: Queries = None,
    ) -> Tensor:
        """A scalar: the mean over queries and, within each, over its positives of

            -log( exp(sim(q, p) / t) / sum over all a != q of exp(sim(q, a) / t) ),  t: temperature

        Arguments as in `smooth_ap`. The query is no candidate of its own; queries without a
        positive are left out of the mean, which is 0 where none has one.
        """
        compared = compare(
            embeddings, labels, gallery=gallery, gallery_labels=gallery_labels, queries=queries
        )
        others = compared.others()
        positive = compared.same & others
        # Not infinity: a batch of one row without a gallery has no other candidate.
        logits = compared.sims.div(self.temperature).masked_fill(~others, -1e9)
        costs = -logits.log_softmax(1).where(positive, 0)
        count = positive.sum(1)
        return (costs.sum(1) / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)
