from __future__ import annotations

from collections.abc import Sequence

import pytest
from support.locate import SIDE, Book, answer, box

from likemark.benchmarks.locate.asks import Asked
from likemark.benchmarks.locate.failures import Failure, Source, worst
from likemark.benchmarks.locate.flickr import FlickrTasks
from likemark.benchmarks.locate.found import Mask
from likemark.benchmarks.locate.matches import Answer
from likemark.db.errors import InvalidInput


class Sources:
    """A book's questions, with names for pictures."""

    data = "5c" * 32

    def __init__(self, asked: Asked) -> None:
        self.asked = asked

    def scene_pixels(self, scene: int) -> None:
        raise NotImplementedError

    query_pixels = scene_pixels

    def truth(self, scene: int) -> Mask | None:
        return None

    def scene_source(self, scene: int) -> Source:
        return Source(f"{scene}.jpg")

    def query_source(self, query: int) -> Source:
        return Source(None)


def worst_of(book: Book, most: int = 12) -> tuple[Sequence[Failure], Sequence[Failure]]:
    asked, answers = book.given
    found = worst(Sources(asked), answers, most=most)  # type: ignore[arg-type]
    return found.missed, found.false


@pytest.fixture
def book() -> Book:
    book = Book()
    book.ask(book.scene("a", box(0)), "a", (0.9, box(50)), (0.1, box(1)))  # found, if second
    book.ask(book.scene("a", box(0)), "a", (0.4, box(60)))
    book.ask(book.scene("a", box(0)), "a", (0.8, box(70)), (0.3, box(60)))
    book.ask(book.scene("a", box(0)), "a")  # nothing at all: no wrong place to look at
    book.ask(book.scene("b", box(0)), "a", (0.2, box(0)))
    book.ask(book.scene(None), "a", (0.7, box(30)))
    return book


def test_missed_marks_come_with_the_surest_wrong_place_first(book: Book) -> None:
    missed, _ = worst_of(book)
    assert [(each.scene, each.scores) for each in missed] == [("s2", (0.8, 0.3)), ("s1", (0.4,))]
    assert missed[0].truth == (box(0),)
    assert missed[0].boxes == (box(70), box(60))
    assert missed[0].photo == Source("2.jpg")


def test_false_marks_are_of_scenes_with_another_brand_or_none(book: Book) -> None:
    _, false = worst_of(book)
    assert [(each.scene, each.scores) for each in false] == [("s5", (0.7,)), ("s4", (0.2,))]
    assert all(each.truth == () for each in false)


def test_only_the_worst_and_their_surest_places_are_kept(book: Book) -> None:
    book.ask(book.scene("a", box(0)), "a", *[(1 - n / 10, box(40 + n)) for n in range(6)])
    missed, false = worst_of(book, most=1)
    assert len(missed) == len(false) == 1
    assert missed[0].scores == pytest.approx((1.0, 0.9, 0.8))


def test_a_failure_without_a_place_is_refused() -> None:
    nowhere = Source(None)
    with pytest.raises(InvalidInput, match="places with scores"):
        Failure("q", "crop", "a", nowhere, "s", nowhere, (), (), ())


def test_sources_lead_to_the_px_of_the_data_set(tasks: FlickrTasks) -> None:
    answers = [Answer((), ()) for _ in tasks.asked.asks]
    answers[1] = answer((0.9, box(0, side=SIDE)))
    failures = worst(tasks, answers)
    (failure,) = (*failures.missed, *failures.false)
    ask = tasks.asked.asks[1]
    assert failure.photo.image is not None
    assert (tasks.flickr.folder / failure.photo.image).is_file()
    assert tasks.scene_source(ask.scene) == failure.photo
    crop = tasks.query_source(0)
    assert crop.image is not None
    assert crop.box is not None
    left, top, width, height = (int(side) for side in crop.box)
    from likemark.retrieval.pictures.load import load_picture

    photo = load_picture(tasks.flickr.folder / crop.image)
    assert (photo[top : top + height, left : left + width] == tasks.query_pixels(0)).all()
    assert tasks.query_source(len(tasks.exemplars)) == Source(None)
