from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.benchmarks.metrics.lists import Lists, as_lists, offsets_of, same_group
from likemark.db.errors import InvalidInput

SETS = st.lists(st.lists(st.integers(0, 12), max_size=6), min_size=1, max_size=6)


def plain(lists: Lists) -> list[list[int]]:
    return [lists[query].tolist() for query in range(len(lists))]


def test_items_of_a_query_ascend_and_repeats_count_once():
    lists = Lists.of([[3, 1, 3], [], [0]])
    assert plain(lists) == [[1, 3], [], [0]]
    assert lists.sizes.tolist() == [2, 0, 1]
    assert lists.rows.tolist() == [0, 0, 2]


def test_no_queries_are_no_lists():
    assert len(Lists.of([])) == 0
    assert plain(Lists.empty(2)) == [[], []]


def test_single_is_one_item_each():
    assert plain(Lists.single([4, 0, 4])) == [[4], [0], [4]]


def test_take_keeps_the_order_given_and_may_repeat():
    lists = Lists.of([[1, 2], [], [5]])
    assert plain(lists.take([2, 0, 2, 1])) == [[5], [1, 2], [5], []]


@given(SETS, st.data())
def test_without_is_set_difference_query_by_query(sets, data):
    others = data.draw(
        st.lists(st.lists(st.integers(0, 20)), min_size=len(sets), max_size=len(sets))
    )
    left = Lists.of(sets).without(Lists.of(others))
    expected = [sorted(set(one) - set(other)) for one, other in zip(sets, others, strict=True)]
    assert plain(left) == expected


def test_a_group_is_all_of_the_label_numbers_or_strings():
    assert plain(same_group([7, 9, 8], [9, 7, 7, 9])) == [[1, 2], [0, 3], []]
    assert plain(same_group(["b"], ["b", "a", "b"])) == [[0, 2]]


@given(st.lists(st.integers(0, 4), max_size=12), st.lists(st.integers(0, 5), max_size=5))
def test_groups_agree_with_comparing_all_pairs(gallery, asked):
    expected = [[item for item, label in enumerate(gallery) if label == one] for one in asked]
    assert plain(same_group(np.array(asked, int), np.array(gallery, int))) == expected


def test_lists_are_held_against_queries_and_gallery():
    with pytest.raises(InvalidInput, match="relevant: 1 lists for 2 queries"):
        as_lists([[0]], queries=2, gallery=3, what="relevant")
    with pytest.raises(InvalidInput, match="ignored: item 3 of a gallery of 3"):
        as_lists([[0, 3]], queries=1, gallery=3, what="ignored")
    assert plain(as_lists(None, queries=2, gallery=3, what="ignored")) == [[], []]


def test_broken_lists_are_refused():
    with pytest.raises(InvalidInput, match="numbered from 0, got -1"):
        Lists.of([[2, -1]])
    with pytest.raises(InvalidInput, match="must ascend"):
        Lists(np.array([0, 2]), np.array([5, 5]))
    with pytest.raises(InvalidInput, match="number of entries, 2"):
        Lists(np.array([0, 1]), np.array([5, 6]))
    with pytest.raises(InvalidInput, match="number of entries, 2"):
        Lists(np.array([0, 3, 2]), np.array([5, 6]))


def test_offsets_begin_at_zero():
    assert offsets_of(np.array([2, 0, 3])).tolist() == [0, 2, 2, 5]
    assert offsets_of(np.empty(0, np.int64)).tolist() == [0]
