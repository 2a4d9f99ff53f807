"""Sets of ids in ascending arrays agree with those that are sorted anew."""

from __future__ import annotations

import time

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from likemark.index.ids import Grown, held
from likemark.index.lists import _left

NUMBERS = st.lists(st.integers(0, 60), max_size=40)
SETS = st.sets(st.integers(0, 60), max_size=40)


def array(numbers: list[int] | set[int]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(numbers if isinstance(numbers, list) else sorted(numbers), dtype=np.int64)


@given(there=SETS, asked=NUMBERS)
def test_what_is_held_is_what_numpy_says(there: set[int], asked: list[int]) -> None:
    ids = array([*asked, -1])
    assert held(array(there), ids).tolist() == np.isin(ids, array(there)).tolist()
    square = np.stack([ids, ids[::-1]])
    assert held(array(there), square).tolist() == np.isin(square, array(there)).tolist()


@given(parts=st.lists(SETS, max_size=6), asked=NUMBERS)
def test_a_set_holds_what_was_added_whatever_the_order(
    parts: list[set[int]], asked: list[int]
) -> None:
    grown, true = Grown(np.empty(0, np.int64)), set[int]()
    for part in parts:
        assert grown.held(array(part)).tolist() == [number in true for number in sorted(part)]
        grown.add(array(part - true)[::-1])
        true |= part
    assert (len(grown), grown.ids.tolist()) == (len(true), sorted(true))
    assert grown.held(array(asked)).tolist() == [number in true for number in asked]


def test_parts_in_their_order_are_not_joined_before_they_are_asked_for() -> None:
    grown = Grown(np.arange(5))
    for start in range(5, 50, 5):
        assert not grown.held(np.arange(start, start + 5)).any()
        grown.add(np.arange(start, start + 5))
    assert (len(grown), len(grown._parts)) == (50, 10)
    assert grown.ids.tolist() == list(range(50))
    assert len(grown._parts) == 1


def test_many_removed_ids_are_left_out_of_many_lists_in_no_time() -> None:
    removed = np.arange(0, 4_000_000, 2)
    part = np.zeros((600, 1), np.uint8), np.arange(600)
    assert _left(part, removed)[1].tolist() == list(range(1, 600, 2))
    began = time.perf_counter()
    for _ in range(2000):  # passing over the removed ids for each of them would take minutes
        _left(part, removed)
    assert time.perf_counter() - began < 10
