"""An approximate index measures its own recall, and searches as hard as its promise needs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.layers import Table, layered
from support.vectors import clustered_rows, plain_search

from likemark.db.errors import InvalidInput
from likemark.index.layers import LayeredIndex
from likemark.index.promise import ALIKE, Effort, Promise, Truth, check_recall, held_out, measured
from likemark.index.protocol import Ids, Rows

N, D = 3000, 16


@pytest.fixture(scope="module")
def rows() -> Rows:
    made = clustered_rows(N + 200, D, clusters=30, spread=0.7)
    return made.astype(np.float16).astype(np.float32)


def promised(rows: Rows, folder: Path, recall: float, factory: str = "IVF32,SQ8") -> LayeredIndex:
    ids = np.arange(N)
    return layered(factory, ids, rows[:N], folder, recall=recall, rows_of=Table(ids, rows[:N]))


@pytest.mark.parametrize("recall", [0.8, 0.99])
def test_the_promise_holds_for_queries_it_was_not_measured_with(
    rows: Rows, tmp_path: Path, recall: float
) -> None:
    index = promised(rows, tmp_path, recall)
    assert index.promise.kept
    queries = rows[N:]  # drawn like the rest, and none of it
    for k in (5, 10, 100):
        found = index.search(queries, k).ids
        true = plain_search(np.arange(N), rows[:N], queries, k).ids
        hit = np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)])
        assert hit >= recall - 0.01


def test_a_higher_promise_costs_more_lists(rows: Rows, tmp_path: Path) -> None:
    low, high = (promised(rows, tmp_path / str(r), r).promise for r in (0.7, 0.99))
    assert low.effort(10).probes < high.effort(10).probes < 32
    assert low.effort(10).low >= 0.7


def test_what_coarse_codes_lose_is_made_good_by_more_candidates(rows: Rows, tmp_path: Path) -> None:
    fine, coarse = (
        promised(rows, tmp_path / code, 0.98, f"IVF32,{code}").promise for code in ("SQ8", "PQ4x4")
    )
    assert coarse.effort(10).depth > fine.effort(10).depth


def test_a_promise_that_cannot_be_kept_is_told(rows: Rows, tmp_path: Path) -> None:
    index = layered("IVF32,PQ4x4", np.arange(N), rows[:N], tmp_path)  # scores of codes alone
    assert not index.promise.kept
    assert 0.05 < index.promise.effort(10).recall < 0.9


def test_the_truth_is_that_of_comparing_everything(rows: Rows) -> None:
    truth = held_out(rows[:N], count=40)
    for start in range(0, N, 700):
        part = np.arange(start, min(start + 700, N))
        truth.take(part, rows[part])
    true = plain_search(np.arange(N), rows[:N], truth.queries, 100).ids
    # Two ways to sum up a product differ in the last bits.
    assert np.mean([np.isin(a, b).mean() for a, b in zip(truth.ids, true, strict=True)]) > 0.99
    assert truth.ids[:, 0].tolist() == true[:, 0].tolist()
    for k in (1, 10, 100):
        assert truth.recall(truth.ids[:, :k]).tolist() == [1.0] * 40


def test_queries_are_as_far_from_what_is_stored_as_another_drawing(rows: Rows) -> None:
    queries = held_out(rows[:N], count=200).queries
    np.testing.assert_allclose(np.linalg.norm(queries, axis=1), 1, atol=1e-5)
    nearest = (queries @ rows[:N].T).max(axis=1)
    assert nearest.max() < 0.999  # none is stored
    assert ALIKE[0] - 1e-3 <= nearest.min()


def test_recall_counts_ties_for_the_last_place_and_nothing_twice() -> None:
    truth = Truth.of(np.eye(2, dtype=np.float32))
    truth.scores[:], truth.ids[:] = 0.0, np.arange(100) + 10
    truth.scores[:, :3] = 0.9, 0.5, 0.5
    assert truth.recall(np.array([[10, 50], [12, 10]])).tolist() == [0.5, 1.0]
    assert truth.recall(np.full((2, 2), -1)).tolist() == [0.0, 0.0]


def test_effort_beyond_what_was_measured_grows_in_proportion() -> None:
    promise = Promise(0.9, 10, (Effort(10, 4, 1.5), Effort(100, 6, 1.5)))
    assert [promise.effort(k).probes for k in (1, 10, 11, 100, 200)] == [4, 4, 6, 6, 12]


@pytest.mark.parametrize("recall", [0.0, 0.49, 1.0, 2.0])
def test_a_recall_that_cannot_be_promised_is_refused(recall: float) -> None:
    with pytest.raises(InvalidInput, match=r"give 0\.5 to 0\.999; --index Flat is exact"):
        check_recall(recall)


def test_the_promise_holds_where_lists_are_short(rows: Rows, tmp_path: Path) -> None:
    """Too little in the nearest lists makes a search look everywhere, and measuring must not."""
    index = promised(rows, tmp_path, 0.9, "IVF256,SQ8")
    assert index.promise.kept
    for k in (10, 11, 20, 40, 100):
        found = index.search(rows[N:], k).ids
        true = plain_search(np.arange(N), rows[:N], rows[N:], k).ids
        assert np.mean([np.isin(a, b).mean() for a, b in zip(true, found, strict=True)]) >= 0.89


def test_a_promise_may_need_more_lists_than_are_tried_at_first(rows: Rows) -> None:
    truth = held_out(rows[:N], count=40)
    truth.take(np.arange(N), rows[:N])

    def search(queries: Rows, k: int, effort: Effort) -> Ids:
        return truth.ids[:, :k] if effort.probes >= 900 else np.full((40, k), -1)

    promise = measured(search, truth, lists=1500, count=N, recall=0.99)
    assert promise.kept
    assert [(each.probes, each.depth) for each in promise.efforts] == [(1024, 1.5)] * 2
    halves = measured(search, truth, lists=1500, count=N, recall=0.99, depths=[1.0])
    assert [(each.probes, each.depth) for each in halves.efforts] == [(1024, 1.0)] * 2
    never = measured(
        lambda queries, k, effort: np.full((40, k), -1), truth, lists=1500, count=N, recall=0.99
    )
    assert not never.kept


def test_candidates_and_lists_are_chosen_together_by_what_both_cost(rows: Rows) -> None:
    """Lists of 10 vectors are cheap and candidates dear; of many it is the other way round."""
    truth = held_out(rows[:N], count=40)
    truth.take(np.arange(N), rows[:N])

    def search(queries: Rows, k: int, effort: Effort) -> Ids:
        enough = effort.probes * effort.depth >= 60
        return truth.ids[:, :k] if enough else np.full((40, k), -1)

    for mean, depth, probes in ((10, 1.5, 41), (1000, 3.0, 20), (10**5, 12.0, 5)):
        promise = measured(search, truth, lists=100, count=100 * mean, recall=0.99)
        assert promise.effort(10) == Effort(10, probes, depth, 1.0, 1.0)


def test_a_depth_that_costs_more_than_what_was_found_is_not_tried(rows: Rows) -> None:
    truth = held_out(rows[:N], count=40)
    truth.take(np.arange(N), rows[:N])
    tried: set[tuple[int, float]] = set()

    def search(queries: Rows, k: int, effort: Effort) -> Ids:
        tried.add((k, effort.depth))
        return truth.ids[:, :k]

    promise = measured(search, truth, lists=100, count=10_000, recall=0.99)
    assert [each.depth for each in promise.efforts] == [1.5, 1.5]
    assert tried == {(10, 1.5), (100, 1.5)}


def test_few_queries_are_asked_at_once_and_all_are_counted(rows: Rows) -> None:
    truth = held_out(rows[:N], count=250)
    truth.take(np.arange(N), rows[:N])
    sizes: set[int] = set()

    def search(queries: Rows, k: int, effort: Effort) -> Ids:
        sizes.add(len(queries))
        right = [np.flatnonzero((truth.queries == query).all(axis=1))[0] for query in queries]
        found = truth.ids[right, :k].copy()
        found[np.array(right) >= 200] = -1  # the last fifty queries find nothing
        return found

    promise = measured(search, truth, lists=4, count=N, recall=0.7, depths=[1.0])
    assert sizes == {100, 50}
    assert promise.queries == 250
    assert [each.recall for each in promise.efforts] == [0.8, 0.8]
