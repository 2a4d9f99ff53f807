"""Masks as polygons and back."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray
from support.located import region

from likemark.retrieval.oneshot.found import within
from likemark.retrieval.oneshot.outlines import outlines, polygon
from likemark.retrieval.redact.regions import region_of_mask, region_of_polygon


def test_a_polygon_gives_its_mask_again() -> None:
    mask = np.zeros((80, 90), np.uint8)
    cv2.ellipse(mask, (40, 45), (30, 14), 25, 0, 360, 255, -1)
    made = region_of_polygon(polygon(region_of_mask(mask)).astype(float))
    drawn = np.zeros_like(mask)
    left, top, right, bottom = made.box
    drawn[top:bottom, left:right] = made.mask
    assert np.count_nonzero(drawn != mask) < 0.08 * np.count_nonzero(mask)
    assert len(polygon(region_of_mask(mask))) < 40


def test_a_rectangle_has_four_corners() -> None:
    corners = polygon(region(10, 20, 20, 12))
    assert sorted(corners.tolist()) == [[10, 20], [10, 31], [29, 20], [29, 31]]


def test_the_largest_part_comes_first_and_holes_are_filled() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[2:6, 2:6] = mask[10:38, 20:55] = 255
    mask[15:30, 25:40] = 0
    parts = outlines(region_of_mask(mask))
    assert [part.min(axis=0).tolist() for part in parts] == [[20, 10], [2, 2]]


def letters() -> NDArray[np.uint8]:
    """(40, 120): a word whose letters hang apart, one of them a single px; one has a hole."""
    mask = np.zeros((40, 120), np.uint8)
    mask[4:30, 2:20] = mask[10:32, 45:60] = mask[2:36, 65:78] = mask[20:24, 100:118] = 255
    mask[12:20, 8:14] = mask[38, 110] = 0
    mask[38, 90] = 255
    return mask


def test_a_polygon_of_several_parts_has_them_all_and_little_else() -> None:
    mask = letters()
    joined = polygon(region_of_mask(mask))
    drawn = cv2.fillPoly(np.zeros_like(mask), [joined], (255,))
    parts = outlines(region_of_mask(mask))
    apart = cv2.fillPoly(np.zeros_like(mask), parts, (255,))
    assert (drawn[mask > 0] > 0).all()
    assert np.count_nonzero(drawn != apart) < 80  # the px that the bridges pass over
    assert len(joined) == sum(map(len, parts)) + 2 * (len(parts) - 1)
    np.testing.assert_allclose(abs(cv2.contourArea(joined)), sum(map(cv2.contourArea, parts)))


def test_a_line_and_a_px_are_polygons_too() -> None:
    for width, height in ((1, 1), (9, 1), (1, 7)):
        only = region(5, 6, width, height)
        again = region_of_polygon(polygon(only).astype(float))
        assert again.box == only.box


def test_what_lies_outside_of_the_scene_is_cut_off() -> None:
    whole = region(10, 20)
    assert within(whole, 96, 64) is whole
    cut = within(whole, 15, 26)
    assert cut is not None
    assert cut.box == (10, 20, 15, 26)
    assert cut.mask.flags.c_contiguous
    np.testing.assert_array_equal(cut.corners, whole.corners)
    assert within(whole, 10, 64) is None
