"""An approximate index in layers: an unchanging base, vectors added since, ids removed since.

To add or remove never rebuilds. A search visits the lists of the base and of what was added that
promise the recall asked for; where its codes lose something, it scores the best of what it finds
with the vectors from where the truth is kept. Sizes: N vectors, D dimensions, Q queries, L lists,
k hits.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.index.base import Base, Draft
from likemark.index.checks import check_k, check_new, check_rows
from likemark.index.gpu import GpuCopy
from likemark.index.ids import Grown, held
from likemark.index.layers_stored import Layers, store_layers
from likemark.index.places import Places
from likemark.index.probing import empty, faiss, ordered, probe, reject, select
from likemark.index.promise import FETCH_COST, Effort, Promise
from likemark.index.protocol import NO_ID, Found, Ids, IndexStats, Rows, RowsOf, Stamp
from likemark.index.rescoring import exact_scores

# Behind a filter, allowed vectors that are seen at the least, and how far that is raised at most
# where they are far off: measured in the benchmark of filters.
LEAST_SEEN = 10_000
MOST_FAR = 8.0
# A base is written anew when this share of it was added or removed, or so many vectors added: what
# was added is in the memory of every process that searches, the base in all of them once.
COMPACT_SHARE = 0.25
MOST_ADDED = 250_000


@dataclass(frozen=True, slots=True)
class _Chosen:
    """What a set of allowed ids means for a search, kept while the same set is asked for."""

    allowed: Ids
    of_base: Any  # FAISS selectors
    of_added: Any
    spread: NDArray[np.float64]  # (L,) allowed vectors in each list, of the base and added


@dataclass(frozen=True, slots=True)
class _Few:
    """The vectors of a small set of allowed ids, kept while the same set is asked for."""

    allowed: Ids
    ids: Ids  # (n,), ascending: those that are there
    rows: Rows  # (n, D)


class LayeredIndex:
    """Inverted lists over any of FAISS's codes. `setting`: what was asked for."""

    def __init__(
        self, base: Base, promise: Promise, *, factory: str, setting: str,
        layers: Layers | None = None, rows_of: RowsOf | None = None,
    ) -> None:  # fmt: skip
        self._base = base
        self.factory, self.setting = factory, setting
        self.promise = promise
        self.rows_of = rows_of
        self._copy: GpuCopy | None = None  # of the base
        self._leave_out(np.empty(0, np.int64) if layers is None else layers.removed)
        self._added = base.spawn()
        laid = np.empty(0, np.int64) if layers is None else layers.lay_on(self._added)
        self._added_ids = Grown(laid)

    @property
    def dimension(self) -> int:
        return int(self._base.engine.d)

    @property
    def count(self) -> int:
        return self._base.count - len(self._removed) + len(self._added_ids)

    @property
    def changed(self) -> float:
        """Vectors added or removed since the base was made, as a share of it."""
        return (len(self._removed) + len(self._added_ids)) / max(self._base.count, 1)

    @property
    def crowding(self) -> float:
        """From 1 on the base is to be written anew."""
        return max(self.changed / COMPACT_SHARE, len(self._added_ids) / MOST_ADDED)

    def add(self, ids: Ids, rows: Rows) -> None:
        rows = check_rows(rows, self.dimension)
        check_new(ids, rows)
        if not len(ids):
            return
        if self._held(ids).any():
            raise InvalidInput("index: an id is there already; remove it first")
        self._added.add_with_ids(rows, np.ascontiguousarray(ids))
        self._added_ids.add(ids)
        self._forget()

    def remove(self, ids: Ids) -> int:
        there = np.unique(ids[self._held(ids)])
        if not len(there):
            return 0
        added = self._added_ids.held(there)
        if added.any():
            self._added.remove_ids(faiss.IDSelectorBatch(there[added]))
            left = self._added_ids.ids
            self._added_ids = Grown(left[~held(there, left)])
        self._leave_out(np.union1d(self._removed, there[~added]))
        return len(there)

    def search(self, queries: Rows, k: int, *, allowed: Ids | None = None) -> Found:
        queries = check_rows(queries, self.dimension)
        check_k(k)
        reach = min(k, self.count if allowed is None else min(self.count, len(allowed)))
        if reach == 0 or not len(queries):
            return empty(len(queries), k)
        if allowed is not None and self.rows_of is not None:
            if len(allowed) * FETCH_COST <= self.count:
                few = self._fetched(allowed, self.rows_of)
                scores = queries @ few.rows.T
                return ordered(np.broadcast_to(few.ids, scores.shape), scores, k)
        ids, scores = self._candidates(queries, reach, self.promise.effort(reach), allowed)
        return self._best(queries, ids, scores, k)

    def search_with(self, queries: Rows, k: int, effort: Effort) -> Ids:
        """(Q, k) ids found with this effort alone; to measure its recall."""
        wanted = min(effort.candidates(k), self.count)
        ids, scores = self._visited(queries, wanted, effort.probes, None)
        return self._best(queries, ids, scores, k).ids

    def ids(self) -> Ids:
        """(N,) ascending."""
        of_base = self._base.places.ids
        return np.union1d(of_base[~held(self._removed, of_base)], self._added_ids.ids)

    def compact(self, folder: Path) -> None:
        """Write base and layers as one base; nothing is trained anew. Raises IndexFault."""
        self.check()
        sources = [self._base.lists.faiss, self._added.invlists]
        made = Draft(folder).finished(self._base.trained, sources, without=self._removed)
        self._base, self._added = made, made.spawn()
        self._copy = None
        self._added_ids = Grown(np.empty(0, np.int64))
        self._leave_out(np.empty(0, np.int64))

    def to_gpu(self, queries: int) -> bool:
        """Search the base there until it is written anew.

        queries: about how many will come. False where that is not worth it, or cannot be. Raises
        IndexDamaged.
        """
        visited = self.promise.effort(10).probes * self._base.mean
        copy = GpuCopy.of(self._base.engine, comparisons=queries * visited)
        if copy is not None:
            self.check()
        self._copy = copy
        return copy is not None

    def check(self) -> None:
        """Read what opening has not read. Raises IndexDamaged for what is not as it was stored."""
        self._base.lists.check(np.arange(int(self._base.engine.nlist)))

    def save(self, folder: Path, stamp: Stamp, *, instead: Stamp | None = None) -> None:
        """The base stays where it is once it is stored: only the layers are written again."""
        layers = Layers.of(self._added, self._removed)
        store_layers(
            folder, self._base, layers, self.promise, stamp,
            factory=self.factory, setting=self.setting, instead=instead,
        )  # fmt: skip

    def stats(self) -> IndexStats:
        code = int(self._base.engine.code_size)
        ten = self.promise.effort(10)
        known = self.promise.queries > 0
        return IndexStats(
            count=self.count,
            dimension=self.dimension,
            factory=self.factory,
            exact=False,
            bytes_in_memory=self.count * (code + 8 + 12),  # code and id in a list, and its place
            device="cpu" if self._copy is None else self._copy.device,
            added=len(self._added_ids),
            removed=len(self._removed),
            recall=self.promise.recall if known else None,
            measured=ten.recall if known else None,
            kept=self.promise.kept if known else None,
            probes=ten.probes,
        )

    def _leave_out(self, removed: Ids) -> None:
        """Of the base; what every search is told of it is made once."""
        self._removed = removed  # ascending
        self._kept = reject(removed)  # a FAISS selector; None: all
        self._forget()

    def _forget(self) -> None:
        """What was found of vectors that may have changed."""
        self._chosen: _Chosen | None = None
        self._few: _Few | None = None
        self._places: Places | None = None  # of what was added

    def _held(self, ids: Ids) -> NDArray[np.bool_]:
        in_base = self._base.places.held(ids) & ~held(self._removed, ids)
        return in_base | self._added_ids.held(ids)

    def _candidates(
        self, queries: Rows, reach: int, effort: Effort, allowed: Ids | None
    ) -> tuple[Ids, Rows]:
        """ids and scores, both (Q, C), unordered; all that is allowed where too little was near."""
        most = self.count if allowed is None else min(self.count, len(allowed))
        wanted = min(effort.candidates(reach), most)
        ids, scores = self._visited(queries, wanted, effort.probes, allowed)
        few = (ids != NO_ID).sum(axis=1) < reach
        if few.any() and effort.probes < int(self._base.engine.nlist):
            every = int(self._base.engine.nlist)
            ids[few], scores[few] = self._visited(queries[few], wanted, every, allowed)
        return ids, scores

    def _visited(
        self, queries: Rows, wanted: int, probes: int, allowed: Ids | None
    ) -> tuple[Ids, Rows]:
        """Of the base and of what was added, both (Q, wanted)."""
        chosen = None if allowed is None else self._choose(allowed)
        found = self._by_gpu(queries, wanted, probes) if allowed is None else None
        if found is not None and not len(self._added_ids):
            return found
        keys, nearness = self._lists(queries, probes, chosen)
        of_base = self._kept if chosen is None else chosen.of_base
        of_added = None if chosen is None else chosen.of_added
        if found is None:
            self._base.lists.check(keys)
            found = probe(self._base.engine, queries, keys, nearness, wanted, of_base)
        if not len(self._added_ids):
            return found
        ids, scores = found
        more, theirs = probe(self._added, queries, keys, nearness, wanted, of_added)
        return _first_best(np.hstack([ids, more]), np.hstack([scores, theirs]), wanted)

    def _by_gpu(self, queries: Rows, wanted: int, probes: int) -> tuple[Ids, Rows] | None:
        """Of the base; None where what was removed since has taken the places of too many."""
        if self._copy is None:
            return None
        spare = min(len(self._removed), wanted)
        probes = min(probes, int(self._base.engine.nlist))
        found = self._copy.nearest(queries, wanted + spare, probes)
        if found is None:
            return None
        ids, scores = found
        gone = held(self._removed, ids)
        if len(self._removed) > spare and (gone.sum(axis=1) > spare).any():
            return None
        return _first_best(np.where(gone, NO_ID, ids), np.where(gone, -np.inf, scores), wanted)

    def _lists(self, queries: Rows, probes: int, chosen: _Chosen | None) -> tuple[Ids, Rows]:
        """keys and nearness, both (Q, P): nearest lists first, -1 behind the last to visit."""
        total = int(self._base.engine.nlist)
        probes = min(probes, total)
        if chosen is None or probes == total:
            nearness, keys = self._base.engine.quantizer.search(queries, probes)
            return keys, nearness
        nearness, keys = self._base.engine.quantizer.search(queries, total)
        last = self._enough(np.cumsum(chosen.spread[keys], axis=1), probes)
        widest = int(last.max())
        keys, nearness = keys[:, :widest].copy(), nearness[:, :widest].copy()
        keys[np.arange(widest) >= last[:, None]] = NO_ID
        return keys, nearness

    def _enough(self, seen: NDArray[np.float64], probes: int) -> NDArray[np.int64]:
        """(Q,) lists to visit, when so many allowed vectors are seen behind each (Q, L).

        As many allowed vectors are to be seen as the promise sees vectors, and more where they lie
        further off than allowed ones would by chance: lists are then a worse guide to what is near.
        """
        there = np.maximum(seen[:, -1], 1.0)
        need = np.maximum(probes * self._base.mean, LEAST_SEEN)
        reached = _first(seen, np.minimum(need, there))
        by_chance = np.maximum(seen.shape[1] * need / there, 1.0)
        need = need * np.clip(reached / by_chance, 1.0, MOST_FAR)
        last: NDArray[np.int64] = np.maximum(_first(seen, np.minimum(need, there)), probes)
        return last

    def _choose(self, allowed: Ids) -> _Chosen:
        chosen = self._chosen
        if chosen is None or chosen.allowed is not allowed:
            in_base = np.setdiff1d(allowed, self._removed) if len(self._removed) else allowed
            spread = self._base.places.spread(in_base)
            if len(self._added_ids):
                if self._places is None:
                    self._places = Places.of_memory(self._added)
                spread = spread + self._places.spread(allowed)
            of_added = select(allowed)
            of_base = select(in_base) if len(self._removed) else of_added
            chosen = self._chosen = _Chosen(allowed, of_base, of_added, spread)
        return chosen

    def _fetched(self, allowed: Ids, rows_of: RowsOf) -> _Few:
        if self._few is None or self._few.allowed is not allowed:
            self._few = _Few(allowed, *rows_of(np.unique(allowed[self._held(allowed)])))
        return self._few

    def _best(self, queries: Rows, ids: Ids, scores: Rows, k: int) -> Found:
        rough = not self._base.exact or self._copy is not None  # GPUs compute in float16
        if rough and self.rows_of is not None:
            ids, scores = exact_scores(queries, ids, self.rows_of)
        return ordered(ids, scores, k)


def _first_best(ids: Ids, scores: Rows, most: int) -> tuple[Ids, Rows]:
    """Of (Q, C) each, both (Q, most), best first."""
    best = np.argsort(-scores, axis=1, kind="stable")[:, :most]
    return np.take_along_axis(ids, best, axis=1), np.take_along_axis(scores, best, axis=1)


def _first(seen: NDArray[np.float64], need: NDArray[np.float64]) -> NDArray[np.int64]:
    """(Q,) how many lists it takes to see as many as needed, (Q,), by seen (Q, L) ascending."""
    lists: NDArray[np.int64] = np.argmax(seen >= need[:, None] - 0.5, axis=1) + 1
    return lists
