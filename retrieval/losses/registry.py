"""The losses by name. Each is a frozen value that is called; `dataclasses.replace` changes it."""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from likemark.db.errors import NotFound
from likemark.retrieval.losses.comparison import Queries
from likemark.retrieval.losses.smooth_ap import SmoothAP
from likemark.retrieval.losses.supcon import SupCon
from likemark.retrieval.losses.triplet import Triplet


class Loss(Protocol):
    def __call__(
        self,
        embeddings: Tensor,
        labels: Tensor,
        gallery: Tensor | None = None,
        gallery_labels: Tensor | None = None,
        *,
        queries: Queries = None,
    ) -> Tensor:
        """A scalar to minimise; arguments as in `smooth_ap`."""
        ...


LOSSES: dict[str, Loss] = {
    "smooth-ap": SmoothAP(),
    "triplet": Triplet(),
    "supcon": SupCon(),
}


def find_loss(name: str) -> Loss:
    """With its default settings. Raises NotFound."""
    if name not in LOSSES:
        raise NotFound(f"loss {name!r}: must be one of {', '.join(LOSSES)}")
    return LOSSES[name]
