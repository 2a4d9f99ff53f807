"""Frames of videos at a step: even, uneven, turned, cut short."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.located import film, scene

from likemark.db.errors import LikemarkError, NotFound, PictureError
from likemark.retrieval.oneshot.films import film_scenes
from likemark.retrieval.oneshot.sources import Scene, Source
from likemark.retrieval.pictures.limits import PictureLimits


def frames(count: int) -> list[np.ndarray]:
    return [scene((n % 70, 20)) for n in range(count)]


def read(
    path: Path, every: float = 1.0, *, limits: PictureLimits | None = None
) -> tuple[list[Scene], list[str]]:
    problems: list[str] = []
    source = Source(str(path), Path(path.name))
    read = film_scenes(
        source, path, every=every, limits=limits or PictureLimits(), problem=problems.append
    )
    return list(read), problems


def test_frames_are_a_step_apart(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", frames(25))
    scenes, problems = read(path)
    assert [(each.frame, each.time, each.of) for each in scenes] == [
        (0, 0.0, 3), (10, 1.0, 3), (20, 2.0, 3),
    ]  # fmt: skip
    np.testing.assert_array_equal(scenes[1].pixels, scene((10, 20)))
    assert problems == []
    assert len(read(path, 0.1)[0]) == 25
    assert len(read(path, 60)[0]) == 1


def test_uneven_rates_are_taken_by_time(tmp_path: Path) -> None:
    times = [0, 30, 35, 99, 101, 180, 350, 360, 410]
    path = film(tmp_path / "a.mkv", frames(9), times)
    assert [each.frame for each in read(path)[0]] == [0, 4, 6, 8]


def test_a_turned_video_is_seen_upright(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mov", frames(1), turn=90)
    (only,) = read(path)[0]
    assert only.pixels.shape == (96, 64, 3)
    np.testing.assert_array_equal(only.pixels, np.rot90(scene((0, 20))))
    assert only.pixels.flags.c_contiguous


def test_a_video_cut_short_is_looked_at_as_far_as_it_goes(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", frames(40))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    scenes, problems = read(path)
    assert [each.frame for each in scenes] == [0, 10]
    assert len(problems) >= 1
    assert "ends early" in problems[-1]


def test_what_is_no_video_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video at all")
    with pytest.raises(LikemarkError, match="cannot be read as a video"):
        read(tmp_path / "text.mp4")
    with pytest.raises(NotFound, match="no such video file"):
        read(tmp_path / "none.mp4")


def test_frames_of_too_many_px_are_refused(tmp_path: Path) -> None:
    path = film(tmp_path / "a.mkv", frames(2))
    with pytest.raises(PictureError, match="too_many_pixels"):
        read(path, limits=PictureLimits(max_megapixels=0.005))
