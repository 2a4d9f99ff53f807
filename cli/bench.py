"""`likemark bench`"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import note, print_json, say, table

if TYPE_CHECKING:
    from likemark.benchmarks.speed import Measure, SpeedReport

app = typer.Typer(rich_markup_mode=None, help="Measure speed and quality.")


@app.callback(epilog="Example: likemark bench speed")
def _bench() -> None:
    """Measure speed and quality."""


@app.command(epilog="Example: likemark bench speed --vectors 10000,100000 --out speed.json")
def speed(
    pictures: Annotated[
        int | None, typer.Option(help="Pictures to index [default: 640].", show_default=False)
    ] = None,
    repetitions: Annotated[
        int | None,
        typer.Option(
            help="Of decode, network and pipeline in turn [default: 3].", show_default=False
        ),
    ] = None,
    vectors: Annotated[
        str | None,
        typer.Option(
            help="Sizes of index to search [default: 10000,100000,1000000].",
            metavar="SIZES",
            show_default=False,
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="A small run, to see that it works.")
    ] = False,
    out: Annotated[
        Path | None, typer.Option(help="Write the JSON document here too.", metavar="FILE.json")
    ] = None,
    device: opt.DeviceName = "auto",
    json: opt.AsJson = False,
) -> None:
    """Measure indexing, search and start-up on this machine, beside their targets.

    Takes some minutes and 3 GB of memory; other programs that run meanwhile change the figures.
    """
    from dataclasses import replace

    from likemark.benchmarks.speed import SpeedOptions, report_json, run_speed, write_json
    from likemark.db.errors import InvalidInput

    if out is not None and not out.absolute().parent.is_dir():
        raise InvalidInput(f"--out {out}: there is no such folder")
    options = SpeedOptions.quick() if quick else SpeedOptions()
    options = replace(
        options,
        pictures=options.pictures if pictures is None else pictures,
        repetitions=options.repetitions if repetitions is None else repetitions,
        vectors=options.vectors if vectors is None else _sizes(vectors),
        device=device,
    )
    report = run_speed(options, progress=note)
    if out is not None:
        write_json(out, report)
    if json:
        print_json(report_json(report))
    else:
        say(_text(report))


def _sizes(text: str) -> tuple[int, ...]:
    from likemark.db.errors import InvalidInput

    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError:
        raise InvalidInput(f"--vectors {text!r}: give whole numbers, as 10000,100000") from None


def _text(report: SpeedReport) -> str:
    machine = report.machine
    memory = "" if machine.memory_gib is None else f", {machine.memory_gib:g} GiB"
    packages = ", ".join(f"{name} {version}" for name, version in machine.packages.items())
    precision = "bfloat16" if machine.bf16 else "float32"
    lines = [
        report.command,
        f"{report.date}, {machine.cpu}, {machine.cores} cores{memory}, {machine.system}",
        f"Python {machine.python}, {packages}, {report.model} on {machine.device} in {precision}",
        "",
        table(("measure", "value", "unit", "target", "met"), [_row(m) for m in report.measures()]),
    ]
    return "\n".join(lines)


def _row(measure: Measure) -> list[object]:
    target = None if measure.target is None else f"{measure.bound} {measure.target:g}"
    met = {None: None, True: "yes", False: "no"}[measure.met]
    digits = 1 if measure.value >= 100 else 2 if measure.value >= 10 else 3
    return [measure.name, f"{measure.value:,.{digits}f}", measure.unit, target, met]
