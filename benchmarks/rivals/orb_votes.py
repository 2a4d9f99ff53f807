"""Which pictures share keypoints with a query: an inverted file over binary descriptors.

N: pictures; T: their keypoints; q: queries asked at once.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.rivals.orb_features import BYTES, Descriptors, Features

# Bits that two descriptors of one corner may differ in, of 256.
NEAR = 64
NEIGHBOURS = 100  # of each of a query's keypoints
LISTS = 1024  # at most
PROBED = 8  # lists that a keypoint is looked up in
_TRAINED_ON = 48  # keypoints for each list
_ADDED = 1 << 18


class Votes:
    """T keypoints ready to be looked up; the same for the same features."""

    def __init__(self, index: Any, quantizer: Any, owners: NDArray[np.int32], size: int) -> None:
        self._index = index
        self._quantizer = quantizer  # the index refers to it without owning it
        self._owners = owners
        self._size = size

    @classmethod
    def build(cls, features: Features) -> Self:
        import faiss as untyped

        faiss: Any = untyped
        total = len(features.descriptors)
        lists = max(1, min(LISTS, total // _TRAINED_ON))
        quantizer = faiss.IndexBinaryFlat(8 * BYTES)
        index = faiss.IndexBinaryIVF(quantizer, 8 * BYTES, lists)
        index.nprobe = PROBED
        if total:
            sample = np.linspace(0, total - 1, min(total, lists * _TRAINED_ON)).astype(np.int64)
            index.train(features.descriptors[sample])
            for start in range(0, total, _ADDED):
                index.add(features.descriptors[start : start + _ADDED])
        return cls(index, quantizer, features.owners(), len(features))

    def count(self, queries: list[Descriptors]) -> NDArray[np.float32]:
        """Each query keypoint's votes: one a picture, less for a neighbour further away.

        queries: q of (n, 32)
        result: (q, N), from 0 to a query's number of keypoints
        """
        votes = np.zeros((len(queries), self._size), np.float32)
        asked = np.concatenate([np.empty((0, BYTES), np.uint8), *queries])
        if not len(asked) or not len(self._owners):
            return votes
        distances, found = self._index.search(asked, NEIGHBOURS)
        weights = np.where(found >= 0, 1 - distances / NEAR, 0).clip(0).astype(np.float32)
        owners = self._owners[found]  # where nothing was found the weight is 0
        query_of = np.repeat(np.arange(len(queries)), [len(query) for query in queries])
        for query, row, weight in zip(query_of, owners, weights, strict=True):
            # Nearest first: a picture's first keypoint in the row is the one that votes.
            pictures, first = np.unique(row, return_index=True)
            votes[query, pictures] += weight[first]
        return votes
