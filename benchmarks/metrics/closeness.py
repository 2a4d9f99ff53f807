"""How close two embeddings are, as a number that does not depend on how it was computed.

A matrix product in floating point gives one pair other last bits in another place of another
block: an exact copy would not tie with its original. Here each coordinate of a unit row is
rounded to a multiple of 2**-25, so that every product and every sum of them is a whole multiple
of 2**-50 below 8 and float64 holds it exactly. n, m: rows; D: dimensions.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput

Rows = NDArray[np.floating]
Exact = NDArray[np.float64]

STEPS = 2.0**25  # of a coordinate, between 0 and 1


def as_query(rows: Rows) -> Exact:
    """The left side of a product. rows: (n, D). Returns (n, D + 1)."""
    grid = _on_grid(rows, "query", range(len(rows)))
    return np.concatenate([2 * grid, np.full((len(grid), 1), -1.0)], axis=1)


def as_gallery(rows: Rows, numbers: Sequence[int] | NDArray[np.integer]) -> Exact:
    """The right side. rows: (m, D); numbers: (m,), for messages. Returns (m, D + 1)."""
    grid = _on_grid(rows, "gallery", numbers)
    return np.concatenate([grid, (grid * grid).sum(axis=1, keepdims=True)], axis=1)


def block_closeness(asked: Exact, gallery: Exact) -> Exact:
    """Squared length of the query less squared distance: for unit rows the order of the cosine.

    asked: (n, D + 1) from `as_query`; gallery: (m, D + 1) from `as_gallery`
    result: (n, m), in units of 2**-50; a query's copies get the highest number that there is
    """
    closeness: Exact = asked @ gallery.T
    return closeness


def pair_closeness(asked: Exact, gallery: Exact) -> Exact:
    """As `block_closeness`, of each row with the row at its side, bit for bit the same.

    asked, gallery: (n, D + 1)
    result: (n,)
    """
    closeness: Exact = np.einsum("ij,ij->i", asked, gallery)
    return closeness


def _on_grid(rows: Rows, what: str, numbers: Sequence[int] | NDArray[np.integer]) -> Exact:
    exact = rows.astype(np.float64)
    lengths = np.sqrt((exact * exact).sum(axis=1, keepdims=True))
    usable = np.isfinite(lengths) & (lengths > 0)
    if not usable.all():
        bad = int(np.argmin(usable))
        raise InvalidInput(
            f"{what} row {numbers[bad]} is no embedding: its length is {lengths[bad, 0]}"
        )
    exact *= STEPS / lengths
    return np.rint(exact, out=exact)
