"""Many files in one run: each outcome, what fails alone, and files replaced where they stand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.batch import Outcome, RedactOptions, redact_files
from likemark.retrieval.redact.jobs import Job
from likemark.retrieval.redact.regions import Locator, Pixels, Region
from likemark.retrieval.redact.style import Style

Find = Callable[[Pixels], Sequence[Region]]
Film = Callable[..., Path]
FILL = RedactOptions(style=Style(way="fill"))


@pytest.fixture
def run(find: Find) -> Callable[..., list[Outcome]]:
    def redact(*jobs: Job, options: RedactOptions = FILL) -> list[Outcome]:
        locating: Callable[[Path], Locator] = lambda path: find  # noqa: E731
        return list(redact_files(jobs, locating, options))

    return redact


@pytest.fixture
def photo(tmp_path: Path, shot: Callable[..., Pixels]) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(shot(30, 20)).save(path)
    return path


def px(path: Path) -> Pixels:
    with Image.open(path) as image:
        return np.array(image)


def test_pictures_and_videos_are_covered_and_folders_made(
    run: Callable[..., list[Outcome]], photo: Path, film: Film, shot: Callable[..., Pixels],
    find: Find, frames_of: Callable[[Path], list[Pixels]], tmp_path: Path,
) -> None:  # fmt: skip
    video = film("clip.mkv", [shot(30, 20)] * 3)
    out = tmp_path / "out" / "deep"
    jobs = [
        Job(photo, out / "photo.png", out / "shown" / "photo.png"),
        Job(video, out / "clip.mkv", out / "shown" / "clip.png"),
    ]
    outcomes = run(*jobs)
    assert [(o.regions, o.copied, o.error, o.notes) for o in outcomes] == [(1, False, None, ())] * 2
    assert not find(px(out / "photo.png"))
    assert not any(find(frame) for frame in frames_of(out / "clip.mkv"))
    assert [o.preview for o in outcomes] == [job.preview for job in jobs]
    for job in jobs:
        assert job.preview is not None
        assert px(job.preview).shape == (64, 2 * 96 + 8, 3)


def test_a_file_without_marks_is_copied_or_left_out(
    run: Callable[..., list[Outcome]], film: Film, tmp_path: Path
) -> None:
    plain = np.full((64, 96, 3), 90, np.uint8)
    Image.fromarray(plain).save(tmp_path / "a.png")
    sources = [tmp_path / "a.png", film("b.mkv", [plain] * 2)]
    jobs = [Job(path, tmp_path / "out" / path.name, tmp_path / "p.png") for path in sources]
    for outcome, job in zip(run(*jobs), jobs, strict=True):
        assert (outcome.copied, outcome.regions, outcome.preview) == (True, 0, None)
        assert job.target.read_bytes() == job.source.read_bytes()
        job.target.unlink()
    for outcome in run(*jobs, options=RedactOptions(copy=False)):
        assert (outcome.copied, outcome.target, outcome.error) == (False, None, None)
    assert list((tmp_path / "out").iterdir()) == []


def test_a_second_view_is_left_out_and_of_a_copy_it_is_said_that_it_is_there(
    run: Callable[..., list[Outcome]], shot: Callable[..., Pixels], tmp_path: Path
) -> None:
    """The mark may be in it."""
    for name, frame in (("plain", np.full((64, 96, 3), 90, np.uint8)), ("marked", shot(30, 20))):
        with av.open(str(tmp_path / f"{name}.mkv"), "w") as out:
            views = [out.add_stream("ffv1", rate=25) for _ in range(2)]
            for view in views:
                view.width, view.height, view.pix_fmt = 96, 64, "bgr0"
            for view in views:
                out.mux(view.encode(av.VideoFrame.from_ndarray(frame, "rgb24")))
                out.mux(view.encode(None))
    names = ("plain.mkv", "marked.mkv")
    plain, marked = run(*[Job(tmp_path / name, tmp_path / "out" / name) for name in names])
    assert plain.copied
    (note,) = plain.notes
    assert "another view that was not looked at" in note
    assert ["marked.mkv: stream 1 (video) is left out" in line for line in marked.notes] == [True]


def test_what_fails_costs_one_file_and_leaves_nothing(
    run: Callable[..., list[Outcome]], photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "cut.png").write_bytes(photo.read_bytes()[:2000])
    (tmp_path / "cut.mp4").write_bytes(b"no film at all")
    names = ("cut.png", "none.png", "cut.mp4", "none.mp4", "photo.png")
    outcomes = run(*[Job(tmp_path / name, tmp_path / "out" / name) for name in names])
    assert [outcome.error is None for outcome in outcomes] == [False] * 4 + [True]
    for outcome in outcomes[:4]:
        assert outcome.target is None
        assert str(outcome.error).startswith(str(outcome.source))
        assert "\n" not in str(outcome.error)
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["photo.png"]


def test_a_file_that_fails_leaves_no_folder(
    run: Callable[..., list[Outcome]], photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    outcomes = run(
        Job(tmp_path / "none.png", tmp_path / "new" / "deep" / "none.png"),
        Job(tmp_path / "none.png", tmp_path / "there" / "deep" / "none.png"),
    )
    assert [outcome.error is None for outcome in outcomes] == [False, False]
    assert not (tmp_path / "new").exists()
    assert list((tmp_path / "there").iterdir()) == []


def test_what_cannot_be_located_is_that_files_failure(photo: Path, tmp_path: Path) -> None:
    def locating(path: Path) -> Locator:
        raise InvalidInput(f"{path}: not listed")

    (outcome,) = redact_files([Job(photo, tmp_path / "b.png")], locating)
    assert str(outcome.error) == f"{photo}: not listed"


def test_a_file_is_replaced_whole_and_keeps_its_mode(
    run: Callable[..., list[Outcome]], photo: Path, film: Film, shot: Callable[..., Pixels],
    find: Find, frames_of: Callable[[Path], list[Pixels]], tmp_path: Path,
) -> None:  # fmt: skip
    video = film("clip.mkv", [shot(30, 20)] * 3)
    photo.chmod(0o640)
    (tmp_path / "link.png").symlink_to(photo)
    jobs = [
        Job(path, path, tmp_path / "shown" / f"{path.name}.png")
        for path in (tmp_path / "link.png", video)
    ]
    before = shot(30, 20)
    outcomes = run(*jobs)
    assert [outcome.error for outcome in outcomes] == [None, None]
    assert not find(px(photo))
    assert not find(frames_of(video)[0])
    assert (tmp_path / "link.png").is_symlink()
    assert photo.stat().st_mode & 0o777 == 0o640
    for outcome in outcomes:
        assert outcome.preview is not None
        shown = px(outcome.preview)
        assert find(shown[:, :96])  # before
        assert abs(shown[4:8, 4:8].astype(int) - before[4:8, 4:8]).max() < 12
        assert len(find(shown[:, 104:])) <= 1  # only the outline, which is red as well
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_a_file_without_marks_stays_untouched_in_its_place(
    run: Callable[..., list[Outcome]], tmp_path: Path
) -> None:
    path = tmp_path / "a.png"
    Image.new("RGB", (40, 30)).save(path)
    before = path.stat()
    (outcome,) = run(Job(path, path))
    assert (outcome.target, outcome.copied, outcome.error) == (None, False, None)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


def test_a_preview_that_cannot_be_written_is_noted_and_the_picture_stays(
    run: Callable[..., list[Outcome]], photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    (outcome,) = run(Job(photo, tmp_path / "b.png", tmp_path / "file" / "p.png"))
    assert outcome.error is None
    assert (tmp_path / "b.png").exists()
    (line,) = outcome.notes
    assert line.startswith("no preview: ")


def test_an_outcome_is_plain_json(run: Callable[..., list[Outcome]], photo: Path) -> None:
    good, bad = run(
        Job(photo, photo.with_name("b.png")),
        Job(photo.with_name("x.png"), photo.with_name("c.png")),
    )
    assert good.to_json() == {
        "scene": str(photo), "out": str(photo.with_name("b.png")), "regions": 1, "score": [1.0],
        "copied": False, "preview": None, "notes": [], "error": None,
    }  # fmt: skip
    assert (bad.to_json()["out"], bad.to_json()["error"]) == (None, str(bad.error))


def test_a_fault_that_nobody_foresaw_costs_one_file(
    photo: Path, find: Find, tmp_path: Path
) -> None:
    other = tmp_path / "other.png"
    other.write_bytes(photo.read_bytes())

    def locating(path: Path) -> Locator:
        def fail(frame: Pixels) -> Sequence[Region]:
            raise IndexError("out of range")

        return fail if path == photo else find

    jobs = [Job(path, tmp_path / "out" / path.name, None) for path in (photo, other)]
    failed, done = redact_files(jobs, locating, FILL)
    assert str(failed.error) == (
        f"{photo}: could not be done, please report this: IndexError: out of range"
    )
    assert (done.error, done.regions) == (None, 1)
    assert not (tmp_path / "out" / photo.name).exists()
