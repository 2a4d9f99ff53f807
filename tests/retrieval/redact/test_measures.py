"""Flicker, recall and precision, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.measures import coverage, flicker


def test_flicker_counts_only_px_that_are_covered_twice_in_succession() -> None:
    frames = np.zeros((3, 4, 4, 3), np.uint8)
    frames[1, :2] = 10
    frames[:, 3] = np.arange(3, dtype=np.uint8)[:, None, None] * 90
    masks = np.zeros((3, 4, 4), np.uint8)
    masks[:, :2] = 1
    assert flicker(frames, masks) == 10
    assert flicker(np.zeros_like(frames), masks) == 0
    assert flicker(frames, np.zeros_like(masks)) == 0
    with pytest.raises(InvalidInput):
        flicker(frames, masks[:2])


def test_coverage_counts_px_and_exposed_boxes() -> None:
    mask = np.zeros((10, 10), np.uint8)
    mask[2:6, 2:6] = 255
    found = coverage([mask, np.zeros_like(mask)], [[(2, 2, 6, 8)], [(0, 0, 2, 2)]])
    assert found.recall == pytest.approx(16 / 28)
    assert found.precision == 1
    assert (found.exposed, found.boxes) == (2, 2)
    assert coverage([mask], [[(2, 2, 6, 6)]]).exposed == 0
    nothing = coverage([np.zeros_like(mask)], [[]])
    assert (nothing.recall, nothing.precision, nothing.boxes) == (1, 1, 0)
    with pytest.raises(InvalidInput):
        coverage([mask], [])
