"""The README's commands run as they stand there, and its lists are those of the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
import tarfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command import Outcome, run_here
from support.corpus import draw_mark, write_corpus, write_manifest
from support.located import film
from support.models import tiny_model
from support.slice import write_slice

from likemark.benchmarks.demo_room import draw_room
from likemark.db.errors import PICTURE_REASONS
from likemark.db.register import KNOWN_COLUMNS

Typed = Callable[[str], None]
RUNNER = f'{shlex.quote(sys.executable)} -c "from likemark.cli.main import main; main()"'
ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def block(language: str, heading: str) -> str:
    section = README.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0]
    found = re.search(rf"```{language}\n(.*?)```", section, re.DOTALL)
    assert found is not None
    return found[1]


def write_scenes(folder: Path) -> None:
    """A room with the drawn logo on its wall, as photos and as a video."""
    (folder / "photos").mkdir()
    draw_mark(1).save(folder / "a.png")
    draw_mark(3).save(folder / "b.png")
    draw_mark(4).save(folder / "other.png")
    room = Image.fromarray(draw_room()).resize((420, 300))
    room.paste(draw_mark(1).resize((90, 90)), (120, 20))
    room.save(folder / "photos" / "one.png")
    room.transpose(Image.Transpose.FLIP_TOP_BOTTOM).save(folder / "photos" / "two.png")
    room.save(folder / "photo.jpg", quality=95)
    film(folder / "clip.mp4", [np.asarray(room)] * 6)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the files that the README's examples name, and a quick model."""
    model = tiny_model(tmp_path / "models")
    folder = tmp_path / "desk"
    write_corpus(folder / "logos", range(6))
    rows = [
        {"id": f"m{n}", "image": f"logos/mark-000{n}.png", "office": "EM", "nice": "9",
         "vienna": "03.07.17"} for n in range(3)
    ]  # fmt: skip
    write_manifest(folder / "register.csv", rows)
    draw_mark(1).save(folder / "logo.png")
    draw_mark(2).save(folder / "scan.png")
    mark = draw_mark(1)
    mark.crop((0, 0, mark.width // 2, mark.height // 2)).save(folder / "part.png")
    write_scenes(folder)
    monkeypatch.setenv("LIKEMARK_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("LIKEMARK_MODEL", str(model.folder / "tiny.json"))
    for path in model.folder.iterdir():
        target = tmp_path / "home" / "models" / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(path.read_bytes())
    return folder


@pytest.fixture
def typed(desk: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Runs a line as a shell would; in this process, unless it takes a shell."""
    monkeypatch.chdir(desk)

    def run(line: str) -> None:
        words = shlex.split(line)
        if {"<", ">", "|"} & set(words):
            done = subprocess.run(
                RUNNER + line.removeprefix("likemark"),
                shell=True, capture_output=True, text=True, check=False,
            )  # fmt: skip
            outcome = Outcome(done.returncode, done.stdout, done.stderr)
        else:
            outcome = run_here(words, monkeypatch, capsys)
        assert outcome.code == 0, f"{line}\n{outcome.out}{outcome.err}"

    return run


def test_the_examples_of_use_run_as_they_stand(desk: Path, typed: Typed) -> None:
    for line in block("sh", "Use").splitlines():
        command = line.split("  #")[0].strip()
        assert command.startswith("likemark ")
        typed(command)
    assert (desk / "report.html").exists()
    assert (desk / "vectors.npz").exists()


def test_the_examples_of_photos_run_as_they_stand(desk: Path, typed: Typed) -> None:
    ran = []
    for line in block("sh", "Marks in photos and videos").splitlines():
        command = line.split("  #")[0].strip()
        words = command.split()
        assert words[0] == "likemark"
        if words[1] == "train" or "--coco" in words or "--all-logos" in words:
            continue  # of one network's answers to these drawings nothing is promised
        typed(command)
        ran.append(words[1])
    assert ran == ["locate"] * 3 + ["redact"] * 2
    assert len(list((desk / "seen").rglob("*.png"))) >= 2
    assert (desk / "without" / "clip.mp4").exists()
    assert (desk / "without.jpg").exists()


def test_the_examples_of_size_run_as_they_stand_where_no_server_is_needed(
    desk: Path, typed: Typed
) -> None:
    with tarfile.open(desk / "shard-000.tar", "w") as shard:
        shard.add(desk / "logos" / "mark-0004.png", "mark.png")
    ran = []
    lines = block("sh", "From a thousand marks to a billion").replace("\\\n", "").splitlines()
    for line in lines:
        command = line.split("  #")[0].strip()
        words = command.split()
        if "--workers" in words or words[0] == "python" or words[1] == "bench":
            continue
        typed(command)
        ran.append(words[1])
    assert ran == ["index", "stats", "index", "reindex"]


def test_the_benchmark_examples_run_as_they_stand(desk: Path) -> None:
    write_slice(desk / "data" / "open", groups=4, distractors=12)
    ran = []
    for line in block("sh", "How good it is").replace("\\\n", "").splitlines():
        command = line.split("  #")[0].strip()
        assert command.startswith(("likemark bench ", "likemark train "))
        name = command.split()[3]
        if command.split()[2] == "run" and name in ("retrieval", "invariance"):
            done = subprocess.run(
                f"HF_HUB_OFFLINE=1 {RUNNER}{command.removeprefix('likemark')} --cache cache",
                shell=True, cwd=desk, capture_output=True, text=True, check=False,
            )  # fmt: skip
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
            ran.append(name)
    assert ran == ["retrieval", "invariance"]
    assert (desk / "results" / "index.html").exists()


def test_the_python_example_runs_as_it_stands(desk: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", block("python", "Use")],
        cwd=desk, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("1 ")
    assert len(done.stdout.splitlines()) == 5


def test_every_reason_code_is_listed() -> None:
    for reason in PICTURE_REASONS:
        assert f"`{reason}`" in README


def test_every_column_of_a_manifest_is_listed() -> None:
    for column in KNOWN_COLUMNS:
        assert f"`{column}`" in README


def test_the_tree_names_every_folder_that_is_there() -> None:
    tree = README.split("## What is where", 1)[1].split("```")[1]
    named = set(re.findall(r"^(\w+)/", tree, re.MULTILINE))
    assert named == {"cli", "benchmarks", "retrieval", "augment", "index", "db", "tests"}
    assert all((ROOT / name).is_dir() for name in named)


def test_the_pictures_and_the_make_targets_are_there() -> None:
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", README)
    assert pictures
    assert all((ROOT / picture).stat().st_size < 150_000 for picture in pictures)
    makefile = (ROOT / "Makefile").read_text()
    for target in re.findall(r"`?make ([\w-]+)", README):
        assert f"\n{target}:" in makefile


def test_nothing_is_left_to_be_filled_in() -> None:
    assert not re.search(r"\b(TESTLINE|RESULTS|TODO|TBD)\b", README)
