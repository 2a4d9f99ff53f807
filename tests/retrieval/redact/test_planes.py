"""Covered px put back into frames of many px formats."""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
import pytest

from likemark.retrieval.redact.planes import put_back, to_rgb
from likemark.retrieval.redact.regions import Pixels


def planes(frame: av.VideoFrame) -> list[np.ndarray]:
    return [
        np.frombuffer(bytes(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height].copy()
        for plane in frame.planes
    ]


@pytest.mark.parametrize(
    ("form", "wide"),
    [
        ("yuv420p", (1, 2, 2)), ("yuv444p", (1, 1, 1)), ("yuv420p10le", (1, 2, 2)),
        ("nv12", (1, 2)), ("rgb24", (1,)), ("bgr0", (1,)), ("gbrp", (1, 1, 1)), ("gray", (1,)),
    ],
)  # fmt: skip
def test_samples_without_a_covered_px_stay_bit_for_bit(
    form: str, wide: tuple[int, ...], shot: Callable[..., Pixels]
) -> None:
    frame = av.VideoFrame.from_ndarray(shot(30, 20), "rgb24").reformat(format=form)
    frame.pts = 7
    before = planes(frame)
    rgb = to_rgb(frame)
    mask = np.zeros((64, 96), np.uint8)
    mask[21:41, 31:61] = 255
    rgb[mask > 0] = (10, 200, 90)
    made = put_back(frame, rgb, mask)
    assert made.pts == 7
    assert made.format.name == form
    for old, new, step in zip(before, planes(made), wide, strict=True):
        rows = np.flatnonzero((old != new).any(axis=1)) * step
        assert 21 - step < rows.min() <= rows.max() < 41
    shown = to_rgb(made)
    if form != "gray":
        assert np.abs(shown[24:38, 34:58].astype(int) - (10, 200, 90)).max() < 12
