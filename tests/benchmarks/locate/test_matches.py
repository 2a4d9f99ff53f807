from __future__ import annotations

import numpy as np
import pytest
from support.locate import Book, answer, box

from likemark.benchmarks.locate.matches import IOUS, Answer, Evidence, match
from likemark.db.errors import InvalidInput


def test_the_second_box_on_a_mark_is_wrong():
    found = match([box(0), box(1)], [box(0)])
    assert found.hit[0].tolist() == [True, False]
    assert found.nearest == pytest.approx([1, 9 / 11])


def test_a_box_takes_the_free_one_that_it_overlaps_most():
    truths = [box(0), box(3)]
    found = match([box(1), box(1)], truths)
    # The first is nearer to the one at 0; the other is all that is left for the second.
    assert found.iou == pytest.approx([9 / 11, 8 / 12])
    assert found.hit[0].tolist() == [True, True]


def test_an_overlap_of_the_threshold_itself_counts():
    found = match([(0, 0, 10, 5)], [(0, 0, 10, 10)])
    assert found.hit[:, 0].tolist() == [True] + [False] * (len(IOUS) - 1)
    assert found.iou == pytest.approx([0.5])


def test_each_threshold_matches_anew():
    # The first found box overlaps both; at .5 it takes the left one, at .95 it takes none.
    found = match([box(0.5), box(0)], [box(0)])
    assert found.hit[IOUS.index(0.5)].tolist() == [True, False]
    assert found.hit[IOUS.index(0.95)].tolist() == [False, True]


def test_evidence_goes_by_score_over_all_questions():
    book = Book()
    shown = book.scene("a", box(0))
    book.ask(shown, "a", (0.4, box(0)), (0.2, box(50)))
    book.ask(shown, "b", (0.9, box(0)))
    book.ask(book.scene(None), "a")
    found = book.evidence
    assert found.score.tolist() == [0.9, 0.4, 0.2]
    assert found.ask.tolist() == [1, 0, 0]
    assert found.hit[0].tolist() == [False, True, False]
    assert found.truths.tolist() == [1, 0, 0]
    assert found.is_right.tolist() == [True, False, False]
    assert found.is_empty.tolist() == [False, False, True]
    assert found.best.tolist() == [0.4, 0.9, -np.inf]
    assert found.best_iou.tolist() == [1, 0, 0]


def test_only_the_chosen_questions_count():
    book = Book()
    for brand in ("a", "b"):
        book.ask(book.scene(brand, box(0)), brand, (0.5, box(0)))
    asked, answers = book.given
    found = Evidence.of(asked, answers, [1])
    assert found.scene.tolist() == [1]
    assert found.ask.tolist() == [0]


def test_a_question_without_any_found_box_is_evidence_too():
    book = Book()
    book.ask(book.scene("a", box(0)), "a")
    assert book.evidence.hit.shape == (len(IOUS), 0)


def test_every_box_has_a_score():
    with pytest.raises(InvalidInput, match="1 boxes with 2 scores"):
        Answer((box(0),), (1.0, 0.5))
    assert answer().boxes == ()
