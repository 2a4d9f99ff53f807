"""Hand-computed cases, and agreement with trec_eval (pytrec_eval) and scikit-learn."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.benchmarks.metrics.curve import interpolated_precision
from likemark.benchmarks.metrics.figures import (
    average_precision,
    average_precision_at,
    hit_rate_at,
    mean_rank,
    normalised_rank,
    precision_at,
    recall_at,
    reciprocal_rank,
)
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.benchmarks.metrics.scored import rank_scores
from likemark.db.errors import InvalidInput

# Relevant at 1 and 4 of 10; at 3 of 10; nothing relevant.
HAND = Ranks.of([[1, 4], [3], []], size=10)
CUTS = (1, 3, 5, 10)


def close(values: np.ndarray, expected: list[float]) -> None:
    np.testing.assert_allclose(values, expected, rtol=1e-12)


def test_average_precision_by_hand():
    close(average_precision(HAND), [(1 / 1 + 2 / 4) / 2, 1 / 3, np.nan])


def test_average_precision_at_k_divides_by_all_relevant():
    close(average_precision_at(HAND, 3), [1 / 2, 1 / 3, np.nan])
    close(average_precision_at(HAND, 4), [(1 + 2 / 4) / 2, 1 / 3, np.nan])
    # Relevant at 1 and 5, K = 3: one half, where others print 1.
    close(average_precision_at(Ranks.of([[1, 5]], size=9), 3), [0.5])


def test_average_precision_at_k_can_divide_by_k_where_more_are_relevant():
    perfect = Ranks.of([[1, 2, 3, 4]], size=9)
    close(average_precision_at(perfect, 2), [0.5])
    close(average_precision_at(perfect, 2, denominator="min"), [1])
    close(average_precision_at(HAND, 5, denominator="min"), [0.75, 1 / 3, np.nan])


def test_hits_recall_and_precision_by_hand():
    close(hit_rate_at(HAND, 1), [1, 0, np.nan])
    close(hit_rate_at(HAND, 3), [1, 1, np.nan])
    close(recall_at(HAND, 3), [1 / 2, 1, np.nan])
    close(recall_at(HAND, 4), [1, 1, np.nan])
    close(precision_at(HAND, 4), [2 / 4, 1 / 4, np.nan])


def test_precision_divides_by_k_even_where_the_gallery_is_smaller():
    close(precision_at(Ranks.of([[1, 2]], size=2), 10), [0.2])


def test_reciprocal_rank_and_mean_rank_by_hand():
    close(reciprocal_rank(HAND), [1, 1 / 3, np.nan])
    close(mean_rank(HAND), [2.5, 3, np.nan])


def test_normalised_rank_by_hand_and_at_its_ends():
    close(normalised_rank(HAND), [(1 + 4 - 3) / (10 * 2), (3 - 1) / 10, np.nan])
    close(normalised_rank(Ranks.of([[1, 2, 3]], size=50)), [0])
    close(normalised_rank(Ranks.of([[48, 49, 50]], size=50)), [47 / 50])


def test_normalised_rank_of_a_random_order_is_about_a_half():
    rng = np.random.default_rng(0)
    ranks = Ranks.of([1 + rng.choice(1000, 5, replace=False) for _ in range(2000)], size=1000)
    assert normalised_rank(ranks).mean() == pytest.approx(0.5, abs=0.01)


def test_interpolated_precision_by_hand():
    # Recall 1/2 at precision 1, recall 1 at precision 2/4.
    curve = interpolated_precision(HAND)
    close(curve[0], [1] * 6 + [0.5] * 5)
    close(curve[1], [1 / 3] * 11)
    assert np.isnan(curve[2]).all()
    # A later, better precision counts for the levels before it: 1/4, 2/5, 3/6.
    close(interpolated_precision(Ranks.of([[4, 5, 6]], size=9))[0], [0.5] * 11)


def test_a_cut_below_one_is_refused():
    for figure in (average_precision_at, hit_rate_at, recall_at, precision_at):
        with pytest.raises(InvalidInput, match="K is 0: it must be 1 or more"):
            figure(HAND, 0)


@st.composite
def rankings(draw: st.DrawFn, *, tied: bool) -> tuple[list[int], list[bool]]:
    """Scores that float32 holds exactly, because trec_eval keeps them so, and judgements."""
    count = draw(st.integers(1, 30))
    top = 4 if tied else 10_000
    values = st.lists(st.integers(0, top), min_size=count, max_size=count, unique=not tied)
    flags = st.lists(st.booleans(), min_size=count, max_size=count).filter(any)
    return draw(values), draw(flags)


def ours(scores: list[int], relevant: list[bool]) -> Ranks:
    return rank_scores(np.array([scores], np.float32), [np.flatnonzero(relevant)])


def trec(scores: list[int], relevant: list[bool]) -> dict[str, float]:
    """trec_eval puts the greater document id first among equals: irrelevant ones get it."""
    import pytrec_eval

    names = [f"{'a' if hit else 'z'}{item:03}" for item, hit in enumerate(relevant)]
    judged = {"q": {name: int(hit) for name, hit in zip(names, relevant, strict=True)}}
    run = {"q": {name: float(score) for name, score in zip(names, scores, strict=True)}}
    cuts = ",".join(map(str, CUTS))
    wanted = {"map", "recip_rank", "iprec_at_recall"}
    wanted |= {f"{name}.{cuts}" for name in ("map_cut", "P", "recall", "success")}
    return dict(pytrec_eval.RelevanceEvaluator(judged, wanted).evaluate(run)["q"])


@given(st.one_of(rankings(tied=False), rankings(tied=True)))
def test_everything_agrees_with_trec_eval_ties_against_us(ranking):
    expected, ranks = trec(*ranking), ours(*ranking)
    got = {"map": average_precision(ranks), "recip_rank": reciprocal_rank(ranks)}
    for k in CUTS:
        got[f"map_cut_{k}"] = average_precision_at(ranks, k)
        got[f"P_{k}"] = precision_at(ranks, k)
        got[f"recall_{k}"] = recall_at(ranks, k)
        got[f"success_{k}"] = hit_rate_at(ranks, k)
    for name, values in got.items():
        assert values[0] == pytest.approx(expected[name], abs=1e-9), name


@given(st.one_of(rankings(tied=False), rankings(tied=True)))
def test_the_interpolated_curve_agrees_with_trec_eval(ranking):
    expected, (curve,) = trec(*ranking), interpolated_precision(ours(*ranking))
    relevant = sum(ranking[1])
    for tenth, precision in enumerate(curve):
        # trec_eval rounds up by adding 0.9, which floating point lets fall short here and there.
        if int(tenth / 10 * relevant + 0.9) == -(-tenth * relevant // 10):
            name = f"iprec_at_recall_{tenth / 10:.2f}"
            assert precision == pytest.approx(expected[name], abs=1e-9), name


@given(rankings(tied=False))
def test_average_precision_agrees_with_scikit_learn(ranking):
    from sklearn.metrics import average_precision_score

    scores, relevant = ranking
    expected = average_precision_score(relevant, scores)
    assert average_precision(ours(scores, relevant))[0] == pytest.approx(expected)


@given(rankings(tied=True))
def test_with_ties_under_worst_scikit_learn_is_never_below(ranking):
    """It gives all relevant items of a tie the precision at the tie's end."""
    from sklearn.metrics import average_precision_score

    scores, relevant = ranking
    expected = average_precision_score(relevant, scores)
    dense, items = np.array([scores], np.float32), [np.flatnonzero(relevant)]
    worst = average_precision(rank_scores(dense, items, ties="worst"))[0]
    assert worst <= average_precision(ours(scores, relevant))[0] + 1e-12
    assert worst <= expected + 1e-12


@given(st.lists(st.sets(st.integers(1, 40), max_size=6), min_size=1, max_size=8))
def test_many_queries_at_once_are_each_query_alone(rows):
    together = Ranks.of([sorted(row) for row in rows], size=40)
    for query in range(len(rows)):
        alone = together.take([query])
        for figure in (average_precision, reciprocal_rank, normalised_rank, mean_rank):
            np.testing.assert_array_equal(figure(together)[query], figure(alone)[0])
        np.testing.assert_array_equal(
            interpolated_precision(together)[query], interpolated_precision(alone)[0]
        )
