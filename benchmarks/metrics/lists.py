"""Which gallery items are relevant to a query, and which are not to be judged at all.

Q: queries; N: gallery items; P: items of all lists together.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from likemark.db.errors import InvalidInput

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Lists:
    """One set of gallery items for each query."""

    offsets: Ints  # (Q + 1,): query q's items stand at offsets[q]:offsets[q + 1]
    items: Ints  # (P,): ascending within a query, none twice

    def __post_init__(self) -> None:
        check_offsets(self.offsets, len(self.items))
        jumps = np.diff(self.items) <= 0
        within = np.diff(self.rows) == 0
        if (jumps & within).any():
            raise InvalidInput("a query's items must ascend: build the lists with Lists.of")
        if self.items.size and self.items.min() < 0:
            raise InvalidInput(f"items are numbered from 0, got {self.items.min()}")

    @classmethod
    def of(cls, sets: Iterable[ArrayLike]) -> Lists:
        """sets: the items of each query, in any order; repeats count once."""
        unique = [np.unique(np.asarray(each, np.int64)) for each in sets]
        sizes = np.array([len(each) for each in unique], np.int64)
        return cls(offsets_of(sizes), np.concatenate([*unique, np.empty(0, np.int64)]))

    @classmethod
    def single(cls, items: ArrayLike) -> Lists:
        """One item for each query. items: (Q,)"""
        only = np.asarray(items, np.int64)
        return cls(np.arange(len(only) + 1, dtype=np.int64), only)

    @classmethod
    def empty(cls, queries: int) -> Lists:
        return cls(np.zeros(queries + 1, np.int64), np.empty(0, np.int64))

    def __len__(self) -> int:
        return len(self.offsets) - 1

    def __getitem__(self, query: int) -> Ints:
        return self.items[self.offsets[query] : self.offsets[query + 1]]

    @property
    def sizes(self) -> Ints:
        """(Q,): each query's number of items."""
        return np.diff(self.offsets)

    @property
    def rows(self) -> Ints:
        """(P,): the query that each item belongs to."""
        return np.repeat(np.arange(len(self)), self.sizes)

    def take(self, queries: ArrayLike) -> Lists:
        """The lists of some queries, in the order given. queries: (q,)"""
        chosen = np.asarray(queries, np.int64)
        places, offsets = gather(self.offsets, chosen)
        return Lists(offsets, self.items[places])

    def without(self, other: Lists) -> Lists:
        """What stands in no list of the same query in `other`."""
        width = 1 + max(int(lists.items.max(initial=0)) for lists in (self, other))
        mine, theirs = (lists.rows * width + lists.items for lists in (self, other))
        kept = ~np.isin(mine, theirs)
        sizes = np.bincount(self.rows[kept], minlength=len(self))
        return Lists(offsets_of(sizes), self.items[kept])


Judged = Lists | Sequence[ArrayLike]


def as_lists(judged: Judged | None, *, queries: int, gallery: int, what: str) -> Lists:
    """Raises InvalidInput unless there is a list for each query and every item exists.

    judged: None: nothing for any query; queries: Q; gallery: N; what: how a message calls it
    """
    if judged is None:
        return Lists.empty(queries)
    lists = judged if isinstance(judged, Lists) else Lists.of(judged)
    if len(lists) != queries:
        raise InvalidInput(f"{what}: {len(lists)} lists for {queries} queries: give one for each")
    if lists.items.size and (last := int(lists.items.max())) >= gallery:
        raise InvalidInput(f"{what}: item {last} of a gallery of {gallery}: they count from 0")
    return lists


def same_group(query_groups: ArrayLike, gallery_groups: ArrayLike) -> Lists:
    """All gallery items of the query's group, the query itself among them if it stands there.

    query_groups: (Q,), gallery_groups: (N,): labels of one type, numbers or strings
    """
    asked, labels = np.asarray(query_groups), np.asarray(gallery_groups)
    order = np.argsort(labels, kind="stable")
    low = np.searchsorted(labels, asked, side="left", sorter=order)
    high = np.searchsorted(labels, asked, side="right", sorter=order)
    offsets = offsets_of(high - low)
    places = np.arange(offsets[-1]) + np.repeat(low - offsets[:-1], high - low)
    return Lists(offsets, order[places].astype(np.int64))


def offsets_of(sizes: NDArray[np.integer]) -> Ints:
    """sizes: (Q,). Returns (Q + 1,), from 0."""
    return np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes, dtype=np.int64)])


def gather(offsets: Ints, chosen: Ints) -> tuple[Ints, Ints]:
    """Where the entries of some queries stand, and their offsets once they are put together.

    offsets: (Q + 1,); chosen: (q,) queries
    result: (p,) places, (q + 1,) offsets
    """
    sizes = np.diff(offsets)[chosen]
    fresh = offsets_of(sizes)
    return np.arange(fresh[-1]) + np.repeat(offsets[chosen] - fresh[:-1], sizes), fresh


def check_offsets(offsets: Ints, entries: int) -> None:
    ends = offsets.ndim == 1 and len(offsets) > 0 and (offsets[0], offsets[-1]) == (0, entries)
    if not ends or (np.diff(offsets) < 0).any():
        raise InvalidInput(f"offsets must ascend from 0 to the number of entries, {entries}")
