"""`likemark train`"""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likemark.cli import options as opt
from likemark.cli.output import Bar, note, print_json, progress_bar, say

if TYPE_CHECKING:
    from likemark.retrieval.training.observers import Facts, Step, Validated
    from likemark.retrieval.training.reports.lines import Tally
    from likemark.retrieval.training.trainer import Trained


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark train marks.toml run.steps=500 --out run")(train)


def train(
    config: Annotated[Path, typer.Argument(metavar="CONFIG.toml", help="What to do.")],
    overrides: Annotated[
        list[str] | None,
        typer.Argument(metavar="SECTION.NAME=VALUE", help="Settings in place of the file's."),
    ] = None,
    out: Annotated[
        Path, typer.Option(metavar="RUN", help="Folder for weights, log and plots.")
    ] = Path("run"),
    json: opt.AsJson = False,
) -> None:
    """Train a network on drawings of marks, or go on with a training that was stopped.

    CONFIG.toml has the tables data, batch, augment, network, loss, optimiser and run; data.corpus
    alone must be set: a folder with one folder a brand, a CSV, or a built corpus. With the line
    task = "oneshot" before its tables it trains the network that finds a mark in photos, with task
    = "tracer" the one that draws the masks of what was found, with task = "published" the one that
    `likemark bench run locate` compares it with. `likemark export RUN` makes a model of the result,
    but of the last. Many GPUs: torchrun --nproc-per-node 8 -m
    likemark.cli.main train CONFIG.toml --out RUN
    """
    from likemark.benchmarks.locate.published import kind as published
    from likemark.benchmarks.protocol.validation import validation_map
    from likemark.retrieval.training.observers import Observers
    from likemark.retrieval.training.processes import is_first
    from likemark.retrieval.training.reports.kept import kept_in
    from likemark.retrieval.training.reports.lines import Lines, Tally
    from likemark.retrieval.training.tasks import read_training
    from likemark.retrieval.training.trainer import train as run

    published.register()
    settings = read_training(config, overrides or ())
    tally = Tally()
    if not is_first():
        run(settings, out, measure=validation_map, observer=tally)
        return
    with ExitStack() as stack:
        bars = _Bars(stack)
        observer = Observers(kept_in(out, note), bars, Lines(bars.note), tally)
        trained = run(settings, out, measure=validation_map, observer=observer)
    document = _document(trained, tally)
    if json:
        print_json(document)
    else:
        say(_summary(trained, tally))


class _Bars:
    """An observer that draws what is under way, on a terminal only."""

    def __init__(self, stack: ExitStack) -> None:
        self._stack, self._bar = stack, Bar()
        self._label = ""

    def note(self, line: str) -> None:
        self._bar.note(line)

    def surveyed(self, done: int, of: int) -> None:
        self._show("looking at drawings", done, of)

    def started(self, facts: Facts) -> None:
        self._show("training", facts.resumed, facts.steps)

    def stepped(self, step: Step) -> None:
        self._bar(step.step)

    def validated(self, validated: Validated) -> None:
        pass

    def ended(self) -> None:
        self._stack.close()

    def _show(self, label: str, done: int, of: int) -> None:
        if label != self._label:
            self._stack.close()
            self._bar = self._stack.enter_context(progress_bar(label, of))
            self._label = label
        self._bar(done)


def _document(trained: Trained, tally: Tally) -> dict[str, Any]:
    from likemark.retrieval.training.reports.log import key_of

    validated = trained.best >= 0
    return {
        "run": str(trained.folder),
        f"validation_{key_of(trained.metric)}": trained.best if validated else None,
        "step": trained.best_step if validated else None,
        "before": tally.first,
        "seconds": round(tally.elapsed, 1),
        "waited": round(tally.waited, 4),
    }


def _summary(trained: Trained, tally: Tally) -> str:
    best = "nothing to validate with"
    if trained.best >= 0:
        before = "" if tally.first is None else f", {tally.first:.4f} before the first"
        figure = f"{trained.metric} {trained.best:.4f}"
        best = f"validation {figure} at step {trained.best_step:,}{before}"
    return (
        f"{trained.folder}: {best}; {tally.elapsed:.0f} s, "
        f"{tally.waited:.1%} of the steps' time waiting for {tally.pictures}"
    )
