from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.speed_search import engines, measure_search, search_speed
from likemark.benchmarks.speed_vectors import PART, nearest, queries, recall, vectors
from likemark.db.errors import LikemarkError
from likemark.index.factory import AUTO, EXACT, EXACT_BELOW

D = 16


def rows_of(count: int, seed: int = 0) -> np.ndarray:
    return np.concatenate([rows for _, rows in vectors(count, D, seed=seed)])


def test_vectors_are_unit_float32_under_ascending_ids():
    parts = list(vectors(PART + 7, D))
    assert [len(ids) for ids, _ in parts] == [PART, 7]
    assert np.concatenate([ids for ids, _ in parts]).tolist() == list(range(PART + 7))
    rows = rows_of(PART + 7)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)


def test_vectors_are_the_same_for_the_same_seed_and_begin_alike_whatever_their_number():
    assert np.array_equal(rows_of(PART), rows_of(2 * PART)[:PART])
    assert not np.array_equal(rows_of(10, seed=0), rows_of(10, seed=1))


def test_vectors_gather_around_centres():
    rows = np.concatenate([rows for _, rows in vectors(5000, 320)])
    cosines = rows[:200] @ rows.T
    cosines[:, :200][np.eye(200, dtype=bool)] = -1
    # Isotropic vectors of 320 dimensions reach 0.25 among so many.
    assert np.median(cosines.max(axis=1)) > 0.5


def test_queries_are_none_of_the_vectors():
    asked = queries(20, D)
    assert asked.shape == (20, D)
    assert not np.isclose(asked @ rows_of(3000).T, 1, atol=1e-6).any()


def test_nearest_agrees_with_sorting_everything():
    asked, rows = queries(9, D), rows_of(2500)
    true = nearest(asked, vectors(2500, D), 10)
    expected = np.argsort(-(asked @ rows.T), axis=1)[:, :10]
    assert all(set(row) <= ids for row, ids in zip(expected.tolist(), true, strict=True))
    assert recall(expected, true) == 1


def test_nearest_takes_in_what_ties_with_the_last_place():
    row = np.ones((1, D), np.float32) / np.sqrt(D)
    parts = iter([(np.arange(3), np.repeat(row, 3, axis=0)), (np.array([3]), -row)])
    assert nearest(row, parts, 2) == [{0, 1, 2}]


def test_recall_is_the_share_of_true_hits():
    assert recall(np.array([[1, 2], [3, 9]]), [{1, 2}, {3, 4}]) == 0.75


def test_exact_search_finds_all_and_its_figures_agree():
    speed = search_speed(3000, dimension=D, setting=EXACT, asked=25)
    assert (speed.vectors, speed.dimension, speed.index, speed.exact) == (3000, D, EXACT, True)
    assert speed.recall_at_10 == 1.0
    assert 0 < speed.p50_ms <= speed.p95_ms
    assert speed.build_seconds > 0
    assert speed.raw_bytes == 4 * D
    assert speed.stored_bytes == 4 * D + 8
    held = speed.stored_bytes if speed.resident_bytes is None else speed.resident_bytes
    assert speed.memory_ratio == held / speed.raw_bytes


def test_an_approximate_engine_is_trained_and_judged_against_the_truth():
    speed = search_speed(5000, dimension=D, setting="IVF64,SQfp16", asked=25)
    assert not speed.exact
    assert 0.1 < speed.recall_at_10 <= 1
    assert speed.stored_bytes == 2 * D + 20


@pytest.mark.parametrize(
    ("count", "expected"), [(EXACT_BELOW - 1, (EXACT,)), (EXACT_BELOW, (EXACT, AUTO))]
)
def test_auto_is_measured_where_it_is_not_exact(count: int, expected: tuple[str, ...]):
    assert engines(count) == expected


def test_a_child_that_fails_is_one_line():
    with pytest.raises(LikemarkError, match=r"among 100 vectors: .*'Nonsense'.*; exit code 1$"):
        measure_search(100, dimension=D, index="Nonsense", queries=1)
