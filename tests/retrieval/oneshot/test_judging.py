"""Which of overlapping places stands for the mark, and how sure it is."""

from __future__ import annotations

import numpy as np
import pytest

from likemark.retrieval.oneshot.card import Facts
from likemark.retrieval.oneshot.judging import Candidate, judged
from likemark.retrieval.redact.regions import region_of_box


def candidate(
    box: tuple[int, int, int, int], likeness: float, *, is_window: bool = False
) -> Candidate:
    """box: left, top, width and height, px of a level as of the scene"""
    facts = Facts(1.0, 0.5, (box[2] * box[3]) ** 0.5, 1.0, likeness)
    return Candidate(region_of_box(*box), facts, np.ones(1, np.float32), is_window)


WHOLE = candidate((10, 10, 80, 80), 0.50)
PART = candidate((10, 10, 30, 80), 0.55)


def test_the_whole_stands_for_a_part_that_is_a_little_liker_and_is_as_sure() -> None:
    (place,) = judged([PART, WHOLE])
    assert place.candidate is WHOLE
    (alone,) = judged([WHOLE])
    assert place.facts.similarity == pytest.approx((alone.facts.similarity or 0) + 0.05)
    assert place.candidate.facts.similarity == 0.50  # what is shown is its own


def test_a_part_that_is_far_liker_stands_for_itself() -> None:
    far = candidate((10, 10, 30, 80), 0.9)
    assert judged([far, WHOLE])[0].candidate is far


def test_a_mask_goes_before_a_window_of_the_same_likeness() -> None:
    window = candidate((5, 5, 90, 90), 0.52, is_window=True)
    (place,) = judged([window, WHOLE])
    assert place.candidate is WHOLE


def test_a_window_stays_where_no_mask_is() -> None:
    window = candidate((200, 200, 90, 90), 0.5, is_window=True)
    assert [each.candidate for each in judged([window, WHOLE])] == [WHOLE, window]


def test_a_window_gives_way_to_a_small_likelier_place_in_it() -> None:
    window = candidate((0, 0, 300, 300), 0.6, is_window=True)
    small = candidate((100, 100, 40, 40), 0.62)
    assert [each.candidate for each in judged([window, small])] == [small]


def test_a_window_that_shows_most_of_a_likelier_mark_is_no_second_place() -> None:
    mark = candidate((350, 150, 160, 160), 0.97)
    round_it = candidate((340, 0, 300, 300), 0.61, is_window=True)
    half_of_it = candidate((430, 150, 200, 160), 0.6, is_window=True)
    places = judged([mark, round_it, half_of_it])
    assert [each.candidate for each in places] == [mark, half_of_it]


def test_a_larger_place_is_surer_than_a_smaller_one_as_like() -> None:
    large, small = candidate((0, 0, 120, 120), 0.5), candidate((300, 300, 16, 16), 0.5)
    first, second = judged([small, large])
    assert first.candidate is large
    assert (first.facts.similarity or 0) > (second.facts.similarity or 0)


def test_what_sticks_out_of_a_place_and_is_nearly_as_like_is_told_with_it() -> None:
    part = candidate((10, 40, 80, 60), 0.45)
    unlike = candidate((0, 10, 60, 80), 0.3)
    window = candidate((0, 0, 100, 100), 0.5, is_window=True)
    (place,) = judged([WHOLE, part, unlike, window])
    assert place.candidate is WHOLE
    assert place.others == (part.region,)
