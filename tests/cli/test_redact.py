"""`likemark redact`: marks out of pictures and videos, what is said of it, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from support.command import Run
from support.drawings import badge, photo
from support.located import film

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import Pose, SceneRecipe
from likemark.augment.scenes.scene import Scene, make_scene
from likemark.retrieval.redact import locating
from likemark.retrieval.redact.regions import Region

SIDE = 128  # px


def draw(seed: int = 0) -> Scene:
    recipe = SceneRecipe(pose=Pose(least=64, most=0.6))
    rng = np.random.default_rng(seed)
    return make_scene(photo(), [Mark.of(badge())], rng, recipe, size=(SIDE, SIDE))


def box_of(scene: Scene) -> list[int]:
    rows, columns = (np.flatnonzero(scene.placed[0].mask.any(axis=axis)) for axis in (1, 0))
    return [int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1]


def px(path: Path) -> NDArray[np.uint8]:
    with Image.open(path) as image:
        return np.asarray(image)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The present folder: two scenes, one of them plain, where the mark is, and the mark."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photos" / "shop").mkdir(parents=True)
    scene = draw()
    Image.fromarray(scene.pixels).save("photos/shop/a.png")
    Image.new("RGB", (SIDE, SIDE), (90, 120, 90)).save("photos/plain.png")
    Image.fromarray(badge()).save("logo.png")
    size = {"width": SIDE, "height": SIDE}
    listed = [
        {"scene": "photos/shop/a.png", **size, "regions": [{"score": 0.75, "box": box_of(scene)}]},
        {"scene": "photos/plain.png", **size, "regions": []},
    ]
    Path("found.json").write_text(json.dumps(listed))
    return tmp_path


LISTED = ["redact", "photos", "--regions", "found.json"]


def test_listed_marks_are_covered_and_all_else_stays(likemark: Run, desk: Path) -> None:
    done = likemark(*LISTED, "--out", "out")
    assert done.code == 0
    assert done.out == (
        "out/plain.png: nothing found, copied as it is\nout/shop/a.png: 1 mark covered\n"
    )
    assert done.err == ("2 files: 1 mark covered in 1, nothing found in 1, 0 failed\n")
    before, after = px(desk / "photos/shop/a.png"), px(desk / "out/shop/a.png")
    left, top, right, bottom = box_of(draw())
    margin = round(0.08 * SIDE) + 2
    far = np.ones((SIDE, SIDE), np.bool_)
    far[max(top - margin, 0) : bottom + margin, max(left - margin, 0) : right + margin] = False
    assert (before[far] == after[far]).all()
    assert (before[top:bottom, left:right] != after[top:bottom, left:right]).mean() > 0.5
    assert Path("out/plain.png").read_bytes() == Path("photos/plain.png").read_bytes()


def test_json_is_one_document(likemark: Run, desk: Path) -> None:
    plain, shop = likemark(*LISTED, "--out", "out", "--preview", "shown", "--json").json
    assert plain == {
        "scene": "photos/plain.png", "out": "out/plain.png", "regions": 0, "score": [],
        "copied": True, "preview": None, "notes": [], "error": None,
    }  # fmt: skip
    assert shop == {
        "scene": "photos/shop/a.png", "out": "out/shop/a.png", "regions": 1, "score": [0.75],
        "copied": False, "preview": "shown/shop/a.png.png", "notes": [], "error": None,
    }  # fmt: skip
    assert px(Path("shown/shop/a.png.png")).shape == (SIDE, 2 * SIDE + 8, 3)


@pytest.mark.parametrize("style", ["mosaic", "blur", "fill", "inpaint", "replace"])
def test_every_style_covers_the_same_way_each_time(likemark: Run, desk: Path, style: str) -> None:
    more = ["--with", "logo.png"] if style == "replace" else []
    for name in ("one.png", "two.png"):
        done = likemark(
            "redact", "photos/shop/a.png", "--regions", "found.json", "--out", name,
            "--style", style, *more,
        )  # fmt: skip
        assert (done.code, done.err) == (0, "")
    assert Path("one.png").read_bytes() == Path("two.png").read_bytes()
    assert (px(Path("one.png")) != draw().pixels).any()


def test_the_margin_grows_what_is_covered(likemark: Run, desk: Path) -> None:
    changed = []
    for name, margin in (("a.png", "0"), ("b.png", "0.3")):
        likemark(
            "redact", "photos/shop/a.png", "--regions", "found.json", "--out", name,
            "--margin", margin, "--style", "fill",
        )  # fmt: skip
        changed.append(np.count_nonzero((px(Path(name)) != draw().pixels).any(axis=2)))
    assert changed[1] > changed[0] > 0


def test_in_place_files_are_replaced_and_clean_ones_left_alone(likemark: Run, desk: Path) -> None:
    before = Path("photos/plain.png").stat()
    done = likemark(*LISTED, "--in-place")
    assert done.code == 0
    assert done.out == (
        "photos/plain.png: nothing found, not written\nphotos/shop/a.png: 1 mark covered\n"
    )
    assert (px(Path("photos/shop/a.png")) != draw().pixels).any()
    assert Path("photos/plain.png").stat().st_mtime_ns == before.st_mtime_ns
    assert sorted(path.name for path in Path("photos").rglob("*")) == ["a.png", "plain.png", "shop"]


def test_clean_files_can_be_left_out_and_finding_nothing_is_exit_code_3(
    likemark: Run, desk: Path
) -> None:
    done = likemark(*LISTED, "--out", "out", "--skip-clean")
    assert done.code == 0
    assert [path.name for path in Path("out").rglob("*.png")] == ["a.png"]
    above = likemark(*LISTED, "--out", "none", "--threshold", "0.8", "--json")
    assert above.code == 3
    assert [each["copied"] for each in above.json] == [True, True]


def test_a_broken_file_is_one_line_and_the_run_goes_on(likemark: Run, desk: Path) -> None:
    Path("photos/broken.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    Path("photos/new.png").write_bytes(Path("logo.png").read_bytes())
    done = likemark(*LISTED, "photos/none.png", "--out", "out", "--json")
    assert done.code == 1
    errors = {each["scene"]: each["error"] for each in done.json}
    assert errors["photos/shop/a.png"] is None
    assert "does not list it" in errors["photos/new.png"]
    assert [bool(error) for error in errors.values()] == [True, True, False, False, True]
    lines = done.err.splitlines()
    assert [line for line in lines if line.startswith("likemark: photos/")] == lines
    assert len(lines) == 3
    assert not Path("out/broken.png").exists()


def test_regions_come_from_standard_input_too(
    likemark: Run, desk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("found.json").open() as stream:
        monkeypatch.setattr("sys.stdin", stream)
        done = likemark("redact", "photos", "--regions", "-", "--out", "out")
    assert done.code == 0
    assert (px(Path("out/shop/a.png")) != draw().pixels).any()


def test_the_source_is_never_written_over_without_being_asked(likemark: Run, desk: Path) -> None:
    before = Path("photos/shop/a.png").read_bytes()
    done = likemark(*LISTED, "--out", "photos")
    assert (done.code, done.out) == (2, "")
    assert "is a source" in done.err
    assert Path("photos/shop/a.png").read_bytes() == before


def test_videos_take_no_listed_regions(likemark: Run, desk: Path) -> None:
    Path("photos/clip.mp4").write_bytes(b"")
    done = likemark(*LISTED, "--out", "out")
    assert done.code == 1
    assert "photos/clip.mp4: found.json is of pictures" in done.err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ([*LISTED], 2, "--out FOLDER"),
        ([*LISTED, "--out", "out", "--in-place"], 2, "--out FOLDER"),
        (["redact", "photos", "--out", "out"], 2, "--query LOGO"),
        ([*LISTED, "--all-logos", "--out", "out"], 2, "--query LOGO"),
        ([*LISTED, "--out", "new.png"], 2, "names one file"),
        ([*LISTED, "--out", "out", "--style", "smudge"], 2, "smudge"),
        ([*LISTED, "--out", "out", "--style", "replace"], 2, "--with IMAGE"),
        ([*LISTED, "--out", "out", "--with", "logo.png"], 2, "--with IMAGE"),
        ([*LISTED, "--out", "out", "--margin", "-1"], 2, "--margin"),
        ([*LISTED, "--out", "out", "--margin", "1e308"], 2, "--margin"),
        ([*LISTED, "--out", "out", "--threshold", "2"], 2, "'--threshold'"),
        ([*LISTED, "--out", "out", "--every", "-1"], 2, "'--every'"),
        ([*LISTED, "--out", "out", "--every", "inf"], 2, "every is inf"),
        ([*LISTED, "--out", "out", "--every", "nan"], 2, "'--every'"),
        ([*LISTED, "--out", "out", "--style", "replace", "--with", "no.png"], 1, "no.png: missing"),
        (["redact", "photos", "--regions", "no.json", "--out", "out"], 1, "no.json: cannot be"),
        (["redact", "photos", "--regions", "logo.png", "--out", "out"], 2, "is no JSON"),
        (["redact", "photos", "--query", "no.png", "--out", "out"], 1, "no.png: missing"),
    ],
)
def test_what_cannot_be_done_is_one_line_and_nothing_is_written(
    likemark: Run, desk: Path, arguments: list[str], code: int, said: str
) -> None:
    done = likemark(*arguments)
    assert (done.code, done.out) == (code, "")
    (line,) = done.err.splitlines()
    assert line.startswith("likemark: ")
    assert said in line
    assert not Path("out").exists()


def read_film(path: Path) -> list[NDArray[np.uint8]]:
    import av

    with av.open(str(path)) as source:
        return [np.asarray(f.to_ndarray(format="rgb24"), np.uint8) for f in source.decode(video=0)]


QUERIED = ["-q", "logo.png", "--threshold", "0", "--device", "cpu"]


def test_what_a_query_finds_is_covered(likemark: Run, desk: Path) -> None:
    done = likemark("redact", "photos/shop/a.png", *QUERIED, "--out", "out", "--json")
    assert (done.code, done.err) == (0, "")
    (shop,) = done.json
    assert shop["regions"] == len(shop["score"]) >= 1
    assert all(0 <= score <= 1 for score in shop["score"])
    assert (px(Path("out/a.png")) != draw().pixels).any()


def test_a_video_is_followed_frame_by_frame(likemark: Run, desk: Path) -> None:
    film(Path("clip.mkv"), [draw().pixels] * 3)
    done = likemark(
        "redact", "clip.mkv", "--all-logos", *QUERIED[2:], "--every", "3", "--out", "out",
        "--preview", "shown",
    )  # fmt: skip
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith("out/clip.mkv: ")
    assert done.out.endswith(" covered\n")
    before, after = read_film(Path("clip.mkv")), read_film(Path("out/clip.mkv"))
    assert len(after) == len(before)
    assert all((one != other).any() for one, other in zip(before, after, strict=True))
    assert all((frame == after[0]).all() for frame in after)
    assert px(Path("shown/clip.mkv.png")).shape == (SIDE, 2 * SIDE + 8, 3)


@pytest.mark.parametrize(
    ("more", "looks"), [([], 4), (["--every", "0.5"], 2), (["--every", "0"], 10)]
)
def test_a_video_is_looked_at_every_so_many_seconds(
    likemark: Run, desk: Path, monkeypatch: pytest.MonkeyPatch, more: list[str], looks: int
) -> None:
    seen: list[NDArray[np.uint8]] = []

    def nothing(frame: NDArray[np.uint8]) -> list[Region]:
        seen.append(frame)
        return []

    monkeypatch.setattr(locating, "locating_all", lambda **settings: lambda source: nothing)
    film(Path("clip.mkv"), [draw().pixels] * 10)  # a tenth of a second apart
    assert likemark("redact", "clip.mkv", "--all-logos", "--out", "out", *more).code == 3
    assert len(seen) == looks


def test_a_query_without_a_mark_is_one_line(likemark: Run, desk: Path) -> None:
    done = likemark("redact", "photos", "--query", "photos/plain.png", "--out", "out")
    assert (done.code, done.out) == (2, "")
    (line,) = done.err.splitlines()
    assert "photos/plain.png" in line


@pytest.mark.parametrize(
    "arguments",
    [
        ["photos/logo.png", "--regions", "found.json", "--out", "found.json"],
        ["photos/logo.png", "-q", "logo.png", "--out", "."],
        ["photos/logo.png", "-q", "marks", "--out", "marks"],
        ["photos/shop/a.png", "-q", "photos/shop/a.png", "--in-place"],
        ["photos/logo.png", "--all-logos", "--out", "out", "--style", "replace",
         "--with", "out/logo.png"],
        ["photos/shop/a.png", "-q", "shown/a.png.png", "--out", "out", "--preview", "shown"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_a_run_reads_is_not_written_over(
    likemark: Run, desk: Path, arguments: list[str]
) -> None:
    for name in ("marks/logo.png", "out/logo.png", "shown/a.png.png", "photos/logo.png"):
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_bytes(Path("logo.png").read_bytes())
    before = {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()}
    done = likemark("redact", *arguments)
    assert (done.code, done.out) == (2, "")
    assert "is what this run reads, such as its query: name another folder" in done.err
    assert {path: path.read_bytes() for path in desk.rglob("*") if path.is_file()} == before


def test_names_end_no_line_and_tell_the_terminal_nothing(likemark: Run, desk: Path) -> None:
    Path("photos/plain.png").rename("photos/x\ny\x1b[31m.png")
    done = likemark(*LISTED, "--out", "out")
    assert "does not list it" in done.err
    listed = json.loads(Path("found.json").read_text())
    listed[1]["scene"] = "photos/x\ny\x1b[31m.png"
    Path("found.json").write_text(json.dumps(listed))
    done = likemark(*LISTED, "--out", "out")
    assert "out/x y [31m.png: nothing found, copied as it is" in done.out.splitlines()
    assert "\x1b" not in done.out + done.err


def test_the_longest_name_is_written_too(likemark: Run, desk: Path) -> None:
    listed = json.loads(Path("found.json").read_text())
    name = "n" * 250 + ".png"
    Path("photos/shop/a.png").rename(Path("photos/shop") / name)
    listed[0]["scene"] = f"photos/shop/{name}"
    Path("found.json").write_text(json.dumps(listed))
    assert likemark(*LISTED, "--out", "out").code == 0
    assert Path("out/shop", name).exists()
    assert likemark(*LISTED, "--in-place").code == 0
    assert (px(Path("photos/shop", name)) != draw().pixels).any()
