from __future__ import annotations

import math
from functools import partial

import numpy as np
import pytest
from support.locate import (
    Book,
    box,
    evidence,
    ones,
    plain_false_masks,
    plain_map,
    plain_recall_at,
    plain_swap,
    random_book,
    repeated,
)

from likemark.benchmarks.locate.matches import IOUS
from likemark.benchmarks.locate.measures import (
    Measure,
    false_mask_rate,
    mean_ap,
    median_first_iou,
    median_iou,
    recall_at_alarms,
    swap_auroc,
    swap_wins,
)


def value(book: Book, measure: Measure) -> float:
    counted = book.evidence
    return float(measure(counted, ones(counted))[0])


@pytest.fixture
def two_marks() -> Book:
    """A scene with two marks: one found at .9 and one at .7, and something else at .8."""
    book = Book()
    scene = book.scene("a", box(0), box(30))
    book.ask(scene, "a", (0.9, box(0)), (0.8, box(70)), (0.7, box(30)))
    return book


def test_average_precision_is_the_area_under_the_highest_precision(two_marks: Book):
    assert value(two_marks, mean_ap) == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_what_a_query_finds_in_scenes_of_other_brands_is_false(two_marks: Book):
    two_marks.ask(two_marks.scene("b", box(0)), "a", (0.95, box(0)))
    # Brand b has no question, and so no part in the mean.
    assert value(two_marks, mean_ap) == pytest.approx(0.5 * 1 / 2 + 0.5 * 2 / 4)
    assert value(two_marks, partial(mean_ap, shown=True)) == pytest.approx(5 / 6)


def test_equal_scores_enter_together():
    book = Book()
    book.ask(book.scene("a", box(0)), "a", (0.9, box(0)), (0.9, box(50)))
    assert value(book, mean_ap) == pytest.approx(0.5)


def test_the_mean_is_over_brands_not_over_boxes():
    book = Book()
    for _ in range(3):
        book.ask(book.scene("a", box(0)), "a", (0.9, box(0)))
    book.ask(book.scene("b", box(0)), "b")
    assert value(book, mean_ap) == pytest.approx(0.5)


def test_stricter_overlaps_count_in_the_mean_over_thresholds():
    book = Book()
    book.ask(book.scene("a", (0, 0, 10, 10)), "a", (0.9, (0, 0, 10, 7)))  # IoU .7
    assert value(book, partial(mean_ap, ious=IOUS)) == pytest.approx(0.5)  # .5 to .7 of ten


def test_recall_is_read_at_one_false_alarm_in_ten_pictures():
    book = Book()
    for number in range(10):
        scene = book.scene("a", box(0))
        found = [(0.9 - 0.05 * number, box(0))]
        if number in (2, 5):  # false alarms: one is allowed
            found.append((found[0][0] - 0.01, box(60)))
        book.ask(scene, "a", *found)
    assert value(book, recall_at_alarms) == pytest.approx(0.6)
    assert value(book, partial(recall_at_alarms, per_picture=0.2)) == 1
    assert value(book, partial(recall_at_alarms, per_picture=0)) == pytest.approx(0.3)


def test_false_masks_are_counted_at_the_score_that_finds_so_many():
    book = Book()
    for score in (0.9, 0.8, 0.4, 0.3):
        book.ask(book.scene("a", box(0)), "a", (score, box(0)))
    for score in (0.85, 0.5, 0.35):
        book.ask(book.scene("b", box(0)), "a", (score, box(0)))
    book.ask(book.scene("b", box(0)), "a")
    rates = [value(book, partial(false_mask_rate, recall=r)) for r in (0.25, 0.5, 0.7, 1)]
    assert rates == pytest.approx([0, 1 / 4, 2 / 4, 3 / 4])


def test_a_recall_that_is_never_reached_has_no_rate():
    book = Book()
    book.ask(book.scene("a", box(0)), "a", (0.9, box(0)))
    book.ask(book.scene("a", box(0)), "a", (0.9, box(60)))
    book.ask(book.scene("b", box(0)), "a", (0.1, box(0)))
    assert math.isnan(value(book, partial(false_mask_rate, recall=0.7)))
    assert value(book, partial(false_mask_rate, recall=0.5)) == 0


def test_scenes_without_a_brand_are_counted_apart():
    book = Book()
    book.ask(book.scene("a", box(0)), "a", (0.5, box(0)))
    book.ask(book.scene("b", box(0)), "a", (0.4, box(0)))
    book.ask(book.scene(None), "a", (0.6, box(0)))
    assert value(book, partial(false_mask_rate, recall=0.7)) == 0
    assert value(book, partial(false_mask_rate, recall=0.7, empty=True)) == 1


def swapped(*best: tuple[float | None, float | None]) -> Book:
    """Scenes with the best score of the right query and of a wrong one."""
    book = Book()
    for right, wrong in best:
        scene = book.scene("a", box(0))
        for brand, score in (("a", right), ("b", wrong)):
            book.ask(scene, brand, *([] if score is None else [(score, box(0))]))
    return book


def test_swapping_the_query_is_seen_across_scenes_and_within_them():
    book = swapped((0.9, 0.5), (0.4, 0.3), (0.2, 0.2))
    # Nine pairs across: 3 wins, then 1 (over .3) + 1 (over .2), then half a one.
    assert value(book, swap_auroc) == pytest.approx((3 + 2 + 0.5) / 9)
    assert value(book, swap_wins) == pytest.approx((1 + 1 + 0.5) / 3)


def test_finding_nothing_is_below_every_score_and_a_tie_with_nothing():
    book = swapped((0.1, None), (None, None))
    assert value(book, swap_auroc) == pytest.approx((2 + 1) / 4)
    assert value(book, swap_wins) == pytest.approx(0.75)


def test_medians_are_of_right_boxes_and_of_the_best_box():
    book = Book()
    for wide in (10, 8, 6, 2):
        book.ask(book.scene("a", (0, 0, 10, 10)), "a", (0.9, (0, 0, wide, 10)))
    book.ask(book.scene("a", (0, 0, 10, 10)), "a")
    assert value(book, median_iou) == pytest.approx(0.8)
    assert value(book, median_first_iou) == pytest.approx(0.6)


def test_without_any_found_box_there_is_nothing_to_measure_but_zero():
    book = Book()
    book.ask(book.scene("a", box(0)), "a")
    book.ask(0, "b")
    assert value(book, mean_ap) == 0
    assert value(book, recall_at_alarms) == 0
    assert value(book, swap_auroc) == 0.5
    assert math.isnan(value(book, median_iou))
    assert math.isnan(value(book, partial(false_mask_rate, recall=0.7)))


@pytest.mark.parametrize("seed", range(40))
def test_every_measure_is_that_of_plain_loops(seed: int):
    given = random_book(seed)
    counted = evidence(given)
    for iou in (0.5, 0.75):
        for shown in (False, True):
            measured = mean_ap(counted, ones(counted), ious=(iou,), shown=shown)[0]
            assert measured == pytest.approx(plain_map(given, iou, shown=shown))
    for alarms in (0.0, 0.1, 0.5):
        measured = recall_at_alarms(counted, ones(counted), per_picture=alarms)[0]
        assert measured == pytest.approx(plain_recall_at(given, alarms))
    for recall in (0.1, 0.5, 0.7):
        for empty in (False, True):
            measured = false_mask_rate(counted, ones(counted), recall=recall, empty=empty)[0]
            expected = plain_false_masks(given, recall, empty=empty)
            assert measured == pytest.approx(expected, nan_ok=True)
    assert swap_auroc(counted, ones(counted))[0] == pytest.approx(plain_swap(given), nan_ok=True)


MEASURES: list[Measure] = [
    mean_ap,
    partial(mean_ap, ious=IOUS),
    recall_at_alarms,
    partial(false_mask_rate, recall=0.5),
    partial(false_mask_rate, recall=0.3, empty=True),
    swap_auroc,
    swap_wins,
    median_iou,
    median_first_iou,
]


@pytest.mark.parametrize("seed", range(20))
def test_a_weight_is_as_good_as_a_repeated_scene(seed: int):
    given = random_book(seed)
    drawn = np.random.default_rng(seed).integers(0, 3, (4, len(given[0].scenes)))
    drawn[0] = 1
    right = np.unique(evidence(given).scene[evidence(given).is_right])
    together = [measure(evidence(given), drawn.astype(float)) for measure in MEASURES]
    for row, weights in enumerate(drawn):
        if not weights[right].any():
            continue  # nothing is left to be found
        again = evidence(repeated(given, weights.tolist()))
        for measured, measure in zip(together, MEASURES, strict=True):
            expected = measure(again, ones(again))[0]
            assert measured[row] == pytest.approx(expected, nan_ok=True)
