"""`likemark export`"""

from __future__ import annotations

import os
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from likemark.cli import options as opt
from likemark.cli.output import print_json, progress_bar, say
from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    from likemark.retrieval.oneshot.card import OneShotCard, TracerCard
    from likemark.retrieval.onnx import Parity


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark export run --out models --name mine --onnx")(export)


def export(
    source: Annotated[
        str, typer.Argument(metavar="RUN_OR_MODEL", help="A training's folder, or a model.")
    ],
    out: Annotated[Path, typer.Option(metavar="FOLDER", help="Gets NAME.safetensors, NAME.json.")],
    name: Annotated[
        str | None, typer.Option(help="What to call it [default: as the run or model is called].")
    ] = None,
    onnx: Annotated[
        bool, typer.Option("--onnx", help="Write NAME.onnx too, and hold it against torch.")
    ] = False,
    whiten: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Replace the last layer by a whitening learned on N of the drawings.",
            min=0,
        ),
    ] = 0,
    corpus: Annotated[
        Path | None,
        typer.Option(
            metavar="DATA",
            help="What --whiten learns from, as data.corpus of a training "
            "[default: the training's own].",
        ),
    ] = None,
    pooling: Annotated[
        str | None,
        typer.Option(
            metavar="KIND",
            help="What the layer that --whiten learns is given: some of avg, max, gem, token, "
            "joined by + [default: as it was].",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(metavar="PX", help="Size of its pictures [default: as it was trained]."),
    ] = None,
    over: Annotated[
        str | None,
        typer.Option(
            metavar="MODEL", help="Write only the weights that differ from this model's file."
        ),
    ] = None,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
) -> None:
    """Make a model of a training's best weights, or write a model that is there elsewhere.

    With --whiten a model learns its last layer anew from your own drawings, in minutes: a folder
    with one folder a brand will do. Of a training with task = "oneshot" it is a model that finds
    marks in photos, its probabilities learned on scenes of marks that were held out; with task =
    "tracer" what draws the masks of such a model anew, once its card names it as "tracer".

    A model for retrieval is then chosen by its card: --model FOLDER/NAME.json. NAME.onnx takes
    pictures as (N, S, S, 3) uint8 RGB, trimmed and padded to a square, and gives (N, D) float32
    unit rows.
    """
    from likemark.retrieval.onnx import check_onnx, write_onnx
    from likemark.retrieval.training.anew import Anew
    from likemark.retrieval.training.export import export_model

    if (corpus or pooling) and not whiten:
        raise InvalidInput("--corpus and --pooling say what --whiten learns from: give --whiten N")
    task = _task_of(source)
    if task in ("oneshot", "tracer"):
        if onnx or whiten or size or over:
            raise InvalidInput(
                "--onnx, --whiten, --size and --over are for models for retrieval: leave them out"
            )
        _of_scenes(task, Path(source), out, name, json)
        return
    if onnx:
        check_onnx()
    extra = opt.models_folder(workspace)
    with progress_bar("drawings", whiten) if whiten else nullcontext(_ignore) as told:
        model = export_model(
            source, out, name=name, extra=extra, size=size, over=over, told=told,
            anew=Anew(whiten, corpus, pooling) if whiten else None,
        )  # fmt: skip
    parity: Parity | None = None
    if onnx:
        from likemark.benchmarks.training.sample import sample_squares

        parity = write_onnx(model, real=sample_squares(model.card.input_size))
    if json:
        about: dict[str, Any] = {**asdict(model.card), "folder": str(model.folder)}
        print_json({**about, "onnx": None if parity is None else asdict(parity)})
        return
    say(f"{model.card.name}: {model.card.dimension} dimensions, in {model.folder}")
    if parity is not None:
        say(
            f"{parity.file}: against torch on {parity.pictures} pictures the largest difference "
            f"is {parity.difference:.1e}, the least cosine {parity.cosine:.6f}"
        )


def _task_of(source: str) -> str:
    """Of a training's folder; nothing of a model's name."""
    from likemark.retrieval.training.export import run_settings
    from likemark.retrieval.training.tasks import task_of

    return task_of(run_settings(Path(source))) if os.path.isdir(source) else ""


def _of_scenes(task: str, run: Path, out: Path, name: str | None, json: bool) -> None:
    from likemark.retrieval.oneshot.training.export import export_one_shot, export_tracer

    name = name or run.resolve().name
    card: OneShotCard | TracerCard
    if task == "tracer":
        card = export_tracer(run, out, name=name)
        does = f"draws masks anew for the one-shot model whose card names it as tracer, in {out}"
    else:
        with progress_bar("batches of scenes", None) as told:
            card = export_one_shot(run, out, name=name, told=told)
        does = f"finds marks in photos, in {out}"
    if json:
        print_json({**asdict(card), "folder": str(out)})
    else:
        say(f"{card.name}: {does}")


def _ignore(done: int, of: int) -> None:
    pass
