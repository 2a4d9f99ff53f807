"""`likemark index --workers` as a user runs it: what is printed, and what is left behind."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from support.command import Run
from support.corpus import write_corpus
from support.ray import require_ray
from support.shards import write_shard


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Another process: Ray sets up much in the one that starts it."""
    return subprocess.run(
        [sys.executable, "-m", "likemark.cli.main", *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


def test_a_ray_of_its_own_embeds_quietly_and_leaves_nothing_behind(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_ray()
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setenv("TMPDIR", str(temporary))
    write_corpus(tmp_path / "logos", range(6))
    (tmp_path / "logos" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    shard = write_shard(tmp_path / "logos.tar", tmp_path / "logos")
    done = command("index", shard, "--workers", "1", "--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert (document["rows"], document["added"], document["embedded"]) == (7, 6, 6)
    assert document["rejected"] == {"truncated": 1}
    [line] = done.stderr.splitlines()
    assert line.startswith(f"{shard}!/broken.png: truncated: ")
    assert list(temporary.iterdir()) == []
    left = Path(tempfile.gettempdir()).glob("lm-ray-*")
    assert [folder for folder in left if not _runs(folder)] == []


def _runs(folder: Path) -> bool:
    """Whether the process that a folder is named by is still there: another test's."""
    return os.path.exists(f"/proc/{folder.name.split('-')[2]}")


def test_workers_that_cannot_be_had_are_one_line(likemark: Run, tmp_path: Path) -> None:
    require_ray()
    write_corpus(tmp_path / "logos", [1])
    wrong = likemark("index", tmp_path / "logos", "--workers", "many")
    assert wrong.code == 2
    assert "give local, a number of processes" in wrong.err
    gone = likemark("index", tmp_path / "logos", "--workers", "ray://127.0.0.1:1")
    assert gone.code == 1
    [line] = gone.err.splitlines()
    assert line.startswith("likemark: workers ray://127.0.0.1:1: cannot be reached: ")


def test_an_address_is_taken_as_it_is_written(likemark: Run) -> None:
    outcome = likemark("index", "memory://nothing/here")
    assert outcome.code == 1
    assert outcome.err.startswith("likemark: memory:///nothing/here: no such object")
