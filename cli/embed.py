"""`likemark embed`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from likemark.cli import options as opt
from likemark.cli.output import note, print_json, progress_bar, say


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark embed logos/ --out logos.npz")(embed)


def embed(
    images: Annotated[list[str], typer.Argument(help="Pictures or folders of pictures.")],
    out: Annotated[Path, typer.Option(metavar="FILE.npz", help="Where to write the vectors.")],
    model: opt.ModelName = "default",
    device: opt.DeviceName = "auto",
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    json: opt.AsJson = False,
    workspace: opt.Root = None,
) -> None:
    """Write pictures' vectors to a file, without a catalogue.

    The file holds `paths` (N,) str, `vectors` (N, D) float32 of unit length, and `model` str. A
    picture that cannot be read is reported and left out.
    """
    from likemark.retrieval.engine import query_requests
    from likemark.retrieval.export import check_npz, embed_pictures, write_npz
    from likemark.retrieval.models import find_model

    check_npz(out)
    found = find_model(model, opt.models_folder(workspace))
    requests = query_requests(images, opt.standard_input())
    with progress_bar("embedding", len(requests)) as bar:
        embedded = embed_pictures(
            requests,
            found,
            device=device,
            limits=opt.limits(max_megapixels, max_megabytes, any_extension),
            progress=bar,
        )
    for error in embedded.errors:
        note(f"likemark: {error}")
    if embedded.paths:  # else what is there stays as it is
        write_npz(embedded, out)
    if json:
        document = {
            "out": str(out),
            "embedded": len(embedded.paths),
            "dimension": int(embedded.vectors.shape[1]),
            "model": embedded.model,
            "rejected": [
                {"path": path, "reason": error.reason}
                for path, error in zip(embedded.rejected, embedded.errors, strict=True)
            ],
        }
        print_json(document)
    elif embedded.paths:
        say(f"{out}: {len(embedded.paths)} vectors of {embedded.model}")
    raise typer.Exit(0 if embedded.paths else 1)
