from __future__ import annotations

import numpy as np
import pytest
from support.drawings import badge, lockup

from likemark.augment.capture import jpeg, scan, thumbnail
from likemark.augment.segments import find_segments

CLEAR = (0, 0, 0, 0)


def test_a_jpeg_differs_and_is_close_the_closer_the_better_its_quality():
    pixels = lockup()
    errors = [np.abs(jpeg(pixels, q).astype(int) - pixels).mean() for q in (10, 50, 95)]
    assert 10 > errors[0] > errors[1] > errors[2] > 0
    assert jpeg(pixels, 10).shape == pixels.shape
    np.testing.assert_array_equal(jpeg(pixels, 10), jpeg(pixels, 10))


def test_jpeg_and_scan_refuse_what_they_cannot_hold():
    for quality, pixels in ((0, badge()), (96, badge()), (50, badge(CLEAR))):
        with pytest.raises(ValueError, match="JPEG takes 3 channels"):
            jpeg(pixels, quality)
    with pytest.raises(ValueError, match="lay the picture on a page"):
        scan(badge(CLEAR), np.random.default_rng(0))


def test_a_thumbnail_fits_and_never_grows():
    assert thumbnail(lockup(), 32).shape == (27, 32, 3)
    assert thumbnail(badge(CLEAR), 32).shape == (32, 32, 4)
    small = np.zeros((8, 8, 3), np.uint8)
    np.testing.assert_array_equal(thumbnail(small, 32), small)
    assert thumbnail(np.zeros((1, 400, 3), np.uint8), 32).shape == (1, 32, 3)


def test_a_thumbnail_has_the_mean_colours_of_the_mark():
    pixels = badge()
    np.testing.assert_allclose(
        thumbnail(pixels, 30).mean(axis=(0, 1)), pixels.mean(axis=(0, 1)), atol=1
    )


@pytest.mark.parametrize("seed", range(4))
def test_a_scan_is_askew_on_paper_and_shows_the_mark(seed: int):
    pixels = badge()
    result = scan(pixels, np.random.default_rng(seed))
    assert result.shape[0] > 120
    assert result.shape[1] > 120
    assert result[:4].mean() > 180  # paper, lit unevenly
    corners = result[[2, 2, -3, -3], [2, -3, 2, -3]].astype(int).sum(axis=1)
    assert np.ptp(corners) > 20
    ink = (result.max(axis=2) < 150).mean() * result[..., 0].size
    assert ink > 0.5 * find_segments(pixels).areas.min()
    assert np.abs(np.diff(result[4:8].astype(int), axis=1)).mean() > 1


def test_scans_are_the_same_for_the_same_seed():
    one, same, other = (scan(lockup(), np.random.default_rng(seed)) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one, same)
    assert one.shape != other.shape or not np.array_equal(one, other)
