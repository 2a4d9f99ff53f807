"""Regions moved, joined and compared."""

from __future__ import annotations

import numpy as np
import pytest

from likemark.retrieval.redact.regions import region_of_box
from likemark.retrieval.redact.shapes import (
    joined,
    moved,
    outside,
    shared,
    shift,
    turned_like,
    window_of,
)


def test_a_region_at_rest_is_the_very_same_and_a_shifted_one_is_where_it_should_be() -> None:
    region = region_of_box(10, 12, 20, 8)
    assert moved(region, np.eye(3)) is region
    away = moved(region, shift(5, -3))
    assert away.box == (15, 9, 35, 17)
    assert away.corners == pytest.approx(region.corners + np.array([5, -3]))
    assert moved(away, shift(-5, 3)).box == region.box


def test_a_region_grows_with_a_similarity_about_px_centres() -> None:
    twice = np.diag([2.0, 2.0, 1.0])
    grown = moved(region_of_box(10, 10, 10, 10), twice)
    assert grown.corners[0] == pytest.approx([19.5, 19.5])
    assert grown.corners[2] == pytest.approx([39.5, 39.5])
    assert grown.box == (19, 19, 40, 40)


def test_shared_px_are_counted_whatever_the_windows() -> None:
    one, other = region_of_box(0, 0, 10, 10), region_of_box(6, 7, 10, 10)
    assert shared(window_of(one), window_of(other)) == 4 * 3
    assert shared(window_of(one), window_of(region_of_box(40, 40, 5, 5))) == 0
    whole = joined(one, other)
    assert whole.box == (0, 0, 16, 17)
    assert np.count_nonzero(whole.mask) == 200 - 12


def test_corners_keep_their_order_when_a_mark_is_found_anew() -> None:
    region = region_of_box(10, 10, 20, 10)
    rolled = turned_like(region, moved(region, shift(1, 1)))
    assert rolled.corners == pytest.approx(region.corners)
    quarter = np.array([[0.0, -1, 40], [1, 0, 0], [0, 0, 1]])
    turned = moved(region, quarter)
    anew = region_of_box(*turned.box[:2], 10, 20)
    assert np.abs(turned_like(anew, turned).corners - turned.corners).max() < 3


def test_outside_means_that_no_px_is_in_the_picture() -> None:
    assert outside(region_of_box(-10, 0, 10, 5), (40, 40))
    assert outside(region_of_box(0, 40, 10, 5), (40, 40))
    assert not outside(region_of_box(-9, 0, 10, 5), (40, 40))
