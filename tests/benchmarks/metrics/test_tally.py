from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.metrics.lists import Lists
from likemark.benchmarks.metrics.tally import FEW, Tally, at_least
from likemark.db.errors import InvalidInput


@pytest.mark.parametrize("count", [1, 2, FEW, FEW + 1, 5 * FEW])
def test_scores_that_reach_a_threshold_are_counted_equals_too(count: int):
    rng = np.random.default_rng(count)
    scores = rng.integers(0, 40, 500).astype(np.float32)
    thresholds = np.sort(rng.integers(-5, 45, count)).astype(np.float32)
    expected = [sum(score >= least for score in scores) for least in thresholds]
    assert at_least(scores, thresholds).tolist() == expected
    assert at_least(scores[:0], thresholds).tolist() == [0] * count


def ranks(tally: Tally) -> list[int]:
    return tally.ranks(np.array([6, 6])).ranks.tolist()


def test_blocks_of_any_shape_add_up():
    scores = np.array([[5.0, 3, 1, 3, 2, 4], [0.0, 1, 2, 3, 4, 5]])
    relevant = Lists.of([[1, 2], [0]])
    whole, parts = (Tally(relevant, np.array([3.0, 1, 0])) for _ in range(2))
    whole.add(0, scores)
    parts.add(1, scores[1:, :5])
    parts.add(0, scores[:, 5:])
    parts.add(0, scores[:1, :5])
    assert ranks(whole) == ranks(parts) == [4, 6, 6]


def test_dropped_items_no_longer_count():
    tally = Tally(Lists.of([[1], []]), np.array([3.0]))
    tally.add(0, np.array([[5.0, 3, 1, 3], [1, 1, 1, 1]]))
    tally.drop(Lists.of([[0, 2], [3]]), np.array([5.0, 1, 1]))
    assert tally.ranks(np.array([2, 3])).ranks.tolist() == [2]


def test_a_score_that_is_no_number_is_refused_at_every_door():
    relevant, nan = Lists.of([[0]]), np.array([1, np.nan])
    tally = Tally(relevant, np.ones(1))
    with pytest.raises(InvalidInput, match="no rank"):
        Tally(relevant, nan[1:])
    with pytest.raises(InvalidInput, match="no rank"):
        tally.add(0, nan[None])
    with pytest.raises(InvalidInput, match="no rank"):
        tally.drop(Lists.of([[1]]), nan[1:])
