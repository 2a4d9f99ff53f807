"""Which files are looked at, in which order, under which names."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.oneshot.sources import Scene, Source, list_sources


def touched(folder: Path, *names: str) -> Path:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return folder


def test_folders_are_walked_by_name_and_hidden_ones_left_out(tmp_path: Path) -> None:
    folder = touched(
        tmp_path / "in", "b.JPG", "a.png", "clip.mp4", "code.ts", "notes.txt", ".hidden.png",
        "sub/c.webp", ".git/d.png",
    )  # fmt: skip
    sources = list_sources([str(folder)])
    assert [str(each.below) for each in sources] == ["a.png", "b.JPG", "clip.mp4", "sub/c.webp"]
    assert [each.is_video for each in sources] == [False, False, True, False]
    assert sources[3].name == str(folder / "sub" / "c.webp")


def test_a_file_is_taken_as_it_is_named_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    touched(tmp_path, "a.png", "code.ts")
    monkeypatch.chdir(tmp_path)
    sources = list_sources(["a.png", "none.xyz", ".", os.path.join(tmp_path, "a.png"), "code.ts"])
    assert [each.name for each in sources] == ["a.png", "none.xyz", "code.ts"]
    assert sources[2].is_video


def test_a_folder_without_scenes_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="holds no pictures or videos"):
        list_sources([str(touched(tmp_path, "code.ts"))])


def test_of_a_folder_of_queries_only_the_pictures_are_asked_for(tmp_path: Path) -> None:
    folder = touched(tmp_path / "in", "a.png", "clip.mp4")
    assert [each.name for each in list_sources([str(folder)], pictures_alone=True)] == [
        str(folder / "a.png")
    ]
    with pytest.raises(NotFound, match=r"holds no pictures$"):
        list_sources([str(touched(tmp_path / "films", "clip.mp4"))], pictures_alone=True)


def test_a_scene_is_rgb_and_knows_whether_it_is_of_one_colour() -> None:
    source = Source("a.png", Path("a.png"))
    pixels = np.full((5, 6, 3), 80, np.uint8)
    assert Scene(source, pixels).is_plain
    spotted = pixels.copy()
    spotted[4, 5, 2] = 110
    assert not Scene(source, spotted).is_plain
    assert Scene(source, pixels, 30, 1.5).shown == "a.png (1.50 s)"
    with pytest.raises(InvalidInput, match="must be uint8"):
        Scene(source, pixels[..., 0])
