from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.speed_indexing import Cost, IndexingSpeed, Repetition, summary
from likemark.benchmarks.speed_machine import Clock, describe_machine, resident_bytes
from likemark.benchmarks.speed_pictures import KINDS, SIDES, make_pictures, plan_pictures
from likemark.benchmarks.speed_startup import Seconds, likemark_command, measure_start_up
from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.devices import choose_device, cores
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_pictures_are_the_same_every_time_and_no_two_alike(tmp_path: Path):
    made = []
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        made.append([(path.name, path.read_bytes()) for path in make_pictures(folder, 12)])
    assert made[0] == made[1]
    assert len({data for _, data in made[0]}) == 12
    names = [name for name, _ in made[0]]
    assert names == sorted(names)


def test_pictures_decode_as_what_they_are_called(tmp_path: Path):
    kinds = {".svg": "SVG", ".png": "PNG", ".jpg": "JPEG"}
    for path in make_pictures(tmp_path, 9):
        picture = decode(Request(str(path)), size=64, limits=PictureLimits())
        assert picture.format == kinds[path.suffix]
        if picture.format == "PNG":
            assert SIDES[0] <= max(picture.width, picture.height) <= SIDES[1]


def test_a_plan_has_a_third_of_each_kind_mixed_and_repeats_logos_only_when_all_are_used():
    plans = plan_pictures(600)
    assert [sum(plan.kind == kind for plan in plans) for kind in KINDS] == [200, 200, 200]
    assert len({(plan.logo, plan.kind) for plan in plans}) == 600
    assert len({plan.number for plan in plans}) == 600
    assert {plan.kind for plan in plans[:12]} == set(KINDS)
    assert plan_pictures(600) == plans
    assert plan_pictures(600, seed=1) != plans


def test_no_pictures_are_refused():
    with pytest.raises(InvalidInput, match="0 pictures: give 1 or more"):
        plan_pictures(0)


def repetition(factor: float, idle: float | None = 0.1) -> Repetition:
    return Repetition(
        decode=Cost(100 * factor, 0.02),
        network=Cost(50 * factor, 0.04),
        pipeline=Cost(30 * factor, 0.0625),
        idle=idle,
        others=None if idle is None else 0.2,
    )


def summed(pictures: int = 640, *, on_cpu: bool = True, idle: float | None = 0.1) -> IndexingSpeed:
    done = [repetition(factor, idle) for factor in (3, 1, 1.1)]
    return summary(done, on_cpu=on_cpu, pictures=pictures)


def test_a_summary_is_of_medians_and_follows_its_definitions():
    speed = summed()
    assert speed.decode.rate == pytest.approx(110)
    assert (speed.pipeline.rate, speed.pipeline.core_seconds) == (pytest.approx(33), 0.0625)
    assert speed.allowed == pytest.approx(cores() / 0.06)
    assert speed.allowed_by_rates == pytest.approx(1 / (1 / 110 + 1 / 55))
    assert speed.efficiency == speed.pipeline.rate / speed.allowed
    assert speed.of_the_rest == pytest.approx(speed.efficiency / 0.8)
    assert speed.useful == pytest.approx(0.06 / 0.0625)
    assert (speed.idle, speed.others) == (0.1, 0.2)


def test_an_accelerator_bounds_the_rate_by_itself():
    speed = summed(on_cpu=False)
    assert speed.allowed == pytest.approx(min(cores() / 0.06, 55))
    assert speed.allowed_by_rates == pytest.approx(55)
    assert speed.of_the_rest is None  # it need not be the cores that bind


def test_what_the_system_does_not_tell_stays_unknown():
    speed = summed(idle=None)
    assert speed.idle is None
    assert speed.others is None
    assert speed.of_the_rest is None


@pytest.mark.parametrize(
    ("pictures", "counted", "window"),
    [
        (640, 384, "between writes"),
        (600, 384, "between writes"),
        (257, 128, "between writes"),
        (256, 256, "whole run"),
        (5, 5, "whole run"),
    ],
)
def test_the_start_and_the_end_do_not_count_in_a_long_run(pictures: int, counted: int, window: str):
    speed = summed(pictures)
    assert (speed.pictures, speed.window) == (counted, window)


@linux
def test_the_clock_sees_the_work_of_children_before_and_after_their_end():
    code = "import time\nwhile time.process_time() < 0.3: pass\nprint(flush=True); input()"
    start = Clock.read()
    child = subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    with child:
        assert child.stdout is not None
        child.stdout.readline()
        living = Clock.read()
    ended = Clock.read()
    assert living.core - start.core >= 0.28
    assert ended.core >= living.core - 0.02
    assert ended.wall > start.wall


@linux
def test_resident_memory_grows_with_what_is_written():
    before = resident_bytes()
    held = np.ones(2**28, np.uint8)  # far more than anything else comes and goes
    after = resident_bytes()
    assert before is not None
    assert after is not None
    assert after - before == pytest.approx(held.nbytes, rel=0.25)


def test_the_machine_is_described():
    machine = describe_machine(choose_device("cpu"))
    assert machine.cpu
    assert machine.cores == cores()
    assert machine.device == "cpu"
    assert {"likemark", "torch", "faiss", "timm", "numpy", "pillow"} == set(machine.packages)


def test_seconds_keep_their_runs():
    assert Seconds.of([3.0, 1.0, 2.0]) == Seconds(1.0, 2.0, (3.0, 1.0, 2.0))


def test_the_command_is_one_that_runs():
    done = subprocess.run([*likemark_command(), "--version"], capture_output=True, text=True)
    assert done.stdout.startswith("likemark ")


def test_a_command_that_fails_is_one_line(tmp_path: Path):
    with pytest.raises(LikemarkError, match=r"query .*: likemark: .*; exit code 1$") as caught:
        measure_start_up(tmp_path, tmp_path / "none.png", marks=0, helps=1, queries=1)
    assert "\n" not in str(caught.value)
