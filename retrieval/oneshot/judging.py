"""Which of the places that overlap is the mark's own, and how much speaks for its being there.

A part of a mark, or a window that shows more than it, is often as like the query as the whole: the
likeness of crops says well whether the mark is there, and badly how far it reaches. So of places
that overlap the larger one is preferred, a window the least, and it is as sure as the likest of
them all. D: dimensions of the retrieval model.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.oneshot.card import Facts
from likemark.retrieval.oneshot.regions import SAME, area, iou, shared
from likemark.retrieval.oneshot.windows import is_round
from likemark.retrieval.redact.regions import Region

# In cosines: what a place twice as large is ahead by, and what a window is behind by. Chosen on
# made scenes of held-out marks and on photos that the benchmark's 240 questions do not ask in.
_TWICE, _WINDOW = 0.12, 0.5
_SHARE = 0.6  # of that lead, how much counts in how sure a place is
_HELD = 0.7  # share of the smaller of two places that the larger shows, from which they are one
# In cosines: how much less like the query than the place that stands for it a part may be that is
# taken for one of the same mark, where all of that is wanted.
_PART = 0.15
_SIDE = 32.0  # px of a level: the side of a place that is neither ahead nor behind


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A place where a query's mark may be."""

    region: Region  # px of the scene, its score yet to come
    facts: Facts
    row: NDArray[np.float32]  # (D,), of length 1: its crop's embedding
    is_window: bool  # one of the scene's largest, whatever the masks say

    @property
    def likeness(self) -> float:
        return self.facts.similarity or 0.0

    @property
    def lead(self) -> float:
        """In cosines."""
        larger = math.log2(max(self.facts.side, 4.0) / _SIDE)
        return _TWICE * larger - (_WINDOW if self.is_window else 0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What stands for all candidates that overlap it."""

    candidate: Candidate
    facts: Facts  # its own, but for the similarity: what speaks for the mark's being there
    others: tuple[Region, ...] = ()  # those of the same mark that are nearly as like the query


def judged(known: Sequence[Candidate]) -> list[Place]:
    """Each place once, the best first. known: of one query that is no query for any mark"""
    groups: list[list[Candidate]] = []  # the one that stands for the others first
    alone = [each for each in known if not each.is_window or _is_alone(each, known)]
    for each in sorted(alone, key=lambda each: -each.likeness - each.lead):
        own = (g for g in groups if _is_of(each, g[0]))
        group = next(own, None)
        if group is None:
            groups.append([each])
        else:
            group.append(each)
    return [_place(group) for group in groups]


def _place(group: Sequence[Candidate]) -> Place:
    best = group[0]
    sure = max(each.likeness for each in group) + _SHARE * best.lead
    others = (
        each.region
        for each in group[1:]
        if not each.is_window and each.likeness >= best.likeness - _PART
    )
    return Place(best, replace(best.facts, similarity=sure), tuple(others))


def _is_of(each: Candidate, lead: Candidate) -> bool:
    """Whether a place is one that the other, which is ahead of it, has found, in part or whole."""
    mine, its = each.region.box, lead.region.box
    held = shared(mine, its) >= _HELD * min(area(mine), area(its))
    return held or iou(mine, its) >= SAME


def _is_alone(window: Candidate, known: Sequence[Candidate]) -> bool:
    """Whether it is more than what lies round a likelier place."""
    return not any(
        each.likeness > window.likeness and is_round(window.region.box, each.region.box)
        for each in known
    )
