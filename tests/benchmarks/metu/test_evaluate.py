"""The protocol on little sets whose rankings are written out, and against a plain reference."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.benchmarks.metrics.ranks import Ranks
from likemark.benchmarks.metu.collection import read_features, read_names
from likemark.benchmarks.metu.evaluate import (
    Figures,
    K,
    MetuResult,
    evaluate,
    figures,
    official_ranks,
    precision_at_recall,
    without_self,
)
from likemark.db.errors import InvalidInput


def at_degrees(*degrees: float) -> np.ndarray:
    """(N, 2) rows on a circle: the nearer in angle, the nearer in distance. Not of unit length."""
    radians = np.radians(degrees)
    return 7 * np.stack([np.cos(radians), np.sin(radians)], axis=1).astype(np.float32)


# Queries a1, b1, c1, d2, e2, then a pool p, q, r, where p is a copy of c.
GROUPS = np.array([1, 1, 1, 2, 2])
#                  a  b   c   d    e    p   q   r
LITTLE = at_degrees(0, 10, 50, 105, 130, 50, 98, 45)
# Sorted by angle away from the query, relevant ones in capitals:
#   a: A0 B10 r45 C50=p50 q98 d105 e130     ranks 1 2 5: C ties with p and takes the last place
#   b: B0 A10 r35 C40=p40 q88 d95 e120      ranks 1 2 5
#   c: C0=p0 r5 B40 q48 A50 d55 e80         ranks 2 4 6: so does c itself
#   d: D0 q7 E25 c55=p55 r60 b95 a105       ranks 1 3
#   e: E0 D25 q32 c80=p80 r85 b120 a130     ranks 1 2
OFFICIAL = [[1, 2, 5], [1, 2, 5], [2, 4, 6], [1, 3], [1, 2]]
SELF_EXCLUDED = [[1, 4], [1, 4], [3, 5], [2], [1]]


def plain(ranks: Ranks) -> list[list[int]]:
    return [ranks[query].tolist() for query in range(len(ranks))]


def test_the_ranks_of_a_set_written_out():
    ranks = official_ranks(LITTLE, GROUPS)
    assert plain(ranks) == OFFICIAL
    assert ranks.sizes.tolist() == [8] * 5
    excluded = without_self(ranks)
    assert plain(excluded) == SELF_EXCLUDED
    assert excluded.sizes.tolist() == [7] * 5


def test_the_official_figures_of_a_set_written_out():
    found = evaluate(LITTLE, GROUPS, k=(2, 3))
    assert (found.queries, found.groups, found.pictures) == (5, 2, 8)
    official = found.official
    aps = [
        (1 + 2 / 2 + 3 / 5) / 3,
        (1 + 2 / 2 + 3 / 5) / 3,
        (1 / 2 + 2 / 4 + 3 / 6) / 3,
        (1 + 2 / 3) / 2,
        (1 + 2 / 2) / 2,
    ]
    assert official.map == pytest.approx(sum(aps) / 5)
    # Below 2 stands only the query itself, and below 3 what is at rank 2.
    assert official.map_at[2] == pytest.approx((1 / 3 + 1 / 3 + 0 + 1 / 2 + 1 / 2) / 5)
    assert official.map_at[3] == pytest.approx((2 / 3 + 2 / 3 + (1 / 2) / 3 + 1 / 2 + 1) / 5)
    nars = [(8 - 6) / 24, (8 - 6) / 24, (12 - 6) / 24, (4 - 3) / 16, (3 - 3) / 16]
    assert official.nar == pytest.approx(sum(nars) / 5)
    assert official.mean_rank == pytest.approx((8 / 3 + 8 / 3 + 12 / 3 + 4 / 2 + 3 / 2) / 5)
    assert official.median_rank == 2  # of 1 1 1 1 2 2 2 2 3 4 5 5 6
    assert (official.r_at_1, official.r_at_10) == (4 / 5, 1)


def test_the_figures_without_the_query_of_a_set_written_out():
    excluded = evaluate(LITTLE, GROUPS, k=(2, 3)).self_excluded
    aps = [(1 + 2 / 4) / 2, (1 + 2 / 4) / 2, (1 / 3 + 2 / 5) / 2, 1 / 2, 1]
    assert excluded.map == pytest.approx(sum(aps) / 5)
    assert excluded.map_at[2] == pytest.approx((1 / 2 + 1 / 2 + 0 + 0 + 1) / 5)
    assert excluded.map_at[3] == pytest.approx((1 / 2 + 1 / 2 + 0 + 1 / 2 + 1) / 5)
    nars = [(5 - 3) / 14, (5 - 3) / 14, (8 - 3) / 14, (2 - 1) / 7, 0]
    assert excluded.nar == pytest.approx(sum(nars) / 5)
    assert excluded.mean_rank == pytest.approx((2.5 + 2.5 + 4 + 2 + 1) / 5)
    assert excluded.median_rank == 2.5  # of 1 1 1 2 3 4 4 5
    assert (excluded.r_at_1, excluded.r_at_10) == (3 / 5, 1)


def test_the_curve_takes_recall_times_n_rounded_half_up_and_begins_at_one():
    # n = 5, so recall 0.1, 0.3, 0.5, 0.7, 0.9 stand between two items: the later one counts.
    curve = precision_at_recall(Ranks.of([[1, 4, 6, 8, 10]], size=20))[0]
    first, second, third, fourth, fifth = 1, 2 / 4, 3 / 6, 4 / 8, 5 / 10
    by_hand = [1, first, first, second, second, third, third, fourth, fourth, fifth, fifth]
    np.testing.assert_allclose(curve, by_hand)


def test_the_curve_is_not_interpolated_and_small_groups_take_their_first_item():
    curve = precision_at_recall(Ranks.of([[4, 5]], size=9))[0]
    np.testing.assert_allclose(curve, [1] + [1 / 4] * 7 + [2 / 5] * 3)


def test_a_copy_in_the_group_shares_the_last_place_with_the_query_itself():
    features = at_degrees(0, 0, 30, 60, 15)
    ranks = official_ranks(features, np.array([1, 1, 1]))
    assert plain(ranks)[:2] == [[2, 2, 4], [2, 2, 4]]
    # AP of the first: 1/2 + 2/2 + 3/4 over 3.
    found = figures(ranks.take([0]), k=(2, 3))
    assert found.map == pytest.approx((1 / 2 + 2 / 2 + 3 / 4) / 3)
    assert found.map_at == pytest.approx({2: 0, 3: (1 / 2 + 2 / 2) / 3})
    assert (found.r_at_1, found.r_at_10) == (0, 1)
    assert plain(without_self(ranks))[:2] == [[1, 3], [1, 3]]


def test_copies_in_the_pool_push_back_the_query_itself_too():
    features = at_degrees(0, 40, 0, 0, 100)
    assert plain(official_ranks(features, np.array([1, 1]))) == [[3, 4], [1, 4]]


def reference(features: np.ndarray, groups: np.ndarray, *, keep_self: bool, k: int):
    """The definitions one by one, in float64 and plain loops: ranks, mAP, mAP@K and NAR."""
    rows = features.astype(np.float64)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    all_ranks, aps, aps_at, nars = [], [], [], []
    for query, group in enumerate(groups):
        distances = ((rows - rows[query]) ** 2).sum(axis=1)
        others = [item for item in range(len(rows)) if keep_self or item != query]
        relevant = [item for item in np.flatnonzero(groups == group) if item in others]
        # Equal to the tenth decimal is equal.
        ranks = sorted(
            sum(distances[other] <= distances[item] + 1e-10 for other in others)
            for item in relevant
        )
        n, size = len(relevant), len(others)
        all_ranks.append([int(rank) for rank in ranks])
        aps.append(sum(i / rank for i, rank in enumerate(ranks, 1)) / n)
        aps_at.append(sum(i / rank for i, rank in enumerate(ranks, 1) if rank < k) / n)
        nars.append((sum(ranks) - n * (n + 1) / 2) / (size * n))
    return all_ranks, np.mean(aps), np.mean(aps_at), np.mean(nars)


def metu_shaped(seed: int, *, groups: int, pool: int) -> tuple[np.ndarray, np.ndarray]:
    """Groups around centres of their own, among a pool, with some copies of queries."""
    rng = np.random.default_rng(seed)
    numbers = np.repeat(np.arange(1, groups + 1), rng.integers(2, 9, groups))
    centres = rng.standard_normal((groups + 1, 24))
    near = centres[numbers] + rng.standard_normal((len(numbers), 24))
    features = np.concatenate([near, 2 * rng.standard_normal((pool, 24))]).astype(np.float32)
    places = rng.integers(0, len(features), 6)
    features[places] = features[rng.integers(0, len(numbers), 6)]
    return features, numbers


@given(st.integers(0, 1000), st.integers(1, 5), st.integers(4, 60))
def test_both_views_agree_with_a_plain_reference(seed: int, groups: int, pool: int):
    features, numbers = metu_shaped(seed, groups=groups, pool=pool)
    found = evaluate(features, numbers, k=(4,))
    official = official_ranks(features, numbers)
    views = [(True, found.official, official), (False, found.self_excluded, without_self(official))]
    for keep_self, view, ranks in views:
        expected, mean_ap, mean_ap_at, nar = reference(features, numbers, keep_self=keep_self, k=4)
        assert plain(ranks) == expected
        assert view.map == pytest.approx(mean_ap)
        assert view.map_at[4] == pytest.approx(mean_ap_at)
        assert view.nar == pytest.approx(nar, abs=1e-12)


def test_a_whole_run_from_files_of_the_published_shape(tmp_path: Path):
    features, numbers = metu_shaped(1, groups=9, pool=500)
    names = [f"queries/q{at:03}-{group}.jpg" for at, group in enumerate(numbers)]
    names += [f"pool/{at}.jpg" for at in range(500)]
    (tmp_path / "list.txt").write_text("\n".join(names))
    np.save(tmp_path / "rows.npy", features)
    collection = read_names(tmp_path / "list.txt")
    found = evaluate(read_features(tmp_path / "rows.npy", collection), collection.groups)
    assert tuple(found.official.map_at) == K == (50, 100, 200, 400)
    assert asdict(found) == asdict(evaluate(features, numbers))
    _, mean_ap, mean_ap_at, nar = reference(features, numbers, keep_self=True, k=100)
    assert (found.official.map, found.official.map_at[100]) == pytest.approx((mean_ap, mean_ap_at))
    assert found.official.nar == pytest.approx(nar)
    assert found.official.map > found.self_excluded.map
    assert len(found.official.precision) == 11


def test_queries_among_random_pictures_have_a_normalised_rank_of_a_half():
    rng = np.random.default_rng(0)
    features = rng.standard_normal((3000, 64)).astype(np.float32)
    found = evaluate(features, np.arange(400) // 10)
    assert found.self_excluded.nar == pytest.approx(0.5, abs=0.02)
    assert found.official.nar == pytest.approx(0.45, abs=0.02)  # one of ten is the query itself
    assert found.official.map > 0.1 > found.self_excluded.map


def test_a_pool_smaller_than_k_is_refused():
    features, numbers = metu_shaped(0, groups=3, pool=399)
    with pytest.raises(InvalidInput, match="a pool of 399 pictures: mAP@400 needs 400 or more"):
        evaluate(features, numbers)
    with pytest.raises(InvalidInput, match="a pool of -2 pictures"):
        evaluate(features[: len(numbers) - 2], numbers)


def test_k_must_leave_a_rank_below_it():
    for k in ((1, 50), (), (0,)):
        with pytest.raises(InvalidInput, match="only ranks below K count, so give 2 or more"):
            evaluate(LITTLE, GROUPS, k=k)


def test_a_group_of_one_is_refused():
    with pytest.raises(InvalidInput, match="group 5 has one query"):
        evaluate(LITTLE, np.array([1, 1, 5]), k=(2,))


def test_results_are_held_against_their_own_rules():
    found = evaluate(LITTLE, GROUPS, k=(2,))
    with pytest.raises(InvalidInput, match="5 queries, 3 groups"):
        MetuResult(5, 3, 8, found.official, found.self_excluded)
    with pytest.raises(InvalidInput, match="2 levels of recall"):
        Figures(1, {}, 0, 1, 1, 1, 1, (1, 1))
