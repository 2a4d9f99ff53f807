"""Which drawings stand in which batch: a function of the seed and the step alone.

A batch has P groups with K views each. Groups are of three kinds: brands drawn more than once,
ideas drawn by several hands, and single drawings, which augmentation alone makes several of.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.retrieval.training.alike import Alike
from likemark.retrieval.training.config import Batch
from likemark.retrieval.training.corpus import Corpus

_TRIES = 50


@dataclass(frozen=True, slots=True)
class Slot:
    """One view of a batch."""

    drawing: int  # its place in the corpus
    group: int
    copied: bool  # another view of this batch is made from the same drawing


class Sampler:
    def __init__(self, corpus: Corpus, batch: Batch, alike: Alike | None, *, seed: int) -> None:
        """alike: which groups look like which; None: none is known to look like another.

        Raises InvalidInput when there are fewer groups than a batch takes.
        """
        self._batch, self._alike, self._seed = batch, alike, seed
        self._works = _works_by_group(corpus)
        several = np.array([len(works) > 1 for works in self._works])
        idea = np.zeros(len(corpus.names), np.bool_)
        idea[corpus.groups] = corpus.is_idea
        kinds = (several & ~idea, several & idea, ~several)
        self._kinds = [np.flatnonzero(kind) for kind in kinds]
        self._kind_of = np.argmax(kinds, axis=0)
        if len(corpus.names) < batch.groups:
            raise InvalidInput(
                f"the corpus has {len(corpus.names)} groups to train on; "
                f"batch.groups {batch.groups} must not be above that"
            )

    @property
    def counts(self) -> tuple[int, int, int]:
        """Groups: brands drawn more than once, ideas drawn more than once, single drawings."""
        brands, ideas, singles = (len(kind) for kind in self._kinds)
        return brands, ideas, singles

    def batch(self, step: int) -> list[Slot]:
        """P * K slots, the views of a group one after the other."""
        rng = np.random.default_rng([self._seed, step])
        return [slot for group in self._groups(rng) for slot in self._views(group, rng)]

    def _groups(self, rng: np.random.Generator) -> list[int]:
        """P groups, no two of which show the same drawing under two names."""
        chosen: list[int] = []
        barred: set[int] = set()
        while len(chosen) < self._batch.groups:
            group = self._next(chosen, barred, rng)
            chosen.append(group)
            barred.add(group)
            if self._alike is not None:
                barred.update(self._alike.same[group])
        return chosen

    def _next(self, chosen: list[int], barred: set[int], rng: np.random.Generator) -> int:
        kind = self._kind(rng)
        share = self._batch.alike
        # For a share of 0 nothing is drawn: runs that were begun so keep their batches.
        if self._alike is not None and share and chosen and rng.random() < share:
            near = self._alike.near[chosen[int(rng.integers(len(chosen)))]]
            # Of the kind whose turn it is: what looks alike must not change the kinds' shares.
            free = [g for g in near if g not in barred and self._kind_of[g] == kind]
            if free:
                return free[int(rng.integers(len(free)))]
        for _ in range(_TRIES):
            group = int(rng.choice(self._kinds[kind]))
            if group not in barred:
                return group
            kind = self._kind(rng)
        every = np.arange(len(self._works))
        free = np.setdiff1d(every, list(barred)).tolist()
        return int(rng.choice(free or np.setdiff1d(every, chosen)))

    def _kind(self, rng: np.random.Generator) -> int:
        brands, ideas = self._batch.brands, self._batch.ideas
        shares = np.array([brands, ideas, max(0.0, 1 - brands - ideas)])
        shares *= [len(kind) > 0 for kind in self._kinds]
        if not shares.any():
            shares = np.array([len(kind) > 0 for kind in self._kinds], float)
        return int(rng.choice(3, p=shares / shares.sum()))

    def _views(self, group: int, rng: np.random.Generator) -> list[Slot]:
        """As many different drawings of the group as there are, and K views in all."""
        works, views = self._works[group], self._batch.views
        order = rng.permutation(len(works))
        picked = [works[order[n % len(works)]] for n in range(views)]
        drawings = [int(work[rng.integers(len(work))]) for work in picked]
        return [Slot(drawing, group, drawings.count(drawing) > 1) for drawing in drawings]


def _works_by_group(corpus: Corpus) -> list[list[NDArray[np.int64]]]:
    """For each group its artworks, for each artwork the drawings that are copies of it."""
    works: list[list[NDArray[np.int64]]] = [[] for _ in corpus.names]
    order = np.argsort(corpus.artworks, kind="stable")
    for members in np.split(order, np.cumsum(np.bincount(corpus.artworks))[:-1]):
        works[int(corpus.groups[members[0]])].append(members)
    return works
