"""What is a part of a picture is found in it, and the picture in what it is a part of."""

from __future__ import annotations

import numpy as np
import pytest
from support.drawings import Pixels, triangles

from likemark.retrieval.correlation import Looked, Place
from likemark.retrieval.parts import SIDE, Box, grey
from likemark.retrieval.pictures.normalise import prepared

DRAWINGS = [triangles(seed) for seed in range(40)]


@pytest.fixture(scope="module")
def looked() -> Looked:
    return Looked([grey(prepared(pixels, 112)) for pixels in DRAWINGS])


def seen(pixels: Pixels) -> Pixels:
    return grey(prepared(pixels, 112))


def first(places: list[Place]) -> int:
    return max(range(len(places)), key=lambda i: places[i].score)


def overlap(one: Box, other: Box) -> float:
    left, top = max(one[0], other[0]), max(one[1], other[1])
    right, bottom = min(one[2], other[2]), min(one[3], other[3])
    shared = max(0.0, right - left) * max(0.0, bottom - top)
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (one, other)]
    return shared / (sum(areas) - shared)


def place_of(pixels: Pixels, left: int, top: int, side: int) -> Box:
    """Of a window in the trimmed square, as shares of its side."""
    marked = np.full_like(pixels, 255)
    inked = pixels.min(axis=2) < 255
    marked[inked] = 200  # trimmed as the drawing itself is
    window = np.zeros(pixels.shape[:2], bool)
    window[top : top + side, left : left + side] = True
    marked[inked & window] = 0
    square = prepared(marked, 400)[..., 0]
    rows, columns = np.nonzero(square < 100)
    return (
        columns.min() / 400, rows.min() / 400, (columns.max() + 1) / 400, (rows.max() + 1) / 400,
    )  # fmt: skip


@pytest.mark.parametrize("which", range(0, 40, 4))
def test_a_quarter_of_a_drawing_is_found_where_it_lies(looked: Looked, which: int) -> None:
    window = DRAWINGS[which][40:120, 40:120]
    places = looked.places_of(seen(window)).whole
    assert first(places) == which
    assert places[which].score > 0.9
    assert overlap(places[which].box, place_of(DRAWINGS[which], 40, 40, 80)) > 0.7


def test_ink_and_ground_may_change_places(looked: Looked) -> None:
    window = 255 - DRAWINGS[8][40:120, 40:120]
    places = looked.places_of(seen(window)).whole
    assert first(places) == 8
    assert places[8].score > 0.9


def test_a_whole_drawing_is_found_as_itself(looked: Looked) -> None:
    for which in (3, 17):
        places = looked.places_of(seen(DRAWINGS[which])).whole
        assert first(places) == which
        assert places[which].score > 0.99


def dice(seed: int, *, without: int = 0) -> Pixels:
    """Nine squares of their own sizes in a grid, the middle ones left out first."""
    rng = np.random.default_rng(seed)
    sides = rng.integers(8, 38, 9)
    page = np.full((120, 120, 3), 255, np.uint8)
    for cell in (0, 2, 6, 8, 1, 3, 5, 7, 4)[: 9 - without]:
        top, left, side = 40 * (cell // 3), 40 * (cell % 3), sides[cell]
        page[top : top + side, left : left + side] = 0
    return page


@pytest.mark.parametrize("which", [2, 9, 23])
def test_a_drawing_without_some_of_its_parts_is_found_by_its_ink(which: int) -> None:
    whole = Looked([seen(dice(seed)) for seed in range(30)])
    places = whole.places_of(seen(dice(which, without=4)))
    assert first(places.ink) == which
    assert places.ink[which].score > 0.85
    assert places.whole[which].score < 0.8
    assert overlap(places.ink[which].box, (0, 0, 1, 1)) > 0.7


def test_ink_is_found_on_another_ground_too(looked: Looked) -> None:
    places = looked.places_of(seen(255 - DRAWINGS[8])).ink
    assert first(places) == 8


def test_a_picture_that_shows_nothing_is_part_of_none(looked: Looked) -> None:
    blank = np.full((SIDE, SIDE), 255, np.uint8)
    places = looked.places_of(blank)
    assert {place.score for place in (*places.whole, *places.ink)} == {0.0}


def test_nothing_is_found_in_a_picture_that_shows_nothing() -> None:
    blank = np.full((SIDE, SIDE), 255, np.uint8)
    places = Looked([blank]).places_of(seen(DRAWINGS[0]))
    assert [place.score for place in (*places.whole, *places.ink)] == pytest.approx(
        [0, 0], abs=1e-3
    )


def test_scores_and_boxes_stay_within_their_bounds(looked: Looked) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE), dtype=np.uint8)
    places = looked.places_of(noise)
    for place in (*places.whole, *places.ink):
        assert 0 <= place.score <= 1
        assert all(0 <= share <= 1 for share in place.box)
        assert place.box[0] < place.box[2]
        assert place.box[1] < place.box[3]


def test_the_answer_for_a_picture_does_not_depend_on_those_beside_it(looked: Looked) -> None:
    window = seen(DRAWINGS[12][30:110, 20:100])
    alone = Looked([grey(prepared(DRAWINGS[12], 112))])
    one, among = alone.places_of(window), looked.places_of(window)
    assert one.whole[0].score == pytest.approx(among.whole[12].score, abs=1e-4)
    assert one.ink[0].score == pytest.approx(among.ink[12].score, abs=1e-4)


@pytest.fixture(scope="module")
def many() -> Looked:
    """More than are all looked into closely, and more than are gone through at once."""
    pages = [grey(prepared(triangles(seed), 112)) for seed in range(40, 400)]
    few = [grey(prepared(pixels, 112)) for pixels in DRAWINGS]
    return Looked([*pages, *(255 - page for page in pages), *pages, *few])


@pytest.mark.parametrize("which", [1, 22, 39])
def test_of_many_pictures_the_likest_are_looked_into_as_if_they_were_all(
    many: Looked, looked: Looked, which: int
) -> None:
    window = seen(DRAWINGS[which][40:120, 40:120])
    found, alone = many.places_of(window).whole, looked.places_of(window).whole[which]
    assert len(found) == 3 * 360 + 40
    assert first(found) == 3 * 360 + which
    assert found[3 * 360 + which].score == pytest.approx(alone.score, abs=1e-4)
    assert found[3 * 360 + which].box == pytest.approx(alone.box, abs=1e-6)


def test_what_is_not_looked_into_closely_is_found_nowhere(many: Looked) -> None:
    places = many.places_of(seen(DRAWINGS[5][40:120, 40:120]))
    for found, most in ((places.whole, 200), (places.ink, 100)):
        without = [place for place in found if place.score == 0]
        assert len(without) >= len(found) - most
        assert {place.box for place in without} == {(0.0, 0.0, 1.0, 1.0)}
