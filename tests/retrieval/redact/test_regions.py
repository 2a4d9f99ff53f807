"""Regions from masks, boxes and polygons."""

from __future__ import annotations

import numpy as np
import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.paint import covered_mask
from likemark.retrieval.redact.regions import (
    Region,
    region_of_box,
    region_of_mask,
    region_of_polygon,
)
from likemark.retrieval.redact.style import Style


def test_a_region_of_a_mask_holds_its_window_and_its_box() -> None:
    mask = np.zeros((40, 60), np.uint8)
    mask[10:20, 30:50] = 1
    region = region_of_mask(mask, score=0.4)
    assert (region.left, region.top, region.mask.shape, region.score) == (30, 10, (10, 20), 0.4)
    assert region.box == (30, 10, 50, 20)
    assert (region.mask == 255).all()
    assert region.corners == pytest.approx(np.array([[30, 10], [50, 10], [50, 20], [30, 20]]))
    assert region.size == pytest.approx(200**0.5)


def test_a_box_and_its_polygon_are_the_same_region() -> None:
    box = region_of_box(5, 6, 20, 10)
    assert box.box == (5, 6, 25, 16)
    polygon = region_of_polygon(np.array([[5, 6], [24, 6], [24, 15], [5, 15]]))
    assert polygon.box == box.box


def test_corners_begin_at_the_upper_left_and_run_clockwise_when_turned() -> None:
    turned = region_of_polygon(np.array([[20, 10], [60, 20], [55, 40], [15, 30], [20, 10]]))
    first, second, third, fourth = turned.corners
    assert first[0] < second[0]
    assert first[1] < fourth[1]
    assert second[1] < third[1]
    across, down = second - first, fourth - first
    assert across[0] * down[1] - across[1] * down[0] > 0


def test_a_region_may_lie_outside_the_picture_in_part() -> None:
    region = region_of_polygon(np.array([[-10.0, -5], [10, -5], [10, 5]]))
    assert (region.left, region.top) == (-10, -5)


def test_what_is_no_region_is_refused() -> None:
    with pytest.raises(InvalidInput, match="all zero"):
        region_of_mask(np.zeros((4, 4), np.uint8))
    with pytest.raises(InvalidInput, match="empty"):
        region_of_box(0, 0, 0, 4)
    with pytest.raises(InvalidInput, match="3 points"):
        region_of_polygon(np.array([[0, 0], [4, 4]]))
    with pytest.raises(InvalidInput, match="uint8"):
        Region(0, 0, np.ones((3, 3), np.float32), np.zeros((4, 2)))  # type: ignore[arg-type]
    with pytest.raises(InvalidInput, match="four points"):
        Region(0, 0, np.ones((3, 3), np.uint8), np.full((4, 2), np.nan))


def test_the_ends_of_a_long_box_get_the_margin_of_its_length() -> None:
    style = Style(margin=0.1, least_margin=0)
    for word, axis in ((region_of_box(60, 90, 200, 20), 1), (region_of_box(90, 60, 20, 200), 0)):
        mask = covered_mask((320, 320), [word], style) > 0
        along, across = (np.flatnonzero(mask.any(axis=each)) for each in (1 - axis, axis))
        assert (int(along[0]), int(along[-1])) == pytest.approx((40, 279), abs=1)
        # A tenth of the size: the side of a square as large, 63 px.
        assert (int(across[0]), int(across[-1])) == pytest.approx((84, 115), abs=1)
    square = covered_mask((320, 320), [region_of_box(100, 100, 50, 50)], style) > 0
    assert np.flatnonzero(square.any(axis=0)).tolist() == list(range(95, 155))
