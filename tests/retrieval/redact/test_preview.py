"""Side by side: before and after, the regions outlined."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
from PIL import Image

from likemark.retrieval.redact.pictures import redact_picture
from likemark.retrieval.redact.preview import (
    frame_at,
    preview_picture,
    preview_video,
    side_by_side,
)
from likemark.retrieval.redact.regions import Locator, Pixels, region_of_box
from likemark.retrieval.redact.video import redact_video

Shot = Callable[..., Pixels]


def test_both_halves_are_at_one_scale_with_the_regions_outlined() -> None:
    before, after = np.zeros((100, 200, 3), np.uint8), np.full((100, 200, 3), 90, np.uint8)
    made = side_by_side(before, after, [region_of_box(40, 20, 60, 40)])
    assert made.shape == (100, 408, 3)
    assert (made[:, 200:208] == 255).all()
    for left in (0, 208):
        assert made[20, left + 70, 0] > 200  # the outline's upper side
        assert made[40, left + 70].max() < 100  # inside of it
    small = side_by_side(before, after, [], longest=50)
    assert small.shape == (25, 108, 3)


def test_a_photo_and_its_redacted_file_are_shown(shot: Shot, find: Locator, tmp_path: Path) -> None:
    Image.fromarray(shot(30, 20)).save(tmp_path / "a.png")
    result = redact_picture(tmp_path / "a.png", tmp_path / "b.png", find)
    preview_picture(tmp_path / "a.png", tmp_path / "b.png", result.regions, tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as image:
        assert image.size == (200, 64)


def test_the_middle_frame_of_a_film_is_shown_upright(
    shot: Shot, find: Locator, film: Callable[..., Path], tmp_path: Path
) -> None:
    frames = [shot(20 + k, 20) for k in range(21)]
    source = film("a.mp4", frames, codec="mpeg4", turn=90)
    result = redact_video(source, tmp_path / "b.mp4", find)
    assert result.sample is not None
    assert abs(result.sample.seconds - 0.42) < 0.05
    preview_video(source, tmp_path / "b.mp4", result.sample, tmp_path / "p.png")
    with Image.open(tmp_path / "p.png") as image:
        assert image.size == (136, 96)
    shown = frame_at(source, result.sample.seconds)
    assert np.abs(shown.astype(int) - np.rot90(frames[10])).mean() < 14
