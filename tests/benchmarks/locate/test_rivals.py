from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.corpus import draw_mark
from support.flickr27 import ColourEncoder

from likemark.benchmarks.locate.found import Found, Locator, Rect, overlap
from likemark.benchmarks.locate.rivals.keypoints import (
    KeypointLocator,
    KeypointRecipe,
    is_plausible,
)
from likemark.benchmarks.locate.rivals.shared import Kept, best_places, clipped
from likemark.benchmarks.locate.rivals.sliding import SlidingLocator, SlidingRecipe, windows
from likemark.benchmarks.locate.rivals.template import TemplateLocator, TemplateRecipe, response
from likemark.db.errors import InvalidInput

Pixels = np.ndarray
MARK, OTHER = 5, 11


def mark(number: int, side: int = 120, *, invert: bool = False) -> Pixels:
    pixels = np.asarray(draw_mark(number).resize((side, side), Image.Resampling.LANCZOS))
    return 255 - pixels if invert else pixels


def scene(*placed: tuple[int, int, int], invert: bool = False) -> Pixels:
    """(120, 160, 3): soft noise, with the mark at (left, top, side) each."""
    rng = np.random.default_rng(3)
    small = rng.integers(60, 200, (15, 20, 3)).astype(np.uint8)
    photo = np.asarray(Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)).copy()
    for left, top, side in placed:
        photo[top : top + side, left : left + side] = mark(MARK, side, invert=invert)
    return photo


def best_overlap(found: Found, *truths: Rect) -> float:
    return float(overlap(found.box, np.array(truths, float)).max())


QUICK = TemplateRecipe(template=32, smallest=24, turns=(0.0,))
LOCATORS = {
    "template": TemplateLocator(QUICK),
    "SIFT": KeypointLocator(KeypointRecipe("SIFT")),
    "ORB": KeypointLocator(KeypointRecipe("ORB")),
}


@pytest.fixture(params=LOCATORS)
def locator(request: pytest.FixtureRequest) -> Locator:
    return LOCATORS[request.param]


def test_a_mark_is_found_at_another_size(locator: Locator):
    found = locator.locate(mark(MARK), scene((50, 30, 64)))
    assert best_overlap(found[0], (50, 30, 64, 64)) > 0.7


def test_an_inverted_mark_is_the_same_mark(locator: Locator):
    found = locator.locate(mark(MARK), scene((50, 30, 64), invert=True))
    assert best_overlap(found[0], (50, 30, 64, 64)) > 0.7


@pytest.mark.parametrize("name", ["template", "SIFT"])
def test_several_copies_are_found(name: str):
    found = LOCATORS[name].locate(mark(MARK), scene((5, 10, 64), (85, 40, 70)))
    for truth in ((5, 10, 64, 64), (85, 40, 70, 70)):
        assert any(best_overlap(each, truth) > 0.5 for each in found[:3])


def test_another_mark_scores_less(locator: Locator):
    photo = scene((50, 30, 64))
    right = locator.locate(mark(MARK), photo)
    wrong = locator.locate(mark(OTHER), photo)
    assert max((each.score for each in wrong), default=-np.inf) < right[0].score


def test_the_same_question_has_the_same_answer(locator: Locator):
    photo, query = scene((50, 30, 64)), mark(MARK)
    first, second = locator.locate(query, photo), locator.locate(query, photo)
    third = locator.locate(query.copy(), photo.copy())
    for again in (second, third):
        assert again[0].box == pytest.approx(first[0].box)
        assert [f.score for f in again] == pytest.approx([f.score for f in first], abs=0.002)


def test_a_picture_of_one_colour_holds_nothing(locator: Locator):
    assert len(locator.locate(mark(MARK), np.full((90, 90, 3), 128, np.uint8))) == 0
    assert len(locator.locate(np.full((40, 40, 3), 128, np.uint8), scene())) == 0


def test_a_transparent_query_is_asked_like_an_opaque_one(locator: Locator):
    opaque = mark(MARK)
    clear = np.dstack((opaque, np.where((opaque > 250).all(axis=2), 0, 255).astype(np.uint8)))
    found = locator.locate(clear, scene((50, 30, 64)))
    assert best_overlap(found[0], (50, 30, 64, 64)) > 0.7


def test_boxes_are_within_the_scene_and_best_first(locator: Locator):
    found = locator.locate(mark(MARK), scene((96, 56, 64)))
    for each in found:
        left, top, width, height = each.box
        assert 0 <= left < left + width <= 160 + 1e-6
        assert 0 <= top < top + height <= 120 + 1e-6
    assert [f.score for f in found] == sorted((f.score for f in found), reverse=True)


def test_a_query_larger_and_longer_than_the_scene_is_no_fault(locator: Locator):
    long = np.tile(mark(MARK), (1, 12, 1))
    assert isinstance(locator.locate(long, scene()), list)


def test_a_turned_mark_is_found_by_turned_templates():
    turned = np.asarray(Image.fromarray(mark(MARK, 64)).rotate(12, expand=True, fillcolor="white"))
    photo = scene()
    height, width = turned.shape[:2]
    photo[20 : 20 + height, 40 : 40 + width] = turned
    both = replace(QUICK, turns=(-12.0, 0.0, 12.0))
    straight, turning = (TemplateLocator(each).locate(mark(MARK), photo) for each in (QUICK, both))
    assert turning[0].score > straight[0].score
    assert best_overlap(turning[0], (40, 20, width, height)) > 0.6


def test_the_likeness_of_a_place_is_that_of_a_plain_loop():
    import cv2

    rng = np.random.default_rng(0)
    photo, template = (rng.integers(0, 256, size).astype(np.uint8) for size in ((20, 24), (8, 9)))
    plane = response(photo, template)
    assert plane.shape == (13, 16)

    def edges(grey: Pixels) -> Pixels:
        return np.hypot(cv2.Sobel(grey, cv2.CV_64F, 1, 0), cv2.Sobel(grey, cv2.CV_64F, 0, 1))

    def alike(one: Pixels, other: Pixels) -> float:
        return float(np.corrcoef(one.ravel(), other.ravel())[0, 1])

    for y, x in ((0, 0), (5, 7), (12, 15)):
        here = np.s_[y : y + 8, x : x + 9]
        mean = abs(alike(photo[here], template)) / 2
        mean += max(0, alike(edges(photo)[here], edges(template))) / 2
        assert plane[y, x] == pytest.approx(np.arctanh(mean) * np.sqrt(72 - 3), abs=1e-3)


def test_views_that_no_camera_has_are_refused():
    assert is_plausible(np.array([[0.5, 0.1, 9], [-0.1, 0.5, 3]]))
    assert not is_plausible(np.array([[-0.5, 0, 0], [0, 0.5, 0]]))  # mirrored
    assert not is_plausible(np.array([[1, 0, 0], [0, 0.2, 0]]))  # squeezed
    assert not is_plausible(np.array([[20.0, 0, 0], [0, 20.0, 0]]))  # enlarged


def test_windows_cover_the_scene_within_the_budget():
    recipe = SlidingRecipe()
    for width, height in ((500, 375), (200, 600), (320, 240)):
        boxes = windows(width, height, recipe)
        assert 30 <= len(boxes) <= max(40, round(recipe.budget * width * height / 1e6))
        assert boxes[0] == (0, 0, width, height)
        for left, top, wide, tall in boxes:
            assert min(left, top) >= 0
            assert left + wide <= width + 1e-6
            assert top + tall <= height + 1e-6
        small = [box for box in boxes if box[2] * box[3] < 0.25 * width * height]
        middles = np.array([(left + wide / 2, top + tall / 2) for left, top, wide, tall in small])
        assert (np.ptp(middles, axis=0) > 0.5 * np.array((width, height))).all()


def test_windows_find_what_the_encoder_tells_apart():
    encoder = ColourEncoder()
    locator = SlidingLocator(encoder)
    photo = np.full((120, 160, 3), 120, np.uint8)
    photo[40:90, 60:120] = (230, 30, 60)
    query = np.full((20, 24, 3), (230, 30, 60), np.uint8)
    found = locator.locate(query, photo)
    assert best_overlap(found[0], (60, 40, 60, 50)) > 0.3
    assert found[0].score > 0.9
    before = encoder.seen
    locator.locate(np.full((20, 24, 3), (30, 200, 60), np.uint8), photo)
    assert encoder.seen - before <= 1 + 20  # the scene's own windows are not embedded again


def test_fingerprints_follow_recipes_and_encoders():
    encoder = ColourEncoder()
    each = [
        TemplateLocator(),
        TemplateLocator(QUICK),
        KeypointLocator(KeypointRecipe("SIFT")),
        KeypointLocator(KeypointRecipe("ORB")),
        KeypointLocator(KeypointRecipe("ORB", ratio=0.7)),
        SlidingLocator(encoder),
        SlidingLocator(encoder, SlidingRecipe(refined=0)),
        SlidingLocator(replace(encoder, fingerprint="d1" * 32)),
    ]
    assert len({locator.fingerprint for locator in each}) == len(each)
    assert TemplateLocator().fingerprint == TemplateLocator().fingerprint
    assert all(len(locator.fingerprint) == 64 for locator in each)


@pytest.mark.parametrize(
    "make",
    [
        lambda: TemplateRecipe(step=1.0),
        lambda: TemplateRecipe(turns=()),
        lambda: KeypointRecipe("SIFT", fewest=3),
        lambda: KeypointRecipe("ORB", ratio=1.5),
        lambda: SlidingRecipe(budget=0),
        lambda: SlidingRecipe(shrink=1.0),
    ],
)
def test_settings_that_make_no_sense_are_refused(make: type):
    with pytest.raises(InvalidInput):
        make()


def test_places_that_overlap_a_better_one_are_dropped():
    boxes: list[Rect] = [(0, 0, 10, 10), (1, 0, 10, 10), (30, 0, 10, 10), (30, 0, 10, 10)]
    found = best_places(boxes, [0.5, 0.9, 0.7, 0.7])
    assert [(f.box, f.score) for f in found] == [(boxes[1], 0.9), (boxes[2], 0.7)]
    assert len(best_places(boxes, [0.5, 0.9, 0.7, 0.7], most=1)) == 1
    assert best_places([], []) == []


def test_boxes_are_cut_at_the_edge():
    assert clipped((-5, -5, 10, 10), 20, 20) == (0, 0, 5, 5)
    assert clipped((18, 2, 10, 10), 20, 20) == (18, 2, 2, 10)
    assert clipped((20, 0, 5, 5), 20, 20) is None


def test_what_was_made_of_a_picture_is_kept_and_the_oldest_dropped():
    made: list[int] = []

    def make(pixels: Pixels) -> int:
        made.append(int(pixels[0, 0, 0]))
        return made[-1]

    kept = Kept(make, most=2)
    pictures = [np.full((1, 1, 3), value, np.uint8) for value in range(3)]
    for place in (0, 0, 1, 0, 2, 0):
        assert kept.of(pictures[place]) == place
    assert made == [0, 1, 2, 0]
