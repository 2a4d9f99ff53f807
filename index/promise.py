"""The recall that an approximate index promises, and the effort that keeps it.

Recall@k is the share of the true k nearest that are found, over held-out queries, against comparing
every vector (Manning et al., Introduction to Information Retrieval, 2008, 8.3; the ties that share
the last place all count as true). A promise holds when the lower end of the 90 % interval of
measured recall (normal approximation over queries) reaches it. Sizes: Q queries, N vectors,
D dimensions.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.index.protocol import Ids, Rows

PROMISED = 0.99  # when nothing is asked for
# Candidates scored exactly, as multiples of the hits wanted, where codes lose something.
DEPTHS = (1.5, 2.0, 3.0, 6.0, 12.0)
# Comparing a vector that is fetched by its id costs as much as passing over this many in lists.
FETCH_COST = 400
KS = (10, 100)  # recall is measured at
AT_ONCE = 100  # queries; the rows of all their candidates are in memory
# Cosines of queries to the stored vectors that they are moved away from. So moved, they are as far
# from the nearest of a million as the queries of the benchmark of scale are (5, 50 and 95 %: 0.32,
# 0.56 and 0.84), and recall grows with the lists visited as it does for those.
ALIKE = (0.25, 0.875)
_MIXED = 256  # vectors that are mixed
_CEILING = 512  # lists visited to see what the codes alone lose
_SPARE = 8  # candidates more, for few hits
_TIE = 1e-6
_Z = 1.645  # of a 90 % interval's two ends


@dataclass(frozen=True, slots=True)
class Effort:
    """What a search of up to k hits does."""

    k: int
    probes: int  # lists visited
    depth: float  # candidates scored exactly, as a multiple of the hits wanted
    recall: float = 0.0  # @k, measured
    low: float = 0.0  # the lower end of its 90 % interval

    def candidates(self, reach: int) -> int:
        return int(np.ceil(self.depth * reach)) + _SPARE

    def cost(self, mean: float) -> float:
        """In vectors passed over; mean: of vectors in a list."""
        fetched = self.candidates(self.k) if self.depth > 1 else 0
        return self.probes * mean + FETCH_COST * fetched


@dataclass(frozen=True, slots=True)
class Promise:
    recall: float  # asked for
    queries: int  # it was measured with; 0: not measured
    efforts: tuple[Effort, ...]  # by k, ascending

    def effort(self, reach: int) -> Effort:
        """The one for so many hits; beyond the last, in proportion."""
        for each in self.efforts:
            if reach <= each.k:
                return each
        last = self.efforts[-1]
        return Effort(reach, int(np.ceil(last.probes * reach / last.k)), last.depth)

    @property
    def kept(self) -> bool:
        return self.queries > 0 and all(each.low >= self.recall for each in self.efforts)


def check_recall(recall: float | None) -> None:
    """Raises InvalidInput."""
    if recall is not None and not 0.5 <= recall < 1:
        raise InvalidInput(f"recall {recall}: give 0.5 to 0.999; --index Flat is exact")


@dataclass(slots=True)
class Truth:
    """The true nearest of held-out queries, gathered while all vectors pass by."""

    queries: Rows  # (Q, D)
    scores: Rows  # (Q, 100) best first
    ids: Ids  # (Q, 100)

    @classmethod
    def of(cls, queries: Rows) -> Truth:
        shape = (len(queries), max(KS))
        return cls(queries, np.full(shape, -np.inf, np.float32), np.full(shape, -1, np.int64))

    def take(self, ids: Ids, rows: Rows) -> None:
        """More vectors: ids (n,), rows (n, D)."""
        scores = self.queries @ rows.T
        # Most have nothing to add: none of theirs is better than the worst that is kept.
        for query in np.flatnonzero(scores.max(axis=1, initial=-np.inf) > self.scores[:, -1]):
            better = np.flatnonzero(scores[query] > self.scores[query, -1])
            joined = np.concatenate([self.scores[query], scores[query, better]])
            numbers = np.concatenate([self.ids[query], ids[better]])
            best = np.argsort(-joined, kind="stable")[: self.scores.shape[1]]
            self.scores[query], self.ids[query] = joined[best], numbers[best]

    def parts(self) -> Iterator[Truth]:
        for start in range(0, len(self.queries), AT_ONCE):
            part = slice(start, start + AT_ONCE)
            yield Truth(self.queries[part], self.scores[part], self.ids[part])

    def recall(self, found: Ids) -> NDArray[np.float64]:
        """(Q,) recall@k of hits (Q, k)."""
        k = found.shape[1]
        true = np.where(self.scores >= self.scores[:, k - 1, None] - _TIE, self.ids, -1)
        right = ((found[:, :, None] == true[:, None]) & (found >= 0)[:, :, None]).any(axis=2)
        recall: NDArray[np.float64] = right.sum(axis=1) / k
        return recall


def held_out(rows: Rows, *, count: int, seed: int = 0) -> Truth:
    """Queries as far from stored vectors as a new drawing of a mark is from those that are stored.

    Each is a stored vector, turned aside until its cosine to where it was is between ALIKE's. Aside
    is a random mixture of many vectors: it spreads as they do and leads to none of them. Queries
    that are stored vectors, or lie between two, are far easier: an effort chosen by them keeps no
    promise.
    """
    rng = np.random.default_rng(seed)
    start = rows[rng.permutation(len(rows))[:count]].astype(np.float32)
    mixed = rows[rng.integers(len(rows), size=_MIXED)]
    aside = rng.standard_normal((len(start), _MIXED)).astype(np.float32) @ mixed
    aside -= (aside * start).sum(axis=1, keepdims=True) * start
    cosines = rng.uniform(*ALIKE, size=(len(start), 1)).astype(np.float32)
    return Truth.of(_unit(cosines * start + np.sqrt(1 - cosines**2) * _unit(aside)))


def _unit(rows: NDArray[np.floating]) -> Rows:
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit: Rows = (rows / np.maximum(lengths, 1e-12)).astype(np.float32)
    return unit


Search = Callable[[Rows, int, Effort], Ids]


@dataclass(frozen=True, slots=True)
class _Measuring:
    search: Search
    truth: Truth
    lists: int
    count: int  # vectors
    recall: float
    depths: Sequence[float]

    def tried(self, effort: Effort) -> Effort:
        search, k = self.search, effort.k
        parts = [part.recall(search(part.queries, k, effort)) for part in self.truth.parts()]
        each = np.concatenate(parts)
        mean = float(each.mean())
        low = mean - _Z * float(each.std()) / max(len(each), 1) ** 0.5
        return replace(effort, recall=mean, low=low)

    def cost(self, effort: Effort) -> float:
        return effort.cost(self.count / self.lists)


def measured(
    search: Search, truth: Truth, *, lists: int, count: int, recall: float,
    depths: Sequence[float] = DEPTHS,
) -> Promise:  # fmt: skip
    """The cheapest effort that keeps the promise, or the most there is.

    search: (queries, hits wanted, effort) -> ids (Q, hits); depths: to choose from, ascending; 1.0
    alone where codes lose nothing
    """
    by = _Measuring(search, truth, lists, count, recall, depths)
    efforts = [_cheapest(by, k) for k in KS if k < count]
    if not efforts:
        efforts = [Effort(max(KS), lists, depths[0], 1.0, 1.0)]
    return Promise(recall, len(truth.queries), tuple(efforts))


def _cheapest(by: _Measuring, k: int) -> Effort:
    """More candidates make good what codes lose, more lists what lies apart: both have a price."""
    ceiling = min(by.lists, _CEILING)
    best: Effort | None = None
    for depth in by.depths:
        if best is not None and by.cost(Effort(k, 1, depth)) >= by.cost(best):
            break  # and so are those behind it
        most = Effort(k, ceiling, depth)
        if len(by.depths) > 1:
            most = by.tried(most)
            if most.low < by.recall:
                continue  # what the codes lose is lost everywhere
        for probes in (*_probes(ceiling), ceiling):
            effort = replace(most, probes=probes)
            if best is not None and by.cost(effort) >= by.cost(best):
                break
            tried = by.tried(effort)
            if tried.low >= by.recall:
                best = tried
                break
    return best or _most(by, Effort(k, ceiling, by.depths[-1]))


def _most(by: _Measuring, best: Effort) -> Effort:
    """Where the ceiling's lists are too few: more of them, as many as there are in the end."""
    best = by.tried(best)
    probes = best.probes
    while probes < by.lists:
        probes = min(2 * probes, by.lists)
        for depth in by.depths:
            tried = by.tried(replace(best, probes=probes, depth=depth))
            if tried.low >= by.recall:
                return tried
            best = max(best, tried, key=lambda each: each.recall)
    return best


def _probes(lists: int) -> Iterator[int]:
    """1, 2, 3, ... below so many lists, each some eighth more than the last."""
    step = 1
    while step < lists:
        yield step
        step += max(step // 8, 1)
