"""Which files a run takes, where each goes, and that nothing is ever written over a source."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.redact.jobs import list_jobs


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of empty files in the present one, named as pictures, videos and neither."""
    monkeypatch.chdir(tmp_path)
    names = ("b.png", "a.JPG", "sub/c.mp4", "sub/deep/d.webp", ".e.png", ".hid/f.png", "notes.txt")
    for name in names:
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return Path("photos")


def targets(*scenes: Path, out: str) -> list[str]:
    return [str(job.target) for job in list_jobs(scenes, out=Path(out)).jobs]


def test_a_folder_keeps_its_structure_and_hidden_and_other_files_are_left_out(photos: Path) -> None:
    assert targets(photos, out="out") == [
        "out/a.JPG", "out/b.png", "out/sub/c.mp4", "out/sub/deep/d.webp",
    ]  # fmt: skip
    jobs = list_jobs([photos], out=Path("out"), preview=Path("shown")).jobs
    assert [str(job.preview) for job in jobs][2:] == [
        "shown/sub/c.mp4.png", "shown/sub/deep/d.webp.png",
    ]  # fmt: skip
    assert [job.is_video for job in jobs] == [False, False, True, False]


def test_a_single_file_goes_into_a_folder_or_gets_a_name(photos: Path) -> None:
    assert targets(photos / "b.png", out="new") == ["new/b.png"]
    assert targets(photos / "b.png", out="new.png") == ["new.png"]
    Path("there.png").mkdir()
    assert targets(photos / "b.png", out="there.png") == ["there.png/b.png"]


def test_a_file_named_twice_is_done_once_and_one_that_is_missing_is_kept_for_its_line(
    photos: Path,
) -> None:
    twice = [photos / "b.png", Path("photos") / "sub" / ".." / "b.png", photos / "none.png"]
    assert targets(*twice, out="out") == ["out/b.png", "out/none.png"]


def test_what_an_earlier_run_wrote_into_the_folder_is_no_source(photos: Path) -> None:
    for name in ("photos/out/b.png", "photos/shown/b.png.png"):
        Path(name).parent.mkdir()
        Path(name).touch()
    jobs = list_jobs([photos], out=photos / "out", preview=photos / "shown").jobs
    assert sorted(job.source.name for job in jobs) == ["a.JPG", "b.png", "c.mp4", "d.webp"]


@pytest.mark.parametrize("out", ["photos", "photos/sub/..", "link"])
def test_nothing_is_written_over_a_source(photos: Path, out: str) -> None:
    os.symlink("photos", "link")
    with pytest.raises(InvalidInput, match=r"is a source.*--in-place"):
        list_jobs([photos], out=Path(out))
    with pytest.raises(InvalidInput, match="is a source"):
        list_jobs([photos / "b.png"], out=photos / "b.png")


def test_nothing_is_written_over_what_else_is_read(photos: Path) -> None:
    Path("b.png").touch()
    for read in (Path("b.png"), Path("photos/../b.png"), Path(".")):
        with pytest.raises(InvalidInput, match=r"^b\.png: is what this run reads"):
            list_jobs([photos / "b.png"], out=Path("."), read=[read])
    list_jobs([photos / "b.png"], out=Path("out"), read=[Path("b.png"), Path("none"), photos])


def test_a_preview_is_not_written_over_a_source_or_a_target(photos: Path) -> None:
    (photos / "b.png.png").touch()
    with pytest.raises(InvalidInput, match="is a source"):
        list_jobs([photos], out=Path("out"), preview=photos)
    with pytest.raises(InvalidInput, match=r"out/b\.png\.png"):
        list_jobs([photos], out=Path("out"), preview=Path("out"))


def test_two_files_of_one_name_are_refused_rather_than_lost(photos: Path) -> None:
    Path("more").mkdir()
    Path("more/b.png").touch()
    with pytest.raises(InvalidInput, match=r"photos/b\.png and more/b\.png would both"):
        list_jobs([photos, Path("more")], out=Path("out"))


def test_in_place_every_file_is_its_own_target(photos: Path) -> None:
    jobs = list_jobs([photos], out=None).jobs
    assert all(job.in_place and job.target == job.source for job in jobs)
    assert len(jobs) == 4


def test_one_name_for_several_scenes_and_an_empty_folder_are_refused(photos: Path) -> None:
    Path("empty").mkdir()
    with pytest.raises(InvalidInput, match=r"new\.png: names one file"):
        list_jobs([photos], out=Path("new.png"))
    with pytest.raises(InvalidInput, match="is no folder"):
        list_jobs([photos / "b.png", photos / "a.JPG"], out=photos / "notes.txt")
    with pytest.raises(NotFound, match="holds no pictures or videos"):
        list_jobs([Path("empty")], out=Path("out"))
