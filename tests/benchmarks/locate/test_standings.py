from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from support.locate import SIDE, Book, answer, box, random_book

from likemark.benchmarks.locate.asks import Ask, Asked, Query, Scene
from likemark.benchmarks.locate.standings import RECALLS, Figure, Standing, standings
from likemark.db.errors import InvalidInput


@pytest.fixture
def book() -> Book:
    """Marks of 5, 20 and 60 px in scenes of 100; all found but the smallest."""
    book = Book()
    for side in (5.0, 20.0, 60.0):
        for _ in range(3):
            mark = box(0, 0, side)
            scene = book.scene("a", mark)
            book.ask(scene, "a", *([(0.9, mark)] if side > 5 else []))
            book.ask(scene, "b", *([(0.2, mark)] if side > 5 else []))
    book.ask(book.scene(None), "a", (0.95, box(0)))
    return book


def part(found: tuple[Standing, ...], size: str) -> Standing:
    (one,) = [standing for standing in found if standing.size == size]
    return one


def test_each_size_of_logo_is_measured_by_itself(book: Book):
    found = standings(*book.given, repetitions=0)
    assert [(s.query, s.size, s.scenes) for s in found] == [
        ("crop", "all", 10),
        ("crop", "small", 3),
        ("crop", "medium", 3),
        ("crop", "large", 3),
    ]
    assert [part(found, size).map_50.value for size in ("small", "medium", "large")] == [0, 1, 1]
    # One of seven found boxes is false, and it comes first.
    assert part(found, "all").map_50.value == pytest.approx(6 / 9 * 6 / 7)
    assert part(found, "all").swap_wins.value == pytest.approx((6 + 3 * 0.5) / 9)
    assert [s.boxes for s in found] == [9, 3, 3, 3]


def test_wrong_queries_are_counted_at_every_recall(book: Book):
    every = part(standings(*book.given, repetitions=0), "all").false_masks
    assert tuple(one.recall for one in every) == RECALLS
    assert [one.rate.value for one in every] == [0, 0, 0, None, None]
    assert [one.rate_empty.value for one in every] == [1, 1, 1, None, None]
    medium = part(standings(*book.given, repetitions=0), "medium").false_masks
    assert [one.rate.value for one in medium] == [0] * 5
    assert [one.rate_empty.value for one in medium] == [None] * 5


def test_places_are_counted_by_the_probability_that_they_were_given(book: Book):
    sure = part(standings(*book.given, repetitions=0), "all").sure
    assert [(one.low, one.high, one.found) for one in sure] == [
        (0.5, 0.7, 0), (0.7, 0.85, 0), (0.85, 1.0, 7),
    ]  # fmt: skip
    assert [one.right for one in sure] == [None, None, pytest.approx(6 / 7)]


def test_kinds_of_query_are_measured_apart():
    scenes = (Scene("s", SIDE, SIDE, "a", (box(0),)),)
    queries = (Query("d", "drawing", "a"), Query("c", "crop", "a"))
    asked = Asked(scenes, queries, (Ask(0, 0), Ask(0, 1)))
    found = standings(asked, [answer((0.9, box(0))), answer()], repetitions=0)
    values = {standing.query: standing.map_50.value for standing in found}
    assert values == {"drawing": 1, "crop": 0}


def test_intervals_hold_the_value_and_are_the_same_for_a_seed(book: Book):
    given = book.given
    first, second = (standings(*given, seed=4, repetitions=60) for _ in range(2))
    assert first == second
    figure = part(first, "all").swap_auroc
    assert figure.low is not None
    assert figure.high is not None
    assert figure.value is not None
    assert figure.low < figure.value < figure.high
    assert part(first, "large").map_50 == Figure(1.0, 1.0, 1.0)


def test_an_interval_is_left_out_where_a_draw_has_no_value(book: Book):
    rates = part(standings(*book.given, repetitions=60), "all").false_masks
    assert rates[2].rate.value == 0
    assert rates[2].rate.low is None  # at times less than half of the boxes is found


def test_masks_are_averaged_over_right_questions(book: Book):
    asked, answers = book.given
    assert part(standings(asked, answers, repetitions=0), "all").mask_iou == Figure(None)
    masked = [replace(got, mask_iou=0.25) for got in answers]
    masked[0] = replace(answers[0], mask_iou=None)
    masked[2] = replace(answers[2], mask_iou=0.5)
    value = part(standings(asked, masked, repetitions=0), "all").mask_iou.value
    assert value == pytest.approx((0.5 + 7 * 0.25) / 8)


@pytest.mark.parametrize("seed", range(5))
def test_a_standing_is_plain_json(seed: int):
    for standing in standings(*random_book(seed), repetitions=20):
        json.dumps(asdict(standing), allow_nan=False)


def test_every_question_has_an_answer(book: Book):
    asked, answers = book.given
    with pytest.raises(InvalidInput, match="18 answers to 19 questions"):
        standings(asked, answers[1:])
