"""Adding and removing keep the index equal to a plain table of ids and rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vectors import exact_rows, plain_search, same

from likemark.db.errors import InvalidInput
from likemark.index.faiss_index import FaissIndex

D = 16
FACTORIES = ["Flat", "SQfp16"]


def empty(factory: str) -> FaissIndex:
    index = FaissIndex.create(factory, dimension=D)
    if not index.trained:
        index.train(exact_rows(300, D, seed=9))
    return index


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("again", [[3], [0, 100], [99, 4], [4, 99, 5]])
def test_an_id_that_is_there_is_refused_and_nothing_is_added(
    factory: str, again: list[int]
) -> None:
    index = empty(factory)
    index.add(np.arange(0, 100), exact_rows(100, D))
    with pytest.raises(InvalidInput, match="an id is there already; remove it first"):
        index.add(np.array(again), exact_rows(len(again), D))
    assert index.ids().tolist() == list(range(100))


@pytest.mark.parametrize("factory", FACTORIES)
def test_an_id_given_twice_is_refused(factory: str) -> None:
    index = empty(factory)
    with pytest.raises(InvalidInput, match="an id is given twice"):
        index.add(np.array([5, 6, 5]), exact_rows(3, D))
    assert index.stats().count == 0


@pytest.mark.parametrize("ids", [[1], [1, 2, 3], [-1, 2]])
def test_ids_that_do_not_fit_their_rows_are_refused(ids: list[int]) -> None:
    index = empty("Flat")
    with pytest.raises(InvalidInput, match="2 rows need as many ids of 0 or more"):
        index.add(np.array(ids), exact_rows(2, D))
    assert index.stats().count == 0


def test_adding_nothing_is_no_change() -> None:
    index = empty("Flat")
    index.add(np.empty(0, np.int64), np.empty((0, D), np.float32))
    assert index.stats().count == 0


@pytest.mark.parametrize("factory", FACTORIES)
def test_unknown_ids_are_passed_over_when_removed(factory: str) -> None:
    index = empty(factory)
    assert index.remove(np.array([1, 2])) == 0
    index.add(np.arange(10), exact_rows(10, D))
    assert index.remove(np.empty(0, np.int64)) == 0
    assert index.remove(np.array([3, 3, 77, 2**62, 5])) == 2
    assert index.remove(np.array([3, 5])) == 0
    assert index.ids().tolist() == [0, 1, 2, 4, 6, 7, 8, 9]


@pytest.mark.parametrize("factory", FACTORIES)
def test_a_removed_id_is_not_found_and_may_come_again(factory: str) -> None:
    index = empty(factory)
    rows = exact_rows(20, D)
    index.add(np.arange(20), rows)
    index.remove(np.arange(20))
    assert (index.search(rows[:1], 5).ids == -1).all()
    index.add(np.array([7]), rows[3:4])
    assert index.search(rows[3:4], 1).ids.tolist() == [[7]]


CHANGES = st.lists(
    st.tuples(st.sampled_from(["add", "add", "remove"]), st.sets(st.integers(0, 40), max_size=12)),
    max_size=12,
)


@pytest.mark.parametrize("factory", FACTORIES)
@settings(max_examples=40)
@given(changes=CHANGES, seed=st.integers(0, 1000))
def test_any_history_leaves_what_a_plain_table_holds(
    factory: str, changes: list[tuple[str, set[int]]], seed: int
) -> None:
    index = empty(factory)
    rows = exact_rows(41, D, seed)
    held: set[int] = set()
    for kind, numbers in changes:
        if kind == "add":
            new = np.array(sorted(numbers - held, key=lambda n: n * 7 % 41), dtype=np.int64)
            index.add(new, rows[new])
            held |= numbers
        else:
            gone = np.array(list(numbers), dtype=np.int64)
            assert index.remove(gone) == len(held & numbers)
            held -= numbers
    ids = np.array(sorted(held), dtype=np.int64)
    assert index.ids().tolist() == ids.tolist()
    assert index.stats().count == len(held)
    queries = exact_rows(3, D, seed + 1)
    assert same(index.search(queries, 6), plain_search(ids, rows[ids], queries, 6))
