from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command import Run
from support.corpus import draw_mark


@pytest.fixture
def logo(tmp_path: Path) -> Path:
    path = tmp_path / "logo.png"
    draw_mark(5).save(path)
    return path


def read(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.format == "PNG"
        return np.asarray(image)


def test_a_sheet_is_written_and_said(likemark: Run, logo: Path, tmp_path: Path) -> None:
    sheet = tmp_path / "views.png"
    outcome = likemark("augment", logo, "--grid", sheet, "--count", "3")
    assert (outcome.code, outcome.err) == (0, "")
    pictures = int(outcome.out.split(": ")[1].split()[0])
    assert outcome.out == f"{sheet}: {pictures} pictures, 3 of them views at random\n"
    assert pictures > 30
    assert read(sheet).shape[1] == 8 * 166


def test_json_has_a_label_for_each_cell(likemark: Run, logo: Path, tmp_path: Path) -> None:
    draw_mark(6).save(tmp_path / "other.png")
    arguments = ["--recipe", "segment", "--count", "2", "--columns", "4", "--seed", "7"]
    command = ["augment", logo, "--grid", tmp_path / "s.png", *arguments, "--json"]
    alone = likemark(*command).json
    assert (alone["recipe"], alone["seed"], alone["grid"]) == ("segment", 7, f"{tmp_path}/s.png")
    assert alone["cells"][:2] == ["the mark", "segments recoloured"]
    assert len(alone["cells"]) == 1 + 6 + 2
    both = likemark(*command, "--other", tmp_path / "other.png").json
    assert set(both["cells"]) - set(alone["cells"]) >= {"segment exchanged"}


def test_a_photo_to_lie_in_is_taken_whole(likemark: Run, logo: Path, tmp_path: Path) -> None:
    photo = Image.new("RGB", (300, 200), (20, 160, 60))  # of one colour: trimmed, nothing is left
    photo.save(tmp_path / "photo.png")
    command = ["augment", logo, "--grid", tmp_path / "s.png", "--count", "0", "--json"]
    cells = likemark(*command, "--photo", tmp_path / "photo.png").json["cells"]
    assert set(cells) - set(likemark(*command).json["cells"]) == {"in a photo"}


def test_the_same_seed_gives_the_same_sheet(likemark: Run, logo: Path, tmp_path: Path) -> None:
    def sheet(name: str, seed: int) -> np.ndarray:
        arguments = ["--recipe", "image", "--count", "4", "--seed", str(seed)]
        assert likemark("augment", logo, "--grid", tmp_path / name, *arguments).code == 0
        return read(tmp_path / name)

    one = sheet("a.png", 1)
    np.testing.assert_array_equal(one, sheet("b.png", 1))
    other = sheet("c.png", 2)
    assert one.shape != other.shape or not np.array_equal(one, other)


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["logo.png", "--grid", "views.jpg"], 2, "views.jpg: its name must end in .png"),
        (["logo.png", "--grid", "no/views.png"], 1, "there is no folder no; make it first"),
        (["logo.png", "--grid", "v.png", "--recipe", "x"], 2, "no recipe is named 'x': choose"),
        (["none.png", "--grid", "v.png"], 1, "none.png: missing: no such file"),
        (["logo.png", "--grid", "v.png", "--other", "none.png"], 1, "none.png: missing"),
        (["logo.png", "--grid", "v.png", "--photo", "none.png"], 1, "none.png: missing"),
        (["text.png", "--grid", "v.png"], 1, "text.png: not_a_picture"),
        (["logo.png"], 2, "Missing option '--grid'"),
        (["logo.png", "--grid", "v.png", "--columns", "0"], 2, "Invalid value for '--columns'"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_one_line(
    likemark: Run, logo: Path, monkeypatch: pytest.MonkeyPatch,
    arguments: list[str], code: int, message: str,
) -> None:  # fmt: skip
    monkeypatch.chdir(logo.parent)
    (logo.parent / "text.png").write_text("no picture at all")
    outcome = likemark("augment", *arguments)
    assert (outcome.code, outcome.out) == (code, "")
    (line,) = outcome.err.splitlines()
    assert line.startswith("likemark: ")
    assert message in line
    assert not (logo.parent / "v.png").exists()
