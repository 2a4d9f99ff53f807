"""Covered px counted, a known brand told from one that is gone, and the film."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from support.drawings import badge

from likemark.benchmarks.redaction.clip import Clip, make_clip, measure_clip, shaken
from likemark.benchmarks.redaction.covering import Covering, covering
from likemark.benchmarks.redaction.finding import true_regions
from likemark.benchmarks.redaction.residual import Gallery
from likemark.retrieval.redact.style import Style


def mask(*boxes: tuple[int, int, int, int]) -> NDArray[np.uint8]:
    """(20, 30): 255 in each left, top, right, bottom."""
    whole = np.zeros((20, 30), np.uint8)
    for left, top, right, bottom in boxes:
        whole[top:bottom, left:right] = 255
    return whole


def test_px_and_boxes_are_counted_and_added_up() -> None:
    one = covering(mask((0, 0, 10, 5)), [(0, 0, 10, 10), (20, 0, 5, 5)])
    assert one == Covering(hit=50, wanted=125, covered=50, boxes=2, half=1)
    assert (one.recall, one.precision, one.boxes_covered) == (0.4, 1.0, 0.5)
    both = one + covering(mask((0, 0, 30, 20)), [(0, 0, 30, 10)])
    assert both == Covering(350, 425, 650, 3, 2)
    assert both.precision == pytest.approx(350 / 650)


def test_boxes_that_overlap_or_reach_outside_count_their_px_once() -> None:
    found = covering(mask((0, 0, 30, 20)), [(0, 0, 10, 10), (5, 0, 10, 10), (25, 15, 90, 90)])
    assert (found.hit, found.wanted, found.half) == (175, 175, 3)
    nothing = covering(mask(), [(40, 0, 9, 9)])
    assert (nothing.recall, nothing.precision, nothing.half) == (1.0, 1.0, 0)


def test_the_true_regions_are_the_boxes_whole() -> None:
    (region,) = true_regions([(2.4, 3.0, 6.4, 0.2)])
    assert region.box == (2, 3, 9, 4)


def unit(*values: float) -> NDArray[np.float32]:
    row = np.array(values, np.float32)
    return row / np.float32(np.linalg.norm(row))


GALLERY = Gallery(
    ("A", "A", "B"),
    ("one", "two", "three"),
    np.stack([unit(1, 0, 0), unit(1, 1, 0), unit(0, 1, 0)]),
    unit(0, 0, 1)[None],
)


@pytest.mark.parametrize(
    ("row", "brand", "digest", "known"),
    [
        (unit(1, 0, 0), "A", "other", True),
        (unit(1, 0, 0), "B", "other", False),
        (unit(0, 0, 1), "A", "other", False),  # a crop of no brand comes first
        (unit(0, 1, 0), "B", "three", False),  # its own photo does not count
        (unit(0.1, 1, 0), "A", "two", False),
        (unit(1, 1, 1), "A", "other", True),
        (unit(1, -1, 1), "A", "two", True),  # as near as the crop of no brand
        (unit(1, 0, 0), "C", "other", False),
    ],
)
def test_a_brand_is_known_where_a_crop_of_another_photo_comes_first(
    row: NDArray[np.float32], brand: str, digest: str, known: bool
) -> None:
    assert GALLERY.knows(row, brand, digest) is known


@pytest.fixture(scope="module")
def clip() -> Clip:
    return make_clip(badge(), frames=10, size=(64, 96))


def test_the_film_is_the_same_each_time_and_only_noise_changes_in_it(clip: Clip) -> None:
    again = make_clip(badge(), frames=10, size=(64, 96))
    np.testing.assert_array_equal(clip.frames, again.frames)
    assert clip.frames.shape == (10, 64, 96, 3)
    assert clip.mask.any()
    change = np.abs(np.diff(clip.frames.astype(int), axis=0))
    assert 1 < change.mean() < 8


@pytest.mark.parametrize("way", ["mosaic", "blur", "fill", "inpaint"])
def test_a_shaken_finder_that_misses_frames_leaves_neither_flicker_nor_a_flash(
    clip: Clip, way: str
) -> None:
    found = shaken(clip)
    assert sorted(map(len, found)) == [0, 0, *[1] * 8]
    figures = measure_clip(clip, found, Style(way=way))
    assert figures.flicker == 0.0
    assert figures.frames_covered == 1.0
    assert figures.frames_per_second > 0


def test_a_film_in_which_nothing_is_found_has_no_flicker_to_speak_of(clip: Clip) -> None:
    figures = measure_clip(clip, [[] for _ in clip.frames], Style())
    assert (figures.flicker, figures.frames_covered) == (None, 0.0)
