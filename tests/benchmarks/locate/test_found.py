from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.locate.found import Found, overlap
from likemark.db.errors import InvalidInput


def test_overlap_is_of_areas_and_zero_apart():
    others = np.array([(0, 0, 10, 10), (5, 0, 10, 10), (10, 0, 10, 10), (0, 0, 5, 5)], float)
    assert overlap((0, 0, 10, 10), others) == pytest.approx([1, 1 / 3, 0, 1 / 4])


@pytest.mark.parametrize("box", [(0, 0, 0, 5), (0, 0, 5, -1), (float("nan"), 0, 5, 5)])
def test_a_box_has_a_place_and_an_extent(box: tuple[float, float, float, float]):
    with pytest.raises(InvalidInput, match="give finite numbers"):
        Found(box, 0.5)


def test_a_score_is_finite():
    with pytest.raises(InvalidInput, match="give finite numbers"):
        Found((0, 0, 5, 5), float("inf"))


def test_a_mask_is_a_plane_of_booleans():
    Found((0, 0, 5, 5), 0.5, np.zeros((4, 4), bool))
    with pytest.raises(InvalidInput, match=r"must be bool \(H, W\)"):
        Found((0, 0, 5, 5), 0.5, np.zeros((4, 4), np.uint8))  # type: ignore[arg-type]
