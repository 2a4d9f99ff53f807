from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from likemark.retrieval.oneshot.refine import Rect, around, refined, stretched
from likemark.retrieval.redact.regions import Region, region_of_box

SCENE = (200, 300)
TRUTH = (100.0, 50.0, 180.0, 110.0)


def iou(one: Sequence[float], other: Sequence[float]) -> float:
    across = min(one[2], other[2]) - max(one[0], other[0])
    down = min(one[3], other[3]) - max(one[1], other[1])
    shared = max(0.0, across) * max(0.0, down)
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (one, other))
    return shared / (areas - shared)


def embed(boxes: Sequence[Rect]) -> np.ndarray:
    """(n, 2): the more a box is the true one, the more it points the right way."""
    shares = np.array([iou(box, TRUTH) for box in boxes])
    return np.column_stack([shares, np.sqrt(1 - shares**2)]).astype(np.float32)


WANTED = np.array([1.0, 0.0], np.float32)


@pytest.mark.parametrize(
    "found", [(110, 60, 50, 40), (80, 40, 120, 80), (100, 50, 50, 60), (120, 60, 60, 50)], ids=str
)
def test_a_box_is_moved_towards_where_its_crop_is_likest(found: tuple[int, int, int, int]) -> None:
    region = region_of_box(*found, score=0.7)
    before = iou(region.box, TRUTH)
    fitted = refined(region, before, SCENE, embed, WANTED)
    assert iou(fitted.box, TRUTH) > before + 0.1
    assert fitted.score == 0.7


def test_a_box_that_nothing_betters_stays_as_it_is() -> None:
    region = region_of_box(100, 50, 80, 60)
    assert refined(region, 1.0, SCENE, embed, WANTED) is region


def test_boxes_that_are_tried_stay_in_the_scene() -> None:
    for box in ((0.0, 0.0, 300.0, 200.0), (290.0, 190.0, 300.0, 200.0), (5.0, 5.0, 8.0, 8.0)):
        for left, top, right, bottom in around(box, 0.3, SCENE):
            assert 0 <= left < right <= 300
            assert 0 <= top < bottom <= 200


def test_mask_and_rotated_box_go_with_the_box() -> None:
    mask = np.zeros((20, 40), np.uint8)
    mask[5:, :20] = 255
    mask[0, 39] = 255
    corners = np.array([[10, 10], [50, 10], [50, 30], [10, 30]], np.float64)
    moved = stretched(Region(10, 10, mask, corners, 0.5), (20.0, 0.0, 100.0, 60.0))
    assert moved.box == (20, 0, 100, 60)
    assert (moved.mask > 0).mean() == pytest.approx((mask > 0).mean(), abs=0.02)
    np.testing.assert_allclose(moved.corners, [[20, 0], [100, 0], [100, 60], [20, 60]])
