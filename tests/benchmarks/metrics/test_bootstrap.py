from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.metrics.bootstrap import _DRAWN, Interval, bootstrap
from likemark.db.errors import InvalidInput


def plain(values: np.ndarray, groups: np.ndarray, repetitions: int, seed: int) -> list[float]:
    """The same draws, one repetition after the other and query by query."""
    rng = np.random.default_rng(seed)
    labels = np.unique(groups)
    drawn = rng.integers(len(labels), size=(repetitions, len(labels)))
    return [
        float(np.mean(np.concatenate([values[groups == labels[each]] for each in row])))
        for row in drawn
    ]


def width(interval: Interval) -> float:
    return interval.high - interval.low


def test_it_agrees_with_resampling_the_queries_one_by_one():
    rng = np.random.default_rng(1)
    values, groups = rng.random(40), rng.integers(0, 9, 40)
    means = plain(values, groups, 200, seed=7)
    expected = np.quantile(means, [0.05, 0.95])
    found = bootstrap(values, groups, repetitions=200, seed=7, level=0.9)
    assert (found.low, found.high) == pytest.approx(tuple(expected))


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(0).random(60)
    groups = np.arange(60) // 3
    assert bootstrap(values, groups) == bootstrap(values, groups)
    assert bootstrap(values, groups) != bootstrap(values, groups, seed=1)


def test_it_holds_the_mean_and_is_as_wide_as_theory_says():
    values = np.random.default_rng(0).standard_normal(2000)
    found = bootstrap(values, np.arange(2000), repetitions=2000)
    assert found.low < values.mean() < found.high
    assert width(found) == pytest.approx(2 * 1.96 * values.std() / np.sqrt(2000), rel=0.08)


def test_queries_that_stand_and_fall_together_widen_it():
    once = np.random.default_rng(0).random(100)
    repeated, groups = np.repeat(once, 20), np.repeat(np.arange(100), 20)
    singly = bootstrap(repeated, np.arange(2000))
    grouped, plainly = bootstrap(repeated, groups), bootstrap(once, np.arange(100))
    assert (grouped.low, grouped.high) == pytest.approx((plainly.low, plainly.high))
    assert width(grouped) > 3 * width(singly)


def test_larger_groups_weigh_more_as_in_the_mean_itself():
    values = np.concatenate([np.zeros(99), np.ones(1)])
    groups = np.concatenate([np.zeros(99), np.ones(1)])
    found = bootstrap(values, groups)
    assert (found.low, found.high) == (0, 1)  # one group of the two drawn twice
    middle = bootstrap(values, groups, level=0.4)
    assert middle == Interval(0.01, 0.01)


def test_queries_without_a_value_are_left_out_with_their_group():
    values = np.array([0.2, np.nan, 0.6, np.nan])
    with_them = bootstrap(values, ["a", "a", "b", "c"])
    assert with_them == bootstrap([0.2, 0.6], ["a", "b"])


def test_more_draws_than_are_made_at_once_are_the_same_draws():
    values, groups = np.random.default_rng(0).random(25_000), np.arange(25_000)
    repetitions = _DRAWN // 25_000 + 10
    drawn = np.random.default_rng(0).integers(25_000, size=(repetitions, 25_000))
    low, high = np.quantile(values[drawn].mean(axis=1), [0.025, 0.975])
    found = bootstrap(values, groups, repetitions=repetitions)
    assert (found.low, found.high) == pytest.approx((low, high))


def test_what_cannot_be_drawn_from_is_refused():
    with pytest.raises(InvalidInput, match="give one group for each"):
        bootstrap([0.1, 0.2], [1])
    with pytest.raises(InvalidInput, match="no values to draw from"):
        bootstrap([np.nan], [1])
    with pytest.raises(InvalidInput, match="no values to draw from"):
        bootstrap([], [])


@pytest.mark.parametrize(("repetitions", "level"), [(0, 0.95), (10, 0.0), (10, 1.0)])
def test_settings_out_of_range_are_refused(repetitions: int, level: float):
    with pytest.raises(InvalidInput, match="give 1 or more, and 0 < level < 1"):
        bootstrap([0.5], [1], repetitions=repetitions, level=level)


def test_an_interval_does_not_end_before_it_begins():
    with pytest.raises(InvalidInput, match="ends before it begins"):
        Interval(0.5, 0.4)
