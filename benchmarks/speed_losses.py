"""Smooth-AP as it was published beside ours: time and memory of one step of training.

`python -m likemark.benchmarks.speed_losses` prints one JSON document. Every case runs in a process
of its own, so that no other's memory is counted. A step is the loss of random unit rows and their
gradient; there is no network. B rows in groups of K, D dimensions.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from likemark.benchmarks.speed_machine import resident_bytes
from likemark.db.errors import InvalidInput, LikemarkError, one_line

if TYPE_CHECKING:
    from torch import Tensor

Formulation = Literal["published", "ours"]
PUBLISHED: Formulation = "published"
OURS: Formulation = "ours"
FORMULATIONS = (PUBLISHED, OURS)

BATCH, LARGE_BATCH = 512, 4096
LEAST_SPEED_UP = 20.0
LEAST_MEMORY_SAVED = 10.0
MOST_BYTES = 2 * 2**30  # of the whole process, with the large batch
WARM_UP = 16  # rows of the step before the clock runs


@dataclass(frozen=True, slots=True)
class Case:
    formulation: Formulation
    batch: int  # B
    group: int = 4  # K
    dimension: int = 256  # D
    steps: int = 3  # timed one by one

    def __post_init__(self) -> None:
        if self.formulation not in FORMULATIONS:
            raise InvalidInput(f"{self.formulation!r}: must be one of {FORMULATIONS}")
        if min(self.group, self.dimension, self.steps) < 1:
            raise InvalidInput(f"{self}: give numbers of 1 or more")
        if self.batch < 1 or self.batch % self.group:
            raise InvalidInput(f"batch {self.batch}: give a multiple of the group, {self.group}")


@dataclass(frozen=True, slots=True)
class LossSpeed:
    case: Case
    loss: float
    seconds: float  # of the fastest step
    core_seconds: float  # of all cores, of the step that took least; others disturb it less
    # What the process took at most beyond what it held before; None but on Linux.
    grown_bytes: int | None
    peak_bytes: int | None  # of the whole process, torch included


@dataclass(frozen=True, slots=True)
class LossReport:
    published: LossSpeed
    ours: LossSpeed  # of the same batch
    large: LossSpeed  # ours, of a batch that the published one has no memory for

    @property
    def speed_up(self) -> float:
        return self.published.seconds / self.ours.seconds

    @property
    def core_speed_up(self) -> float:
        return self.published.core_seconds / self.ours.core_seconds

    @property
    def memory_saved(self) -> float | None:
        """By how many times less memory is taken."""
        if self.published.grown_bytes is None or self.ours.grown_bytes is None:
            return None
        return self.published.grown_bytes / max(self.ours.grown_bytes, 1)

    @property
    def met(self) -> bool | None:
        """All three targets; None where the system does not tell the memory."""
        if self.memory_saved is None or self.large.peak_bytes is None:
            return None
        return (
            self.speed_up >= LEAST_SPEED_UP
            and self.memory_saved >= LEAST_MEMORY_SAVED
            and self.large.peak_bytes <= MOST_BYTES
        )


def measure_losses(
    batch: int = BATCH,
    large: int = LARGE_BATCH,
    *,
    dimension: int = 256,
    progress: Callable[[str], None] = lambda line: None,
) -> LossReport:
    """Both formulations, one after the other. Raises LikemarkError when a case fails.

    progress: called with a line before each case
    """
    cases = (
        Case(PUBLISHED, batch, dimension=dimension),
        Case(OURS, batch, dimension=dimension, steps=20),
        Case(OURS, large, dimension=dimension),
    )
    done = []
    for case in cases:
        progress(f"Smooth-AP {case.formulation}, batch of {case.batch}")
        done.append(measure_case(case))
    return LossReport(*done)


def measure_case(case: Case) -> LossSpeed:
    """In a process of its own. Raises LikemarkError when that fails."""
    options = [f"--{name}={value}" for name, value in asdict(case).items()]
    done = subprocess.run(
        [sys.executable, "-P", "-m", "likemark.benchmarks.speed_losses", *options],
        capture_output=True, text=True, encoding="utf-8",
    )  # fmt: skip
    if done.returncode:
        last = one_line((done.stderr.strip().splitlines() or ["no message"])[-1])
        raise LikemarkError(f"{case}: {last}; exit code {done.returncode}")
    found = json.loads(done.stdout)
    return LossSpeed(**{**found, "case": Case(**found["case"])})


def loss_speed(case: Case) -> LossSpeed:
    """In this process, whose memory should hold nothing yet."""
    import torch

    torch.manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(case.batch, case.dimension))
    step = {PUBLISHED: _published_step, OURS: _our_step}[case.formulation]
    step(rows[: WARM_UP * case.group], case.group)
    before = resident_bytes()
    _forget_peak()
    seconds, core_seconds, loss = [], [], 0.0
    for _ in range(case.steps):
        start, core_start = time.perf_counter(), time.process_time()
        loss = step(rows, case.group)
        seconds.append(time.perf_counter() - start)
        core_seconds.append(time.process_time() - core_start)
    peak = peak_bytes()
    grown = None if before is None or peak is None else peak - before
    return LossSpeed(case, loss, min(seconds), min(core_seconds), grown, peak)


def published(rows: Tensor, group: int, temperature: float = 0.01) -> Tensor:
    """The loss by tensors of (B, B, B), for equal groups that lie side by side.

    rows: (B, D) unit rows; row i is of group i // group. As in Brown et al., ECCV 2020.
    """
    import torch

    sims = rows @ rows.T
    rank = _ranks(sims[None], temperature)[0]
    groups = rows.view(-1, group, rows.shape[1])
    rank_in_group = _ranks(groups @ groups.mT, temperature)
    every = torch.arange(len(groups), device=rows.device)
    blocks = rank.view(len(groups), group, len(groups), group)[every, :, every]
    return 1 - (rank_in_group / blocks).sum(2).mean() / group


def _ranks(sims: Tensor, temperature: float) -> Tensor:
    """sims: (..., n, n). Returns the soft rank of each column in each row, from 1."""
    import torch

    count = sims.shape[-1]
    wide = sims.unsqueeze(-2).expand(*sims.shape[:-1], count, count)
    exponent = torch.clamp(-(wide - wide.mT) / temperature, min=-50, max=50)
    above = 1 / (1 + torch.exp(exponent))
    return (above * (1 - torch.eye(count, device=sims.device))).sum(-1) + 1


def _published_step(rows: Tensor, group: int) -> float:
    import torch

    rows = rows.clone().requires_grad_()
    loss = published(rows, group)
    torch.autograd.grad(loss, rows)
    return loss.item()


def _our_step(rows: Tensor, group: int) -> float:
    import torch

    from likemark.retrieval.losses.smooth_ap import smooth_ap

    rows = rows.clone().requires_grad_()
    loss = smooth_ap(rows, torch.arange(len(rows)) // group)
    torch.autograd.grad(loss, rows)
    return loss.item()


def _forget_peak() -> None:
    """From now on `peak_bytes` is the peak from now on."""
    if sys.platform == "linux":
        with suppress(OSError):  # forbidden in some containers: an earlier peak may then count
            Path("/proc/self/clear_refs").write_text("5")


def peak_bytes() -> int | None:
    """The most memory this process had in use at once, None on other systems than Linux."""
    if sys.platform != "linux":
        return None
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))


def report_json(report: LossReport) -> dict[str, Any]:
    """As one JSON document: its fields, the ratios, and whether the targets are met."""
    ratios = ("speed_up", "core_speed_up", "memory_saved", "met")
    return {**asdict(report), **{name: getattr(report, name) for name in ratios}}


def main() -> None:
    parser = argparse.ArgumentParser(description="Time Smooth-AP, as published and ours.")
    parser.add_argument("--formulation", choices=FORMULATIONS, help="this one case only")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--large", type=int, default=LARGE_BATCH)
    parser.add_argument("--group", type=int, default=4)
    parser.add_argument("--dimension", type=int, default=256)
    parser.add_argument("--steps", type=int, default=3)
    given = parser.parse_args()
    if given.formulation is None:
        report = measure_losses(given.batch, given.large, dimension=given.dimension)
        print(json.dumps(report_json(report), indent=2))
        return
    case = Case(given.formulation, given.batch, given.group, given.dimension, given.steps)
    print(json.dumps(asdict(loss_speed(case))))


if __name__ == "__main__":
    main()
