"""kill -9 at any moment, then a re-run: exactly the state of an undisturbed run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from support.corpus import draw_mark, write_corpus

from likemark.retrieval.models import FoundModel

KILLER = Path(__file__).parent.parent / "support" / "killer.py"

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")


def killed(model: FoundModel, folder: Path, how: str, points: int) -> dict[str, int]:
    card = model.folder / f"{model.card.name}.json"
    command = [sys.executable, str(KILLER), str(card), str(folder), how, str(points)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    result: dict[str, int] = json.loads(done.stdout.splitlines()[-1])
    return result


@pytest.fixture
def new(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "after", range(17))
    (tmp_path / "after" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return tmp_path


@pytest.fixture
def changed(tmp_path: Path) -> Path:
    """An indexed folder of which two pictures changed, two vanished and two are new."""
    write_corpus(tmp_path / "before", range(16))
    write_corpus(tmp_path / "after", range(2, 18))
    draw_mark(98).save(tmp_path / "after" / "mark-0004.png")
    draw_mark(99).save(tmp_path / "after" / "mark-0009.png")
    return tmp_path


def test_a_first_run_killed_at_any_step_is_finished_by_the_next(
    tiny: FoundModel, new: Path
) -> None:
    result = killed(tiny, new, "steps", 7)
    assert result["steps"] > 50
    assert (result["killed"], result["equal"]) == (7, 7)


def test_an_update_killed_at_any_step_is_finished_by_the_next(
    tiny: FoundModel, changed: Path
) -> None:
    result = killed(tiny, changed, "steps", 7)
    assert (result["killed"], result["equal"]) == (7, 7)


def test_a_run_killed_at_any_time_is_finished_by_the_next(tiny: FoundModel, new: Path) -> None:
    result = killed(tiny, new, "time", 4)
    assert result["killed"] >= 2  # a fast run can end before the last kill
    assert result["equal"] == 4
