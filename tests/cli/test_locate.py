"""`likemark locate`: the real network on small scenes; what it finds is not judged here."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from support.command import Run
from support.drawings import badge, disc, five_rings
from support.located import film, save

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import Pose, SceneRecipe
from likemark.augment.scenes.scene import make_scene
from likemark.retrieval.oneshot.finder import Finder

Pixels = np.ndarray[Any, np.dtype[np.uint8]]
SURELY = ("--threshold", "0")  # whatever is seen counts
LARGE = SceneRecipe(pose=Pose(least=70))


def photo(*marks: Pixels, seed: int = 0) -> Pixels:
    """(120, 160, 3): marks on soft blotches, as large as fits."""
    small = np.random.default_rng(seed).integers(90, 170, (5, 6, 3), dtype=np.uint8)
    ground = Image.fromarray(small).resize((200, 160), Image.Resampling.BICUBIC)
    cuts = [Mark.of(mark) for mark in marks]
    rng = np.random.default_rng(seed)
    return make_scene(np.asarray(ground), cuts, rng, LARGE, size=(120, 160)).pixels


@pytest.fixture(scope="module")
def finder() -> Finder:
    return Finder.load()


@pytest.fixture(autouse=True)
def loaded_once(finder: Finder, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real network, but loaded once for all tests: that takes longer than they do."""
    load = Finder.load
    monkeypatch.setattr(
        Finder, "load", lambda *, device: finder if device == "auto" else load(device=device)
    )


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    return save(tmp_path / "logo.png", badge())


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    save(folder / "b.png", photo(badge(), seed=1))
    save(folder / "a.jpg", photo(badge(), seed=2), quality=95)
    return folder


def check_region(region: dict[str, Any], width: int, height: int) -> None:
    left, top, right, bottom = region["box"]
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    corners = np.array(region["polygon"])
    assert corners.shape[0] >= 3
    assert (corners >= (left, top)).all()
    assert (corners < (right, bottom)).all()
    assert np.array(region["rotated_box"]).shape == (4, 2)
    assert 0 <= region["score"] <= 1
    assert -1 <= region["similarity"] <= 1


def test_places_are_inside_their_scenes_and_the_best_come_first(
    likemark: Run, logo: Path, photos: Path, tmp_path: Path
) -> None:
    other = save(tmp_path / "rings.png", five_rings())
    outcome = likemark("locate", "-q", logo, "-q", other, photos, *SURELY, "--json")
    assert (outcome.code, outcome.err) == (0, "")
    first, second = outcome.json
    assert [Path(each["scene"]).name for each in (first, second)] == ["a.jpg", "b.png"]
    for scene in (first, second):
        assert (scene["width"], scene["height"], scene["error"]) == (160, 120, None)
        assert scene["regions"]
        for region in scene["regions"]:
            check_region(region, 160, 120)
        scores = [region["score"] for region in scene["regions"]]
        assert scores == sorted(scores, reverse=True)
        assert {region["query"] for region in scene["regions"]} <= {str(logo), str(other)}


def test_a_table_of_each_scene_is_printed_and_everything_is_written(
    likemark: Run, logo: Path, photos: Path, tmp_path: Path
) -> None:
    out = [tmp_path / name for name in ("overlay", "yolo", "coco.json")]
    outcome = likemark(
        "locate", "--query", logo, photos, *SURELY, "--top", "1",
        "--overlay", out[0], "--yolo", out[1], "--yolo-polygons", "--coco", out[2],
    )  # fmt: skip
    assert outcome.code == 0
    name, head, row, blank, *_ = outcome.out.splitlines()
    assert (name, blank) == (str(photos / "a.jpg"), "")
    assert head.split() == ["query", "score", "similarity", "box"]
    assert row.split()[0] == "logo"
    assert len(row.split()[-1].split(",")) == 4
    assert sorted(path.name for path in out[0].iterdir()) == ["a.jpg", "b.png"]
    with Image.open(out[0] / "b.png") as image:
        assert image.size == (160, 120)
    assert sorted(path.name for path in out[1].iterdir()) == [
        "a.txt", "b.txt", "classes.txt", "data.yaml",
    ]  # fmt: skip
    document = json.loads(out[2].read_text())
    assert [image["file_name"] for image in document["images"]] == [
        str(photos / "a.jpg"), str(photos / "b.png"),
    ]  # fmt: skip
    assert [each["image_id"] for each in document["annotations"]] == [1, 2]


def test_nothing_found_is_exit_code_3(likemark: Run, logo: Path, tmp_path: Path) -> None:
    plain = save(tmp_path / "plain.png", np.full((120, 160, 3), 200, np.uint8))
    outcome = likemark("locate", "-q", logo, plain)
    assert (outcome.code, outcome.out) == (3, "nothing found\n")
    (line,) = outcome.err.splitlines()
    assert line.endswith("plain.png: is of one colour: there is nothing to find in it")
    scene = save(tmp_path / "scene.png", photo(badge()))
    outcome = likemark("locate", "-q", logo, scene, "--threshold", "1", "--json")
    assert (outcome.code, outcome.json[0]["regions"]) == (3, [])


def test_a_scene_that_cannot_be_read_is_counted_and_the_run_goes_on(
    likemark: Run, logo: Path, photos: Path, tmp_path: Path
) -> None:
    (photos / "c.png").write_bytes((photos / "b.png").read_bytes()[:500])
    (photos / "d.mp4").write_text("no video")
    outcome = likemark("locate", "-q", logo, photos, *SURELY)
    assert outcome.code == 0
    cut, video, count = outcome.err.splitlines()
    assert "c.png: truncated: " in cut
    assert "d.mp4: cannot be read as a video" in video
    assert count == "likemark: 2 of 4 scenes could not be read"
    assert str(photos / "c.png") not in outcome.out
    alone = likemark("locate", "-q", logo, photos / "c.png", "--json")
    assert alone.code == 1
    assert len(alone.err.splitlines()) == 1
    assert alone.json[0]["error"]["reason"] == "truncated"


def test_frames_of_a_video_are_told_by_their_time(
    likemark: Run, logo: Path, tmp_path: Path
) -> None:
    clip = film(tmp_path / "clip.mkv", [photo(badge(), seed=2)] * 6)
    command = ["locate", "-q", logo, clip, *SURELY, "--every", "0.25"]
    document = likemark(*command, "--json").json
    assert [(each["scene"], each["frame"], each["time"]) for each in document] == [
        (str(clip), 0, 0.0), (str(clip), 3, 0.3), (str(clip), 5, 0.5),
    ]  # fmt: skip
    assert document[0]["regions"] == document[1]["regions"]
    head, *rows = likemark(*command, "--top", "1").out.splitlines()
    assert head.split()[0] == "time"
    assert [row.split()[0] for row in rows] == ["0.00", "0.30", "0.50"]


def test_the_catalogue_names_what_is_found(
    likemark: Run, register: Path, photos: Path, logo: Path
) -> None:
    assert likemark("locate", photos).err == (
        f"likemark: workspace {os.environ['LIKEMARK_HOME']}: nothing is indexed yet; "
        "run: likemark index FOLDER\n"
    )
    likemark("index", register)
    likemark("index", logo, "--collection", "mine")
    command = ["locate", photos / "b.png", *SURELY, "--top", "1", "--json"]
    (region,) = likemark(*command, "--similarity", "-1", "-c", "mine").json[0]["regions"]
    check_region(region, 160, 120)
    assert (region["mark_id"], region["mark"]) == (9, "logo")
    assert "query" not in region
    (region,) = likemark(*command, "--similarity", "1").json[0]["regions"]
    assert (region["mark_id"], region["mark"]) == (None, None)
    assert likemark(*command, "--similarity", "1", "--known").code == 3
    table = likemark(*command[:-1], "--similarity", "1").out
    assert "unknown mark" in table


@pytest.mark.parametrize(
    ("scene", "size"), [("grey", (160, 120)), ("clear", (160, 120)), ("wide", (20_000, 24))]
)
def test_grey_transparent_and_very_long_scenes_are_looked_at(
    likemark: Run, logo: Path, tmp_path: Path, scene: str, size: tuple[int, int]
) -> None:
    pixels = photo(badge(), seed=1)
    alpha = np.where(np.arange(160) < 150, np.uint8(255), np.uint8(0))[None].repeat(120, axis=0)
    made = {
        "grey": pixels.mean(axis=2).astype(np.uint8),
        "clear": np.dstack([pixels, alpha]),
        "wide": np.tile(pixels[:24], (1, 125, 1)),
    }
    path = save(tmp_path / f"{scene}.png", made[scene])
    outcome = likemark("locate", "-q", logo, path, *SURELY, "--json")
    assert outcome.code in (0, 3)
    (answer,) = outcome.json
    assert (answer["width"], answer["height"]) == size
    for region in answer["regions"]:
        check_region(region, *size)


def test_a_query_of_more_px_than_the_scene_is_said(
    likemark: Run, photos: Path, tmp_path: Path
) -> None:
    large = np.asarray(Image.fromarray(disc()).resize((400, 400)))
    query = save(tmp_path / "large.png", large)
    outcome = likemark("locate", "-q", query, photos, *SURELY)
    assert outcome.code == 0
    (line,) = outcome.err.splitlines()
    assert "large.png: 400 x 400 px is larger than the scene" in line


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["photos", "-q", "plain.png"], 2, "plain.png: the picture is of one colour"),
        (["photos", "-q", "none.png"], 1, "none.png: missing"),
        (["photos", "-q", "empty"], 1, "empty: holds no pictures"),
        (["empty", "-q", "logo.png"], 1, "empty: holds no pictures"),
        (["photos", "-q", "logo.png", "--known"], 2, "--known and --collection"),
        (["photos", "-q", "logo.png", "-c", "eu"], 2, "--known and --collection"),
        (["photos", "-q", "logo.png", "--threshold", "2"], 2, "'--threshold'"),
        (["photos", "-q", "logo.png", "--every", "0"], 2, "every 0.0 seconds"),
        (["photos", "-q", "logo.png", "--yolo-polygons"], 2, "name a folder for YOLO"),
        (["photos", "-q", "logo.png", "--coco", "no/c.json"], 1, "there is no folder no"),
        (["photos", "-q", "logo.png", "--overlay", "photos"], 2, "holds the scene photos/a.jpg"),
        (["photos", "-q", "logo.png", "--yolo", "logo.png"], 2, "logo.png: is no folder"),
        (["photos", "-q", "logo.png", "--device", "cuda:9"], 2, "device 'cuda:9'"),
    ],
)
def test_what_cannot_be_done_is_one_line(
    likemark: Run, logo: Path, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    save(tmp_path / "plain.png", np.full((20, 30, 3), 200, np.uint8))
    outcome = likemark("locate", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("likemark: ")
    assert message in line


def test_a_bar_on_a_terminal_keeps_nothing_from_a_pipe(
    home: Path, logo: Path, photos: Path
) -> None:
    code = "from likemark.cli.main import main; main()"
    command = [sys.executable, "-c", code, "locate", "-q", str(logo), str(photos), *SURELY]
    here, there = pty.openpty()
    with os.fdopen(here, "rb", buffering=0) as terminal, ThreadPoolExecutor(1) as reader:
        drawn = reader.submit(_all_of, terminal)  # meanwhile: what nobody reads blocks the writer
        try:
            done = subprocess.run(
                command, stdout=subprocess.PIPE, stderr=there, check=True, text=True,
                env={**os.environ, "TERM": "xterm", "COLUMNS": "80"},
            )  # fmt: skip
        finally:
            os.close(there)
        bar = drawn.result()
    assert done.stdout.splitlines()[0] == str(photos / "a.jpg")
    assert "locating" in bar
    assert "similarity" not in bar


def _all_of(terminal: FileIO) -> str:
    read = b""
    while True:
        try:
            part = terminal.read(10_000)
        except OSError:  # its other end is closed
            part = None
        if not part:
            return read.decode()
        read += part


def test_a_video_that_may_not_be_looked_at_costs_itself_alone(
    likemark: Run, logo: Path, photos: Path
) -> None:
    outcome = likemark("locate", photos / "a.jpg", "n" * 300 + ".mp4", "-q", logo, "--json")
    assert outcome.code in (0, 1)
    first, second = outcome.json
    assert first["error"] is None
    assert "File name too long" in str(second["error"])


def test_what_was_found_is_printed_before_a_file_that_cannot_be_written(
    logo: Path, photos: Path, tmp_path: Path
) -> None:
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)); "
        "from likemark.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "locate", "-q", logo, photos / "a.jpg", "--json",
         "--coco", tmp_path / "c.json"],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert [each["error"] for each in json.loads(done.stdout)] == [None]
    assert done.stderr.endswith("c.json: cannot be written: File too large\n")


def test_a_file_that_can_never_be_written_is_said_before_the_search(
    likemark: Run, logo: Path, photos: Path, tmp_path: Path
) -> None:
    outcome = likemark("locate", "-q", logo, photos, "--coco", tmp_path / ("n" * 300 + ".json"))
    assert (outcome.code, outcome.out) == (1, "")
    assert "cannot be written: File name too long" in outcome.err


def test_a_query_is_not_written_over(
    likemark: Run, logo: Path, photos: Path, tmp_path: Path
) -> None:
    before = logo.read_bytes()
    save(photos / "logo.png", photo(badge()))
    outcome = likemark("locate", "-q", logo, photos / "logo.png", "--overlay", tmp_path)
    assert (outcome.code, logo.read_bytes()) == (2, before)
    other = likemark("locate", "-q", logo, photos / "logo.png", "--overlay", photos)
    assert (outcome.err + other.err).count("give another folder") == 2


def test_names_end_no_line_and_tell_the_terminal_nothing(
    likemark: Run, logo: Path, photos: Path
) -> None:
    save(photos / "x\ny\x1b[31m.png", np.full((120, 160, 3), 200, np.uint8))
    outcome = likemark("locate", "-q", logo, photos)
    assert "x y [31m.png\n" in outcome.out
    assert "\x1b" not in outcome.out + outcome.err
