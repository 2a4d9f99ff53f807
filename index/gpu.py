"""A copy of an index on this machine's GPUs, through FAISS: what is nearest there, roughly.

FAISS's GPU code knows no filters and computes in float16: a search behind a filter stays on the
processor, and what is found is scored exactly there. Q queries, D dimensions, C candidates.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np

from likemark.index.probing import faiss
from likemark.index.protocol import NO_ID, Ids, Rows

# FAISS's limits for one search on a GPU, of hits and of lists.
MOST_HITS, MOST_LISTS = 2048, 2048
# To copy an index costs as much time as comparing this many vectors on two processor cores.
COPY_COST = 100_000_000
# An inner product of unit vectors is off by this at most when both are rounded to float16.
SLACK = 2e-3


def gpus() -> int:
    """That FAISS can search on."""
    return int(faiss.get_num_gpus())


class GpuCopy:
    """It is not told of changes: whoever changes the index drops it, or looks after them."""

    def __init__(self, engine: Any, count: int) -> None:
        self._engine = engine
        self.device = "cuda:0" if count == 1 else f"cuda:0-{count - 1}"

    @classmethod
    def of(cls, engine: Any, *, comparisons: float) -> Self | None:
        """On one GPU, or in shards on all.

        comparisons: of vectors, that it would be asked for. None without a GPU, where they are too
        few to be worth a copy, and where it cannot be made.
        """
        count = gpus()
        if not count or comparisons < COPY_COST:
            return None
        options = faiss.GpuMultipleClonerOptions()
        options.shard, options.useFloat16 = True, True
        options.allowCpuCoarseQuantizer = True
        try:
            return cls(faiss.index_cpu_to_all_gpus(engine, co=options, ngpu=count), count)
        except RuntimeError:  # too little memory, or codes that FAISS has for processors alone
            return None

    def nearest(self, queries: Rows, reach: int, probes: int = 0) -> tuple[Ids, Rows] | None:
        """ids and rough scores, both (Q, reach), best first; None for more than FAISS can do there.

        queries: (Q, D); probes: lists visited, of inverted lists
        """
        if reach > MOST_HITS or probes > MOST_LISTS:
            return None
        try:
            if probes:
                faiss.GpuParameterSpace().set_index_parameter(self._engine, "nprobe", probes)
            scores, ids = self._engine.search(queries, reach)
        except RuntimeError:  # its memory is taken by something else, for now
            return None
        scores[ids == NO_ID] = -np.inf
        return ids, scores
