"""What is remembered of the catalogue's vectors is right, and no more than there is room for."""

from __future__ import annotations

import numpy as np
import pytest
from support.layers import Table
from support.vectors import exact_rows

from likemark.index.rescoring import Remembered

N, D = 200, 16


@pytest.fixture
def table() -> Table:
    return Table(np.arange(N) * 2, exact_rows(N, D))


@pytest.mark.parametrize("room", [0, 50, N])
def test_rows_are_those_of_the_table_however_many_are_remembered(table: Table, room: int) -> None:
    remembered = Remembered(table, most_bytes=4 * D * room)
    rng = np.random.default_rng(0)
    for _ in range(20):
        ids = rng.choice(2 * N, 30, replace=False)  # half of them are not there
        there = np.sort(ids[ids % 2 == 0])
        found, rows = remembered(ids)
        assert found.tolist() == there.tolist()
        assert rows.tolist() == [table.rows[number].tolist() for number in there.tolist()]
    assert remembered._rows.nbytes <= 4 * D * room


def test_what_is_remembered_is_not_fetched_again(table: Table) -> None:
    remembered = Remembered(table, most_bytes=4 * D * 100)
    for _ in range(3):
        for start in range(0, N, 20):
            remembered(np.arange(start, start + 20) * 2)
    # The first hundred once, the others every time.
    assert table.fetched == 100 + 3 * 100
    assert len(remembered._ids) == 100


def test_ids_that_are_nowhere_give_no_rows(table: Table) -> None:
    remembered = Remembered(table)
    assert len(remembered(np.array([1, 3]))[0]) == 0
    remembered(np.array([4]))
    ids, rows = remembered(np.array([1, 4]))
    assert (ids.tolist(), rows.shape) == ([4], (1, D))
