from __future__ import annotations

import json
import sys
from dataclasses import replace

import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize

from likemark.benchmarks.speed_losses import (
    OURS,
    PUBLISHED,
    Case,
    LossReport,
    LossSpeed,
    loss_speed,
    measure_case,
    measure_losses,
    published,
    report_json,
)
from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.losses.smooth_ap import smooth_ap

linux = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.mark.parametrize(("batch", "group"), [(24, 4), (24, 2), (12, 12), (5, 1)])
def test_the_published_formulation_and_ours_are_one_loss_with_one_gradient(batch: int, group: int):
    rows = torch.randn(batch, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    def slope(loss: Tensor, of: Tensor) -> Tensor:
        return torch.autograd.grad(loss, of)[0]

    theirs, ours = rows.clone().requires_grad_(), rows.clone().requires_grad_()
    their_loss = published(normalize(theirs), group, temperature=0.05)
    our_loss = smooth_ap(normalize(ours), torch.arange(batch) // group, temperature=0.05)
    assert torch.allclose(their_loss, our_loss, rtol=1e-12)
    assert torch.allclose(slope(their_loss, theirs), slope(our_loss, ours), atol=1e-10)


@linux
def test_a_report_has_both_formulations_in_processes_of_their_own():
    lines: list[str] = []
    report = measure_losses(128, 256, dimension=16, progress=lines.append)
    assert [line.split(",")[0] for line in lines] == [
        "Smooth-AP published", "Smooth-AP ours", "Smooth-AP ours",
    ]  # fmt: skip
    assert report.published.loss == pytest.approx(report.ours.loss, abs=1e-4)
    assert (report.ours.case.batch, report.large.case.batch) == (128, 256)
    assert report.memory_saved is not None
    assert report.memory_saved > 1  # 128 ** 3 numbers several times, against 512 x 128
    assert json.loads(json.dumps(report_json(report)))["speed_up"] == report.speed_up


def speed(seconds: float, grown: int | None, peak: int | None) -> LossSpeed:
    return LossSpeed(Case(OURS, 8), 0.5, seconds, 3 * seconds, grown, peak)


def test_targets_are_twenty_times_faster_ten_times_smaller_and_two_gibibytes():
    good = LossReport(speed(20, 1000, 1), speed(1, 100, 1), speed(9, 9, 2**31))
    assert (good.speed_up, good.core_speed_up) == (20, 20)
    assert (good.memory_saved, good.met) == (10, True)
    assert replace(good, published=speed(19, 1000, 1)).met is False
    assert replace(good, ours=speed(1, 101, 1)).met is False
    assert replace(good, large=speed(9, 9, 2**31 + 1)).met is False
    assert replace(good, ours=speed(1, None, None)).met is None
    assert replace(good, large=speed(9, None, None)).met is None


def test_a_case_runs_in_this_process_too():
    found = loss_speed(Case(PUBLISHED, 16, dimension=8, steps=1))
    assert 0 < found.loss < 1
    assert found.seconds > 0


def test_cases_that_cannot_be_are_refused():
    with pytest.raises(InvalidInput, match="batch 10: give a multiple of the group, 4"):
        Case(OURS, 10)
    with pytest.raises(InvalidInput, match="give numbers of 1 or more"):
        Case(OURS, 8, steps=0)
    with pytest.raises(InvalidInput, match="'theirs': must be one of"):
        Case("theirs", 8)  # type: ignore[arg-type]


def test_a_case_that_fails_is_one_line():
    with pytest.raises(LikemarkError, match=r"exit code [1-9]") as caught:
        measure_case(Case(OURS, 8, dimension=10**15))  # more than any address
    assert "\n" not in str(caught.value)
