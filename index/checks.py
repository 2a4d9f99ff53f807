"""What every index asks of ids and rows."""

from __future__ import annotations

import numpy as np

from likemark.db.errors import InvalidInput
from likemark.index.protocol import Ids, Rows


def check_rows(rows: Rows, dimension: int) -> Rows:
    """(N, D) float32, contiguous. Raises InvalidInput."""
    if rows.ndim != 2 or rows.shape[1] != dimension:
        raise InvalidInput(f"index: rows of shape {rows.shape}, but it holds (N, {dimension})")
    return np.ascontiguousarray(rows, dtype=np.float32)


def check_new(ids: Ids, rows: Rows) -> None:
    """Raises InvalidInput for ids that cannot be those of new rows."""
    if ids.shape != rows.shape[:1] or (len(ids) and ids.min() < 0):
        raise InvalidInput(f"index: {len(rows)} rows need as many ids of 0 or more")
    if len(np.unique(ids)) < len(ids):
        raise InvalidInput("index: an id is given twice")


def check_k(k: int) -> None:
    """Raises InvalidInput."""
    if k < 1:
        raise InvalidInput(f"k = {k}: give 1 or more")
