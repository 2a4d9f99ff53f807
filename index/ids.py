"""Ids in ascending arrays: which of some are there, and sets that grow at their end."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.index.protocol import NO_ID, Ids


def held(ascending: Ids, ids: Ids) -> NDArray[np.bool_]:
    """Which of some ids are among others; as `np.isin`, which sorts the others every time.

    ascending: (N,); ids: of any shape, which the answer has too
    """
    if not len(ascending):
        return np.zeros(ids.shape, bool)
    places = np.minimum(np.searchsorted(ascending, ids), len(ascending) - 1)
    found: NDArray[np.bool_] = ascending[places] == ids
    return found


class Grown:
    """Ids that are added part by part, most often in their order: those are joined when asked for.

    Joined at every part, N ids in parts of n would be copied N / n times.
    """

    def __init__(self, ids: Ids) -> None:
        self._parts = [ids]  # ascending, as each is
        self._count = len(ids)
        self._last = int(ids[-1]) if len(ids) else NO_ID

    def __len__(self) -> int:
        return self._count

    @property
    def ids(self) -> Ids:
        """(N,) ascending."""
        if len(self._parts) > 1:
            self._parts = [np.concatenate(self._parts)]
        return self._parts[0]

    def held(self, ids: Ids) -> NDArray[np.bool_]:
        """(n,) which of some are there."""
        if ids.min(initial=self._last + 1) > self._last:
            return np.zeros(len(ids), bool)
        return held(self.ids, ids)

    def add(self, ids: Ids) -> None:
        """(n,) in any order, none of which is there."""
        if ids.min(initial=self._last + 1) > self._last:
            self._parts.append(np.sort(ids))
        else:
            self._parts = [np.union1d(self.ids, ids)]
        self._count += len(ids)
        self._last = max(self._last, int(ids.max(initial=NO_ID)))
