"""What a training is watched by: mAP on groups that it does not see."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Rows
from likemark.benchmarks.metrics.embedded import rank_embeddings
from likemark.benchmarks.metrics.lists import Lists, same_group
from likemark.benchmarks.metrics.measures import measures


def validation_map(queries: Rows, gallery: Rows, groups: NDArray[np.int64]) -> float:
    """mAP (full) of the first Q items asking for the rest of their groups.

    queries: (Q, D), the first rows of gallery, (N, D); groups: (N,)
    """
    relevant = same_group(groups[: len(queries)], groups)
    own = Lists.of(np.arange(len(queries))[:, None])
    return measures(rank_embeddings(queries, gallery, relevant.without(own), own)).map
