from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from likemark.benchmarks.flickr27.scores import (
    Answers,
    accuracy_interval,
    auroc,
    judge,
    threshold_for,
)
from likemark.db.errors import InvalidInput


def values(*numbers: float) -> np.ndarray:
    return np.array(numbers, np.float64)


def answers(brands: list[int], confidences: list[float]) -> Answers:
    return Answers(np.array(brands, np.int64), values(*confidences))


@pytest.mark.parametrize("levels", [3, 20, 10**6])
def test_auroc_agrees_with_scikit_learn_with_and_without_ties(levels: int):
    rng = np.random.default_rng(levels)
    for _ in range(20):
        positives = rng.integers(levels, size=rng.integers(1, 60)) / levels + 0.1
        negatives = rng.integers(levels, size=rng.integers(1, 60)) / levels
        shown = [1] * len(positives) + [0] * len(negatives)
        expected = roc_auc_score(shown, np.concatenate([positives, negatives]))
        assert auroc(positives, negatives) == pytest.approx(expected, abs=1e-12)


def test_auroc_is_the_share_of_pairs_in_order_and_a_tie_is_half():
    assert auroc(values(3, 4), values(1, 2)) == 1
    assert auroc(values(1, 2), values(3, 4)) == 0
    assert auroc(values(1, 1), values(1, 1, 1)) == 0.5
    assert auroc(values(1, 3), values(2)) == 0.5
    assert auroc(values(2, 3), values(2)) == 0.75


def test_a_threshold_lets_the_allowed_share_pass_and_no_more():
    negatives = np.random.default_rng(0).permutation(135).astype(np.float64)
    threshold = threshold_for(negatives)
    assert (negatives > threshold).sum() == 6  # of 6.75 allowed
    assert (negatives > threshold - 1).sum() == 7


def test_a_tie_at_the_threshold_is_refused():
    assert threshold_for(values(5, 5, 5, 1), share=0.25) == 5
    assert threshold_for(values(9, 5, 5, 1), share=0.25) == 5
    assert threshold_for(values(9, 5, 5, 1), share=0.5) == 5


def test_without_false_accepts_the_threshold_is_the_highest_negative():
    assert threshold_for(values(1, 3, 2), share=0) == 3
    assert threshold_for(values(1, 3, 2)) == 3


def test_a_share_that_binary_cannot_write_allows_all_it_names():
    negatives = np.arange(100, dtype=np.float64)
    assert (negatives > threshold_for(negatives, share=0.29)).sum() == 29


@pytest.mark.parametrize("share", [-0.1, 1.0, float("nan")])
def test_a_share_of_everything_is_refused(share: float):
    with pytest.raises(InvalidInput, match="false accepts: give 0 or more and less than 1"):
        threshold_for(values(1), share)


def test_judging_counts_right_brands_and_accepted_ones():
    positives = answers([0, 1, 2, 0], [9, 8, 7, 1])
    negatives = answers([0, 1, 1, 2], [2, 3, 4, 5])
    scores = judge(positives, np.array([0, 1, 0, 0]), negatives)
    assert scores.accuracy == 0.75
    assert scores.threshold == 5  # a twentieth of 4 is none
    assert scores.false_accepts == 0
    assert scores.accuracy_accepted == 0.5  # the third is wrong, the fourth refused
    assert scores.auroc == 0.75
    assert scores.accuracy_low < 0.75 < scores.accuracy_high


def test_a_confidence_at_the_threshold_is_not_accepted():
    scores = judge(answers([0, 0], [5, 6]), np.array([0, 0]), answers([0], [5]))
    assert scores.accuracy_accepted == 0.5


def test_an_interval_holds_the_accuracy_and_narrows_with_pictures():
    low, high = accuracy_interval(27, 135)
    assert low < 0.2 < high
    # The normal approximation, good to a picture here.
    width = 2 * 1.96 * np.sqrt(0.2 * 0.8 / 135)
    assert high - low == pytest.approx(width, abs=1.5 / 135)
    assert np.diff(accuracy_interval(2700, 13500)) < (high - low) / 8


def test_an_interval_agrees_with_drawing_the_pictures_themselves():
    right = np.arange(60) < 21
    rng = np.random.default_rng(1)
    drawn = right[rng.integers(60, size=(10_000, 60))].mean(axis=1)
    expected = np.quantile(drawn, [0.025, 0.975])
    np.testing.assert_allclose(accuracy_interval(21, 60), expected, atol=1.01 / 60)


def test_an_interval_is_the_same_for_the_same_seed():
    assert accuracy_interval(50, 135, seed=3) == accuracy_interval(50, 135, seed=3)


@pytest.mark.parametrize(("right", "expected"), [(0, (0, 0)), (8, (1, 1))])
def test_an_interval_of_all_or_nothing_is_a_point(right: int, expected: tuple[int, int]):
    assert accuracy_interval(right, 8) == expected


@pytest.mark.parametrize(("right", "count"), [(0, 0), (3, 2), (-1, 2)])
def test_an_interval_of_no_pictures_is_refused(right: int, count: int):
    with pytest.raises(InvalidInput, match=f"{right} right of {count}"):
        accuracy_interval(right, count)


def test_empty_groups_are_refused():
    with pytest.raises(InvalidInput, match="no confidences"):
        auroc(values(), values(1))
    with pytest.raises(InvalidInput, match="no confidences"):
        judge(answers([0], [1]), np.array([0]), answers([], []))


def test_answers_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="one brand and one confidence"):
        answers([0, 1], [1])
    with pytest.raises(InvalidInput, match="not a finite number"):
        answers([0], [float("nan")])
    with pytest.raises(InvalidInput, match="2 labels for 1 pictures"):
        judge(answers([0], [1]), np.array([0, 1]), answers([0], [0]))
