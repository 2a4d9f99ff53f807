from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.metrics.ranks import Ranks, concatenate
from likemark.db.errors import InvalidInput


def test_ranks_are_held_query_by_query():
    ranks = Ranks.of([[5, 2], [], [1]], size=9)
    assert len(ranks) == 3
    assert [ranks[query].tolist() for query in range(3)] == [[2, 5], [], [1]]
    assert ranks.relevant.tolist() == [2, 0, 1]
    assert ranks.positions.tolist() == [1, 2, 1]
    assert ranks.rows.tolist() == [0, 0, 2]
    assert ranks.sizes.tolist() == [9, 9, 9]


def test_sums_run_over_each_query_and_are_zero_without_items():
    ranks = Ranks.of([[5, 2], [], [1]], size=9)
    assert ranks.sums(np.array([0.5, 0.25, 4.0])).tolist() == [0.75, 0, 4]
    assert Ranks.of([[], []], size=9).sums(np.empty(0)).tolist() == [0, 0]


def test_take_by_number_and_by_mask():
    ranks = Ranks.of([[5, 2], [], [1]], size=9)
    taken = ranks.take([2, 0])
    assert [taken[0].tolist(), taken[1].tolist()] == [[1], [2, 5]]
    assert ranks.take(ranks.relevant > 0).relevant.tolist() == [2, 1]
    assert len(ranks.take([])) == 0


def test_parts_put_together_are_the_whole():
    whole = Ranks.of([[5, 2], [], [1, 3, 4]], size=9)
    again = concatenate([whole.take([0]), whole.take([1, 2])])
    assert np.array_equal(again.offsets, whole.offsets)
    assert np.array_equal(again.ranks, whole.ranks)
    assert np.array_equal(again.sizes, whole.sizes)
    with pytest.raises(InvalidInput, match="at least one query"):
        concatenate([])


def test_equal_ranks_may_stand_where_ties_share_the_last_place():
    assert Ranks.of([[2, 2], [3, 3, 3]], size=3).ranks.tolist() == [2, 2, 3, 3, 3]


@pytest.mark.parametrize("ranks", [[0], [10], [1, 1], [2, 2, 2]])
def test_impossible_ranks_are_refused(ranks: list[int]):
    with pytest.raises(InvalidInput, match="from 1 to the number of items ranked"):
        Ranks.of([ranks], size=9)


def test_ranks_that_descend_within_a_query_are_refused():
    Ranks(np.array([0, 1, 2]), np.array([4, 3]), np.array([9, 9]))
    with pytest.raises(InvalidInput, match="must ascend"):
        Ranks(np.array([0, 2]), np.array([4, 3]), np.array([9]))


def test_sizes_are_one_for_each_query():
    with pytest.raises(InvalidInput, match="for 2 queries"):
        Ranks(np.array([0, 1, 2]), np.array([4, 3]), np.array([9]))
