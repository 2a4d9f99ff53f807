from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.metrics.measures import K, measures, per_query
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.db.errors import InvalidInput

# Relevant at 1 and 4; nothing relevant; relevant at 3. All of 10.
RANKS = Ranks.of([[1, 4], [], [3]], size=10)


def test_means_are_over_the_queries_that_something_is_relevant_to():
    found = measures(RANKS, k=(1, 3))
    assert (found.queries, found.without_relevant, found.relevant) == (2, 1, 3)
    assert found.map == pytest.approx((0.75 + 1 / 3) / 2)
    assert found.map_at == pytest.approx({1: 0.25, 3: (0.5 + 1 / 3) / 2})
    assert found.hit_rate_at == {1: 0.5, 3: 1.0}
    assert found.recall_at == {1: 0.25, 3: 0.75}
    assert found.precision_at == pytest.approx({1: 0.5, 3: 1 / 3})
    assert found.mrr == pytest.approx((1 + 1 / 3) / 2)
    assert found.nar == pytest.approx((0.1 + 0.2) / 2)


def test_the_median_rank_is_that_of_all_relevant_items_together():
    assert measures(RANKS).median_rank == 3
    assert measures(Ranks.of([[1, 2, 3, 4], [90]], size=90)).median_rank == 3
    assert measures(Ranks.of([[1, 4]], size=90)).median_rank == 2.5


def test_the_curve_has_eleven_levels_and_falls():
    curve = measures(RANKS).interpolated_precision
    assert len(curve) == 11
    assert list(curve) == sorted(curve, reverse=True)
    assert curve[0] == pytest.approx((1 + 1 / 3) / 2)
    assert curve[10] == pytest.approx((0.5 + 1 / 3) / 2)


def test_per_query_keeps_every_query_at_its_place():
    each = per_query(RANKS, k=(3,))
    np.testing.assert_allclose(each.ap, [0.75, np.nan, 1 / 3])
    np.testing.assert_allclose(each.ap_at[3], [0.5, np.nan, 1 / 3])
    np.testing.assert_allclose(each.hit_rate_at[3], [1, np.nan, 1])
    np.testing.assert_allclose(each.recall_at[3], [0.5, np.nan, 1])
    np.testing.assert_allclose(each.precision_at[3], [1 / 3, np.nan, 1 / 3])
    np.testing.assert_allclose(each.reciprocal_rank, [1, np.nan, 1 / 3])
    np.testing.assert_allclose(each.nar, [0.1, np.nan, 0.2])


def test_the_measures_are_the_means_of_the_queries():
    rng = np.random.default_rng(3)
    ranks = Ranks.of(
        [1 + rng.choice(200, rng.integers(0, 6), replace=False) for _ in range(50)], size=200
    )
    found, each = measures(ranks), per_query(ranks)
    assert tuple(found.map_at) == K
    assert found.map == pytest.approx(np.nanmean(each.ap))
    assert found.mrr == pytest.approx(np.nanmean(each.reciprocal_rank))
    assert found.nar == pytest.approx(np.nanmean(each.nar))
    for name in ("hit_rate_at", "recall_at", "precision_at"):
        at = {k: np.nanmean(values) for k, values in getattr(each, name).items()}
        assert getattr(found, name) == pytest.approx(at)
    assert found.without_relevant == np.isnan(each.ap).sum()


def test_a_perfect_ranking_has_the_best_of_every_figure():
    found = measures(Ranks.of([[1, 2], [1]], size=30), k=(2,))
    assert (found.map, found.mrr, found.nar) == (1, 1, 0)
    assert found.map_at == found.hit_rate_at == found.recall_at == {2: 1}
    assert found.interpolated_precision == (1,) * 11


def test_nothing_relevant_to_any_query_is_refused():
    with pytest.raises(InvalidInput, match="none of 2 queries has a relevant item"):
        measures(Ranks.of([[], []], size=4))
