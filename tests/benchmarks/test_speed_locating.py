"""A mark looked for in a drawn scene, timed."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest

from likemark.benchmarks.speed_locating import LocateSpeed, measure_locating
from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.finder import Finder


def test_the_target_is_a_megapixel_in_a_second_and_a_half() -> None:
    speed = LocateSpeed(2.0, 1, 3.0, 5.0, 1.0, 2)
    assert (speed.per_megapixel, speed.met) == (1.5, True)
    assert replace(speed, seconds=3.1).met is False


def test_what_cannot_be_timed_is_refused() -> None:
    finder = Finder.load(device="cpu")
    for size, runs in (((31, 300), 1), ((300, 300), 0)):
        with pytest.raises(InvalidInput, match="give 32 px or more and 1 run or more"):
            measure_locating(finder, size=size, runs=runs)


def test_the_command_prints_one_document_of_a_scene_in_which_the_mark_is_found() -> None:
    command = [sys.executable, "-P", "-m", "likemark.benchmarks.speed_locating"]
    options = ["--height", "336", "--width", "480", "--runs", "1"]
    done = subprocess.run([*command, *options], capture_output=True, text=True, check=True)
    document = json.loads(done.stdout)
    assert document["megapixels"] == pytest.approx(0.16128)
    assert document["per_megapixel"] == pytest.approx(document["seconds"] / 0.16128)
    assert document["places"] >= 1
    assert 0 < document["again"]
    assert document["core_seconds"] > 0
