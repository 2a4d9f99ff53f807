"""Covered px while nothing changes, and when something does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from likemark.retrieval.redact.measures import flicker
from likemark.retrieval.redact.paint import covered_mask
from likemark.retrieval.redact.regions import Pixels, region_of_box, region_of_polygon
from likemark.retrieval.redact.shapes import joined
from likemark.retrieval.redact.steady import Painter
from likemark.retrieval.redact.style import Style

Shot = Callable[..., Pixels]
MARK = {0: region_of_box(30, 20, 36, 24)}


@pytest.mark.parametrize("way", ["mosaic", "blur", "fill", "inpaint"])
def test_the_noise_of_a_camera_does_not_flicker_in_what_is_covered(way: str, shot: Shot) -> None:
    painter, frames, masks = Painter(Style(way=way)), [], []
    for number in range(6):
        frame = shot(30, 20, noise=2 + number)
        masks.append(painter.paint(frame, MARK))
        frames.append(frame)
    assert flicker(np.stack(frames), np.stack([m for m in masks if m is not None])) == 0


@pytest.mark.parametrize("way", ["mosaic", "blur", "fill", "inpaint", "replace"])
def test_what_is_covered_stays_as_it_is_where_the_mask_grows(way: str, shot: Shot) -> None:
    """A finder that sees more of a mark at rest must not make the whole of it flicker."""
    plate = np.full((8, 12, 3), (10, 20, 200), np.uint8) if way == "replace" else None
    painter, frames, masks = Painter(Style(way=way, picture=plate)), [], []
    turned = region_of_polygon(np.array([[48.0, 18], [70, 32], [48, 46], [26, 32]]))
    grown = joined(turned, MARK[0])
    for number, region in enumerate([turned, turned, grown, grown]):
        frame = shot(30, 20, noise=2 + number)
        masks.append(painter.paint(frame, {0: region}))
        frames.append(frame)
    covered = np.stack([mask for mask in masks if mask is not None])
    assert flicker(np.stack(frames), covered) == 0
    assert (covered[1] <= covered[2]).all()
    assert np.count_nonzero(covered[2]) > np.count_nonzero(covered[1])


def test_a_mark_that_moves_leaves_no_trail(shot: Shot) -> None:
    painter = Painter(Style(way="fill"))
    for x in (30, 33, 36):
        mask = painter.paint(shot(x, 20), {0: region_of_box(x, 20, 36, 24)})
    assert mask is not None
    np.testing.assert_array_equal(
        mask, covered_mask((64, 96), [region_of_box(36, 20, 36, 24)], Style(way="fill"))
    )


def test_a_change_of_light_is_followed(shot: Shot) -> None:
    painter, bright = Painter(Style()), shot(30, 20)
    dark = (bright * 0.5).astype(np.uint8)
    painter.paint(bright, MARK)
    painter.paint(dark, MARK)
    inside = np.s_[24:40, 34:60]
    assert dark[inside].mean() < 0.7 * bright[inside].mean()


def test_nothing_is_covered_without_marks_or_outside_the_frame(shot: Shot) -> None:
    painter, frame = Painter(Style()), shot(30, 20)
    before = frame.copy()
    assert painter.paint(frame, {}) is None
    assert painter.paint(frame, {0: region_of_box(500, 500, 9, 9)}) is None
    assert (frame == before).all()
