"""What a training leaves beside its weights: log, plots, preview, TensorBoard; and what it says."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from likemark.retrieval.training.folder import LOG
from likemark.retrieval.training.observers import (
    Facts,
    Observer,
    Observers,
    Preview,
    Step,
    Validated,
)
from likemark.retrieval.training.reports import kept
from likemark.retrieval.training.reports.kept import kept_in
from likemark.retrieval.training.reports.lines import Lines, Tally
from likemark.retrieval.training.reports.log import Log, read_log
from likemark.retrieval.training.reports.plots import validation_plot
from likemark.retrieval.training.reports.sheet import drawn_sheet


def looked_at() -> Preview:
    rng = np.random.default_rng(0)
    return Preview(("brand/acme", "idea/house"), rng.integers(0, 256, (2, 3, 24, 30, 3), np.uint8))


def facts(**changed: Any) -> Facts:
    given: dict[str, Any] = {
        "metric": "mAP", "said": ("1,200 drawings to train on",), "numbers": {"drawings": 1200},
        "parameters": 1000, "steps": 10, "resumed": 0, "unreadable": ("a.png: empty",),
        "preview": looked_at, **changed,
    }  # fmt: skip
    return Facts(**given)


def step(number: int, *, loss: float = 0.5, lost: tuple[str, ...] = ()) -> Step:
    return Step(number, loss, 1.0, 2.0, pictures=16, seconds=2.0, waiting=0.5, lost=lost)


def run(observer: Observer, *, first: int = 1, last: int = 4) -> None:
    observer.surveyed(1200, 1200)
    observer.started(facts(resumed=first - 1))
    for number in range(first, last + 1):
        observer.stepped(step(number, loss=1 / number))
    observer.validated(Validated(last, 0.25, True, 1.5))
    observer.ended()


def test_the_log_is_one_object_a_line_with_its_kind(tmp_path: Path) -> None:
    run(Log(tmp_path / LOG))
    lines = [json.loads(line) for line in (tmp_path / LOG).read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["started", *["step"] * 4, "validated", "ended"]
    assert lines[0]["drawings"] == 1200
    assert lines[1] == {"kind": "step", "step": 1, "loss": 1.0, "rate": 1.0, "gradient": 2.0,
                        "pictures": 16, "seconds": 2.0, "waiting": 0.5}  # fmt: skip
    assert lines[-2] == {
        "kind": "validated", "step": 4, "map": 0.25, "best": True, "seconds": 1.5
    }  # fmt: skip


def test_a_run_that_goes_on_appends_and_its_steps_count(tmp_path: Path) -> None:
    log = tmp_path / LOG
    run(Log(log))
    with log.open("a") as stream:
        stream.write('{"kind": "step", "ste')  # where it was killed
    resumed = Log(log)
    resumed.started(facts(resumed=2))
    for number in (3, 4, 5):
        resumed.stepped(step(number, loss=9.0))
    assert [one["loss"] for one in read_log(log, "step")] == [1.0, 0.5, 9.0, 9.0, 9.0]
    assert [one["resumed"] for one in read_log(log, "started")] == [0, 2]
    assert all(json.loads(line) for line in log.read_text().splitlines())


def test_a_log_may_be_read_while_its_last_line_is_written(tmp_path: Path) -> None:
    (tmp_path / LOG).write_text('{"kind": "ended"}\n{"kind": "en')
    assert read_log(tmp_path / LOG, "ended") == [{"kind": "ended"}]
    assert read_log(tmp_path / "none", "ended") == []


def test_a_number_that_is_none_is_still_json(tmp_path: Path) -> None:
    log = Log(tmp_path / LOG)
    log.started(facts())
    log.stepped(step(1, loss=math.nan))
    (entry,) = read_log(tmp_path / LOG, "step")
    assert entry["loss"] is None


def test_everything_is_kept_in_the_runs_folder(tmp_path: Path) -> None:
    said: list[str] = []
    run(kept_in(tmp_path, said.append))
    assert said == []
    assert {path.name for path in tmp_path.iterdir() if "tfevents" not in path.name} == {
        LOG, "preview.png", "loss.png", "validation.png"
    }  # fmt: skip
    assert any("tfevents" in path.name for path in tmp_path.iterdir())


def test_plots_and_preview_are_pictures_with_something_on_them(tmp_path: Path) -> None:
    run(kept_in(tmp_path, lambda line: None))
    for name in ("loss.png", "validation.png", "preview.png"):
        pixels = np.asarray(Image.open(tmp_path / name).convert("RGB"))
        assert min(pixels.shape[:2]) > 50
        assert len(np.unique(pixels.reshape(-1, 3), axis=0)) > 20


def test_the_preview_has_a_row_for_each_group_and_a_column_for_each_view() -> None:
    shown = looked_at()
    sheet = np.asarray(drawn_sheet(shown))
    for views in shown.views:
        for view in views:
            assert any(
                (sheet[top : top + 24, left : left + 30] == view).all()
                for top in range(sheet.shape[0] - 23)
                for left in range(150, sheet.shape[1] - 29)
                if (sheet[top, left] == view[0, 0]).all()
            )


def test_a_resumed_run_keeps_its_first_preview(tmp_path: Path) -> None:
    run(kept_in(tmp_path, lambda line: None))
    before = (tmp_path / "preview.png").stat().st_mtime_ns
    run(kept_in(tmp_path, lambda line: None), first=3)
    assert (tmp_path / "preview.png").stat().st_mtime_ns == before


def test_a_training_with_nothing_to_look_at_has_no_preview(tmp_path: Path) -> None:
    kept_in(tmp_path, lambda line: None).started(facts(preview=None))
    assert not (tmp_path / "preview.png").exists()


def test_what_is_measured_beside_is_kept_and_drawn_even_if_it_is_no_number(tmp_path: Path) -> None:
    observer = kept_in(tmp_path, lambda line: None)
    observer.started(facts(metric="mask IoU"))
    for number, beside in ((1, {}), (2, {"pixel IoU": math.nan}), (3, {"pixel IoU": 0.5})):
        observer.stepped(step(number))
        observer.validated(Validated(number, 0.25, True, 1.5, beside))
    found = read_log(tmp_path / LOG, "validated")
    assert [one["mask_iou"] for one in found] == [0.25] * 3
    assert [one.get("more") for one in found] == [None, {"pixel IoU": None}, {"pixel IoU": 0.5}]
    alone = validation_plot(found[:1], "mask IoU")
    assert (tmp_path / "validation.png").read_bytes() not in (b"", alone)


def test_tensorboard_holds_the_curves(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run(kept_in(tmp_path, lambda line: None))
    held = EventAccumulator(str(tmp_path))
    held.Reload()
    assert [event.step for event in held.Scalars("training/loss")] == [1, 2, 3, 4]
    assert [event.value for event in held.Scalars("validation/mAP")] == [0.25]
    assert held.Tags()["images"] == ["preview"]


@pytest.mark.parametrize("name", ["matplotlib", "tensorboard"])
def test_a_package_that_lacks_is_told_once_and_the_rest_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(kept, f"has_{name}", lambda: False)
    said: list[str] = []
    run(kept_in(tmp_path, said.append))
    (line,) = said
    assert f"{name} is not installed" in line
    assert "pip install 'likemark[train]'" in line
    assert read_log(tmp_path / LOG, "ended")


def test_lines_tell_what_is_trained_and_how_it_goes() -> None:
    said: list[str] = []
    run(Lines(said.append, every=0), last=10)
    assert said[:3] == [
        "1,200 of 1,200 drawings looked at",
        "left out: a.png: empty",
        "1,200 drawings to train on",
    ]
    assert said[3] == (
        "step 1 of 10: loss 1.0000, 8.0 views/s, 25.0% of the time waiting for them, 18 s to go"
    )
    assert said[-1] == "step 10: validation mAP 0.2500, the best so far"


def test_lines_about_steps_come_now_and_then_only() -> None:
    said: list[str] = []
    run(Lines(said.append, every=3600), first=5, last=10)
    assert "going on after step 4 of 10" in said
    (line,) = [line for line in said if "views/s" in line]
    assert line.startswith("step 10 of 10: loss 0.")


def test_a_picture_that_is_lost_on_the_way_is_told_and_logged(tmp_path: Path) -> None:
    said: list[str] = []
    log = Log(tmp_path / LOG)
    observer = Observers(log, Lines(said.append, every=3600))
    observer.started(facts())
    for number, lost in ((1, ()), (2, ("b.png: missing: no such file",))):
        observer.stepped(step(number, lost=lost))
    assert said[-1] == "no longer there: b.png: missing: no such file"
    logged = read_log(tmp_path / LOG, "step")
    assert [one.get("lost") for one in logged] == [None, ["b.png: missing: no such file"]]


def test_the_tally_sums_up_steps_and_waiting() -> None:
    tally = Tally()
    tally.validated(Validated(0, 0.125, True, 1))
    run(Observers(tally))
    assert (tally.first, tally.seconds, tally.waited) == (0.125, 8.0, 0.25)
    tally.started(facts(pictures="scenes"))
    assert tally.pictures == "scenes"
    assert Tally().waited == 0
