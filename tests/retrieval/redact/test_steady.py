"""Covered px while nothing changes, and when something does."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from likemark.retrieval.redact.measures import flicker
from likemark.retrieval.redact.regions import Pixels, region_of_box
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
