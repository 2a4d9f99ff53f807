from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.benchmarks.metrics.lists import Lists
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.benchmarks.metrics.scored import rank_blocks, rank_scores
from likemark.db.errors import InvalidInput

# Few values, so that ties of every kind occur.
TIED = st.lists(st.sampled_from([0.0, 0.25, 0.5, 1.0]), min_size=1, max_size=12)


def as_lists(ranks: Ranks) -> list[list[int]]:
    return [ranks[query].tolist() for query in range(len(ranks))]


def plain_pessimistic(scores: list[float], relevant: set[int], ignored: set[int]) -> list[int]:
    """Sort everything, irrelevant before relevant among equals, and read the places off."""
    kept = [item for item in range(len(scores)) if item not in ignored]
    order = sorted(kept, key=lambda item: (-scores[item], item in relevant))
    return [place for place, item in enumerate(order, start=1) if item in relevant]


def plain_worst(scores: list[float], relevant: set[int], ignored: set[int]) -> list[int]:
    kept = [item for item in range(len(scores)) if item not in ignored]
    wanted = relevant - ignored
    return sorted(sum(scores[other] >= scores[item] for other in kept) for item in wanted)


def test_ranks_of_a_ranking_written_out():
    #                    0    1    2    3    4
    scores = np.array([[0.9, 0.1, 0.8, 0.7, 0.3]])  # order: 0 2 3 4 1
    ranks = rank_scores(scores, [[3, 1]])
    assert as_lists(ranks) == [[3, 5]]
    assert ranks.sizes.tolist() == [5]


def test_an_irrelevant_item_of_equal_score_stands_first():
    scores = np.array([[0.5, 0.5, 0.5, 0.9]])
    assert as_lists(rank_scores(scores, [[0]])) == [[4]]
    assert as_lists(rank_scores(scores, [[0, 2]])) == [[3, 4]]
    assert as_lists(rank_scores(scores, [[0, 1, 2]])) == [[2, 3, 4]]


def test_under_worst_equals_share_the_last_place_relevant_ones_too():
    scores = np.array([[0.5, 0.5, 0.5, 0.9]])
    assert as_lists(rank_scores(scores, [[0, 2]], ties="worst")) == [[4, 4]]
    assert as_lists(rank_scores(scores, [[0, 3]], ties="worst")) == [[1, 4]]


def test_ignored_items_are_neither_relevant_nor_counted():
    scores = np.array([[0.9, 0.8, 0.7, 0.6], [0.9, 0.8, 0.7, 0.6]])
    ranks = rank_scores(scores, [[1, 3], [1, 3]], [[0], [3]])
    assert as_lists(ranks) == [[1, 3], [2]]
    assert ranks.sizes.tolist() == [3, 3]


def test_the_query_itself_is_left_out_by_ignoring_it():
    scores = np.array([[1.0, 0.2, 0.6], [0.2, 1.0, 0.9], [0.6, 0.9, 1.0]])
    everything = [[0, 1, 2]] * 3
    ranks = rank_scores(scores, everything, Lists.single(np.arange(3)))
    assert as_lists(ranks) == [[1, 2]] * 3
    assert ranks.sizes.tolist() == [2, 2, 2]


@given(TIED, st.data())
def test_both_tie_rules_agree_with_sorting(scores, data):
    items = st.sets(st.integers(0, len(scores) - 1))
    relevant, ignored = data.draw(items), data.draw(items)
    lists = [sorted(relevant)], [sorted(ignored)]
    dense = np.array([scores])
    assert as_lists(rank_scores(dense, *lists)) == [plain_pessimistic(scores, relevant, ignored)]
    worst = rank_scores(dense, *lists, ties="worst")
    assert as_lists(worst) == [plain_worst(scores, relevant, ignored)]


@pytest.mark.parametrize("kind", [np.float16, np.float32, np.float64])
def test_every_floating_type_is_ranked(kind: type[np.floating]):
    scores = np.array([[-np.inf, 3, 2, np.inf]], kind)
    assert as_lists(rank_scores(scores, [[0, 2]])) == [[3, 4]]


def test_blocks_in_any_order_give_what_the_whole_matrix_gives():
    rng = np.random.default_rng(5)
    scores = rng.integers(0, 9, (23, 40)).astype(np.float32)
    relevant = Lists.of([rng.integers(0, 40, 4) for _ in range(23)])
    ignored = Lists.of([rng.integers(0, 40, 3) for _ in range(23)])
    odd = np.arange(1, 9, 2)
    even = np.array([6, 0, 2, 4, 8])
    blocks = [(slice(9, 23), scores[9:]), (odd, scores[odd]), (even, scores[even])]
    whole = rank_scores(scores, relevant, ignored)
    ranks = rank_blocks(iter(blocks), relevant, ignored)
    assert as_lists(ranks) == as_lists(whole)
    assert ranks.sizes.tolist() == whole.sizes.tolist()
    assert as_lists(rank_blocks(blocks, relevant)) == as_lists(rank_scores(scores, relevant))


def test_blocks_that_miss_or_repeat_a_query_are_refused():
    scores, relevant = np.zeros((3, 4)), Lists.of([[0], [1], [2]])
    for blocks in ([(slice(0, 2), scores[:2])], [(slice(0, 3), scores), (slice(0, 1), scores[:1])]):
        with pytest.raises(InvalidInput, match="each of the 3 queries once"):
            rank_blocks(blocks, relevant)


def test_a_score_that_is_no_number_is_refused_wherever_it_stands():
    for column in range(4):
        scores = np.ones((2, 4), np.float32)
        scores[1, column] = np.nan
        with pytest.raises(InvalidInput, match="not a number") as caught:
            rank_scores(scores, [[0], [1]], [[], [2]])
        assert "\n" not in str(caught.value)


def test_scores_must_be_a_matrix():
    with pytest.raises(InvalidInput, match=r"give \(queries, gallery\)"):
        rank_scores(np.zeros(4), [[0]])


def test_a_gallery_without_items_has_no_ranks():
    ranks = rank_scores(np.empty((2, 0)), [[], []])
    assert (as_lists(ranks), ranks.sizes.tolist()) == ([[], []], [0, 0])
