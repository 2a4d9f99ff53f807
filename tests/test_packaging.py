"""What is installed: every folder, the weights, the sample, the migrations; and it runs."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
FOLDERS = ("augment", "benchmarks", "cli", "db", "index", "retrieval")
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_the_list_of_packages_is_the_list_of_folders() -> None:
    there = {
        "likemark." + ".".join(path.parent.relative_to(ROOT).parts)
        for folder in FOLDERS
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert set(PROJECT["tool"]["setuptools"]["packages"]) == there


def test_every_folder_is_linked_for_the_type_checkers_and_checked() -> None:
    links = {path.name: path.resolve() for path in (ROOT / ".types" / "likemark").iterdir()}
    assert links == {folder: ROOT / folder for folder in FOLDERS}
    assert set(PROJECT["tool"]["mypy"]["packages"]) == {f"likemark.{name}" for name in FOLDERS}


def test_exactly_one_faiss_is_installed_on_any_machine() -> None:
    faiss = [line for line in PROJECT["project"]["dependencies"] if line.startswith("faiss")]
    cpu, gpu = (line.split(";")[1].strip() for line in sorted(faiss))
    assert gpu == "sys_platform == 'linux' and platform_machine == 'x86_64'"
    assert cpu == "sys_platform != 'linux' or platform_machine != 'x86_64'"


def test_constraints_hold_names_and_versions_only() -> None:
    for line in (ROOT / "constraints.txt").read_text().splitlines():
        name, _, version = line.partition("==")
        assert line.startswith("#") or (name and version[0].isdigit() and "/" not in line)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from what git holds, so that a file left out of it is missing here too."""
    source = tmp_path_factory.mktemp("source")
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, check=True,
    ).stdout.decode()  # fmt: skip
    for name in filter(None, files.split("\0")):
        if (ROOT / name).is_file():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            (source / name).write_bytes((ROOT / name).read_bytes())
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(out)]
    done = subprocess.run(command, cwd=source, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    (path,) = out.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment with the wheel in it; the dependencies are looked up in this one."""
    target = tmp_path_factory.mktemp("fresh") / "venv"
    venv.create(target, with_pip=False, symlinks=os.name != "nt")
    python = target / "bin" / "python"
    command = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps",
               "--quiet", "--disable-pip-version-check", str(wheel)]  # fmt: skip
    subprocess.run(command, check=True)
    site = next(target.glob("lib/python*/site-packages"))
    # A folder named in a .pth file is searched, but its own .pth files, such as that of an
    # editable likemark, are not read.
    (site / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return target / "bin"


def test_the_wheel_holds_weights_sample_migrations_and_templates(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    expected = {
        "likemark/retrieval/weights/likemark-vit-s14.safetensors",
        "likemark/retrieval/weights/likemark-vit-s14.json",
        "likemark/benchmarks/sample/manifest.csv",
        "likemark/benchmarks/sample/queries.csv",
        "likemark/db/migrations/env.py",
        "likemark/db/migrations/versions/0001_first_tables.py",
        "likemark/retrieval/report/report.html.j2",
        "likemark/retrieval/report/report.css",
        "likemark/retrieval/py.typed",
    }
    assert expected <= names
    assert sum(name.endswith(".svg") for name in names) >= 412
    assert {name.split("/")[0] for name in names} == {"likemark", *_dist_info(names)}


def _dist_info(names: set[str]) -> set[str]:
    return {name.split("/")[0] for name in names if ".dist-info/" in name}


def test_the_command_of_a_fresh_environment_indexes_and_queries(
    installed: Path, tmp_path: Path
) -> None:
    def run(*arguments: str) -> Any:
        done = subprocess.run(
            [str(installed / "likemark"), *arguments, "--json"],
            cwd=tmp_path,
            env={**os.environ, "LIKEMARK_HOME": str(tmp_path / "home")},
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    model = run("models")["models"][0]
    assert Path(model["folder"]).is_relative_to(installed.parent)
    marks = Path(model["folder"]).parent.parent / "benchmarks" / "sample" / "marks"
    chosen = sorted(marks.glob("logos-a*.svg"))[:6]
    assert run("index", *map(str, chosen))["embedded"] == 6
    (query,) = run("query", str(chosen[2]), "-k", "1")["queries"]
    assert query["hits"][0]["path"] == str(chosen[2])
    assert query["hits"][0]["score"] > 0.999
