from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier

from likemark.benchmarks.flickr27.knn import NEIGHBOURS, classify_by_neighbours
from likemark.db.errors import InvalidInput


def at_cosines(*cosines: float) -> np.ndarray:
    """Rows of two dimensions with these cosines to (1, 0)."""
    first = np.array(cosines)
    return np.stack([first, np.sqrt(1 - first**2)], axis=1).astype(np.float32)


QUERY = at_cosines(1.0)


def brand_of(cosines: list[float], labels: list[int], k: int = NEIGHBOURS) -> int:
    answers = classify_by_neighbours(at_cosines(*cosines), np.array(labels), QUERY, k=k)
    return int(answers.brands[0])


def test_cosines_add_up_within_the_k_nearest():
    cosines, labels = [0.9, 0.6, 0.5, 0.4], [0, 1, 1, 0]
    assert brand_of(cosines, labels, k=1) == 0
    assert brand_of(cosines, labels, k=3) == 1
    assert brand_of(cosines, labels, k=4) == 0


def test_a_near_neighbour_outweighs_two_far_ones():
    assert brand_of([0.9, 0.3, 0.2], [2, 1, 1], k=3) == 2


def test_a_tie_goes_to_the_nearest():
    assert brand_of([0.5, 0.5, 0.25, 0.25], [3, 1, 1, 3], k=4) == 3
    assert brand_of([0.75, 0.5, 0.25], [0, 1, 1], k=3) == 0


def test_neighbours_beyond_a_right_angle_have_no_vote():
    assert brand_of([0.2, -0.9, -0.1], [0, 1, 1], k=3) == 0
    assert brand_of([-0.9, -0.1, -0.5], [1, 2, 1], k=3) == 2


def test_the_confidence_is_the_highest_cosine():
    rows = at_cosines(0.2, 0.7, -0.3)
    answers = classify_by_neighbours(rows, np.array([0, 1, 2]), QUERY)
    assert answers.confidences.tolist() == pytest.approx([0.7])
    assert answers.confidences.dtype == np.float64


def test_it_agrees_with_scikit_learn_given_the_same_weights():
    rng = np.random.default_rng(0)
    rows = np.abs(rng.standard_normal((200, 12)))  # no cosine is below 0
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    labels = rng.integers(6, size=150)
    model: Any = KNeighborsClassifier(NEIGHBOURS, metric="cosine")
    model.set_params(weights=lambda distances: 1 - distances).fit(rows[:150], labels)
    answers = classify_by_neighbours(rows[:150], labels, rows[150:])
    assert np.array_equal(answers.brands, model.predict(rows[150:]))


def test_fewer_vectors_than_neighbours_all_vote():
    assert brand_of([0.9, 0.5, 0.5], [0, 1, 1], k=50) == 1


@pytest.mark.parametrize(("count", "labels", "k"), [(0, 0, 5), (3, 2, 5), (3, 3, 0)])
def test_what_cannot_vote_is_refused(count: int, labels: int, k: int):
    rows = at_cosines(*[0.5] * count).reshape(count, 2)
    with pytest.raises(InvalidInput, match=f"{k} neighbours among {count} vectors"):
        classify_by_neighbours(rows, np.zeros(labels, np.int64), QUERY, k=k)
