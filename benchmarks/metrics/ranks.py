"""The places of the relevant items: all that a figure of this package is computed from.

Q: queries; P: relevant items of all queries together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likemark.benchmarks.metrics.lists import Ints, check_offsets, gather, offsets_of
from likemark.db.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Ranks:
    """Ranks count from 1, among the items that are not ignored.

    Under the default tie rule a query's ranks are distinct; under "worst" equals may occur.
    """

    offsets: Ints  # (Q + 1,): query q's ranks stand at offsets[q]:offsets[q + 1]
    ranks: Ints  # (P,): ascending within a query
    sizes: Ints  # (Q,): how many items were ranked, the ignored ones left out

    def __post_init__(self) -> None:
        check_offsets(self.offsets, len(self.ranks))
        if self.sizes.shape != (len(self),):
            raise InvalidInput(f"sizes: {self.sizes.shape} for {len(self)} queries: give one each")
        descends = (np.diff(self.ranks) < 0) & (np.diff(self.rows) == 0)
        too_early = self.ranks < self.positions
        too_late = self.ranks > np.repeat(self.sizes, self.relevant)
        if descends.any() or too_early.any() or too_late.any():
            raise InvalidInput("a query's ranks must ascend, from 1 to the number of items ranked")

    @classmethod
    def of(cls, ranks: Sequence[ArrayLike], *, size: int) -> Ranks:
        """ranks: each query's, in any order; size: items ranked, the same for all queries."""
        rows = [np.sort(np.asarray(each, np.int64)) for each in ranks]
        offsets = offsets_of(np.array([len(row) for row in rows], np.int64))
        joined = np.concatenate([*rows, np.empty(0, np.int64)])
        return cls(offsets, joined, np.full(len(rows), size, np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, query: int) -> Ints:
        return self.ranks[self.offsets[query] : self.offsets[query + 1]]

    @property
    def relevant(self) -> Ints:
        """(Q,): the number of relevant items, 0 for a query that nothing is relevant to."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Ints:
        """(P,): the query that each rank belongs to."""
        return np.repeat(np.arange(len(self)), self.relevant)

    @property
    def positions(self) -> Ints:
        """(P,): 1 for a query's best ranked relevant item, 2 for the next, and so on."""
        return np.arange(1, len(self.ranks) + 1) - np.repeat(self.offsets[:-1], self.relevant)

    def take(self, queries: ArrayLike) -> Ranks:
        """The ranks of some queries, in the order given. queries: (q,) indices or (Q,) bool"""
        chosen = np.asarray(queries)
        if chosen.dtype == np.bool_:
            chosen = np.flatnonzero(chosen)
        chosen = chosen.astype(np.int64)
        places, offsets = gather(self.offsets, chosen)
        return Ranks(offsets, self.ranks[places], self.sizes[chosen])

    def sums(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """The sum over each query's relevant items. values: (P,). Returns (Q,)."""
        return np.bincount(self.rows, values, minlength=len(self)).astype(np.float64)


def concatenate(parts: Sequence[Ranks]) -> Ranks:
    """The queries of all parts, one part after the other."""
    if not parts:
        raise InvalidInput("no ranks to put together: give those of at least one query")
    relevant = np.concatenate([part.relevant for part in parts])
    return Ranks(
        offsets_of(relevant),
        np.concatenate([part.ranks for part in parts]),
        np.concatenate([part.sizes for part in parts]),
    )
