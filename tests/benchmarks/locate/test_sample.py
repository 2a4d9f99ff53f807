from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.locate import Book, box

from likemark.benchmarks.locate.asks import Asked
from likemark.benchmarks.locate.flickr import FlickrTasks
from likemark.benchmarks.locate.sample import sampled
from likemark.db.errors import InvalidInput


def questions(scenes: int = 60) -> Asked:
    """Three questions in each scene, a third of the scenes of no brand."""
    book = Book()
    for number in range(scenes):
        brand = (None, "a", "b")[number % 3]
        scene = book.scene(brand, *([box(0)] if brand else []))
        for query in ("a", "b", "c"):
            book.ask(scene, query)
    return book.given[0]


def test_no_more_are_asked_than_was_said_and_scenes_stay_whole() -> None:
    asked, kept = sampled(questions(), 50)
    assert len(asked.asks) == 48
    assert len(asked.scenes) == len(kept) == 16
    assert set(Counter(ask.scene for ask in asked.asks).values()) == {3}


def test_every_brand_keeps_its_share() -> None:
    asked, _ = sampled(questions(), 60)
    assert all(6 <= n <= 8 for n in Counter(scene.brand for scene in asked.scenes).values())


def test_questions_are_those_of_the_scenes_that_are_left() -> None:
    whole = questions()
    asked, kept = sampled(whole, 30)
    before = {whole.id(ask) for ask in whole.asks}
    assert {asked.id(ask) for ask in asked.asks} <= before
    assert [scene.id for scene in asked.scenes] == [whole.scenes[scene].id for scene in kept]


def test_a_larger_sample_holds_the_smaller_one_and_a_seed_gives_it_again() -> None:
    small, large = (set(sampled(questions(), most)[1]) for most in (20, 90))
    assert small < large
    assert sampled(questions(), 20)[1] == sampled(questions(), 20)[1]
    assert sampled(questions(), 20, seed=1)[1] != sampled(questions(), 20)[1]


def test_one_scene_is_the_least_and_all_are_the_most() -> None:
    whole = questions()
    assert len(sampled(whole, 1)[0].scenes) == 1
    assert sampled(whole, 10_000)[0] == whole
    with pytest.raises(InvalidInput, match="1 or more"):
        sampled(whole, 0)


def test_a_sample_of_the_photos_asks_what_all_of_them_are_asked(
    folder: Path, tasks: FlickrTasks, drawings: dict[str, np.ndarray]
) -> None:
    some = FlickrTasks.read(folder, drawings, questions=40)
    assert len(some.asked.asks) <= 40
    assert some.data == tasks.data  # answers in a cache serve both
    ids = {tasks.asked.id(ask) for ask in tasks.asked.asks}
    assert {some.asked.id(ask) for ask in some.asked.asks} <= ids
    for number, scene in enumerate(some.asked.scenes):
        assert scene.id.endswith(some.files[number])
        assert some.scene_pixels(number).shape[:2] == (scene.height, scene.width)
