"""`likemark models`"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import print_json, say, table

app = typer.Typer(rich_markup_mode=None, epilog="Example: likemark models --json")


@app.callback(invoke_without_command=True)
def list_models(
    context: typer.Context, json: opt.AsJson = False, workspace: opt.Root = None
) -> None:
    """List the embedding models that are there, or add one."""
    if context.invoked_subcommand is not None:
        return
    from likemark.retrieval import models

    found = models.list_models(opt.models_folder(workspace))
    if json:
        print_json({
            "models": [
                {
                    **asdict(model.card),
                    "fingerprint": model.card.fingerprint,
                    "default": model.is_default,
                    "folder": str(model.folder),
                }
                for model in found
            ]
        })  # fmt: skip
        return
    columns = ("name", "backbone", "input", "dimension", "licence", "default")
    rows = [
        (
            model.card.name, model.card.backbone, f"{model.card.input_size} px",
            model.card.dimension, model.card.licence, "yes" if model.is_default else "",
        )
        for model in found
    ]  # fmt: skip
    say(table(columns, rows))


@app.command(epilog="Example: likemark models add resnet50.a1_in1k --weights resnet50.safetensors")
def add(
    backbone: Annotated[str, typer.Argument(help="timm's name, with or without a tag.")],
    weights: Annotated[
        Path | None,
        typer.Option(help="A .safetensors file with timm's keys [default: timm fetches them]."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call it.")] = None,
    grey: Annotated[
        bool, typer.Option("--grey", help="Show the network luminance only, not colour.")
    ] = False,
    provenance: Annotated[str, typer.Option(help="Where the weights come from.")] = "",
    json: opt.AsJson = False,
    workspace: opt.Root = None,
) -> None:
    """Make a model of any timm backbone and keep it in the workspace."""
    from likemark.retrieval.convert import add_model

    folder = opt.models_folder(workspace)
    model = add_model(
        backbone, folder, weights=weights, name=name, grey=grey, provenance=provenance
    )
    if json:
        print_json({**asdict(model.card), "folder": str(model.folder)})
    else:
        say(f"{model.card.name}: {model.card.dimension} dimensions, in {model.folder}")
