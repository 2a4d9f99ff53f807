"""`likemark augment`"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, BinaryIO

import typer

from likemark.cli import options as opt
from likemark.cli.output import plain, print_json, say

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from likemark.augment.marks import Mark
    from likemark.augment.recipe import Recipe
    from likemark.retrieval.pictures.limits import PictureLimits

SIDE = 176  # px of the square that a picture is decoded to


def register(app: typer.Typer) -> None:
    app.command(epilog="Example: likemark augment logo.png --grid views.png")(augment)


def augment(
    image: Annotated[str, typer.Argument(help="Picture of a mark.")],
    grid: Annotated[Path, typer.Option(metavar="FILE.png", help="Where to write the sheet.")],
    recipe: Annotated[
        str, typer.Option(help="What views are made with: default, segment, image or none.")
    ] = "default",
    other: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Another mark, to exchange a segment with and to stand beside [default: neither].",
            show_default=False,
        ),
    ] = None,
    photo: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE", help="A photo to lie in [default: none].", show_default=False
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help="The same seed gives the same sheet.", min=0)] = 0,
    count: Annotated[int, typer.Option(help="Views at random.", min=0, max=10_000)] = 24,
    columns: Annotated[int, typer.Option(help="Pictures in a row.", min=1, max=100)] = 8,
    max_megapixels: opt.MaxMegapixels = opt.DEFAULT_MEGAPIXELS,
    max_megabytes: opt.MaxMegabytes = opt.DEFAULT_MEGABYTES,
    any_extension: opt.AnyExtension = False,
    json: opt.AsJson = False,
) -> None:
    """Show the views of a mark that a network is trained with, on one sheet.

    First the mark itself, then each operation of the recipe alone, then views at random.
    """
    from likemark.augment.grid import lay_out, make_cells
    from likemark.db.errors import InvalidInput
    from likemark.retrieval.files import check_named, whole_file

    made = _recipe(recipe)
    check_named(grid, ".png")
    if any(_is_same(grid, name) for name in (image, other, photo) if name is not None):
        raise InvalidInput(f"{grid}: is a picture that the sheet is made of; give another name")
    limits = opt.limits(max_megapixels, max_megabytes, any_extension)
    mark, *others = _marks([image] if other is None else [image, other], limits)
    cells = make_cells(
        mark, made, seed=seed, count=count, other=others[0] if others else None,
        photo=_photo(photo, limits),
    )  # fmt: skip
    with whole_file(grid) as stream:
        _write_png(lay_out(cells, columns=columns), stream)
    if json:
        document = {
            "grid": str(grid),
            "recipe": recipe,
            "seed": seed,
            "cells": [cell.label for cell in cells],
        }
        print_json(document)
    else:
        say(f"{plain(str(grid))}: {len(cells)} pictures, {count} of them views at random")


def _recipe(name: str) -> Recipe:
    from likemark.augment.recipe import RECIPES
    from likemark.db.errors import InvalidInput

    if name not in RECIPES:
        raise InvalidInput(f"no recipe is named {name!r}: choose from {', '.join(RECIPES)}")
    return RECIPES[name]


def _is_same(path: Path, name: str) -> bool:
    return os.path.exists(path) and os.path.exists(name) and os.path.samefile(path, name)


def _marks(names: list[str], limits: PictureLimits) -> list[Mark]:
    """Decoded as for a network; raises the PictureError of the first that is refused."""
    from likemark.augment.marks import Mark
    from likemark.db.errors import PictureError
    from likemark.retrieval.pictures.picture import Request
    from likemark.retrieval.pictures.pool import DecoderPool

    marks = []
    with DecoderPool(size=SIDE, limits=limits, workers=len(names)) as pool:
        for result in pool.map(Request(name) for name in names):
            if isinstance(result, PictureError):
                raise result
            marks.append(Mark.of(result.pixels))
    return marks


def _photo(name: str | None, limits: PictureLimits) -> NDArray[np.uint8] | None:
    """(h, w, 3), whole: nothing is trimmed off. Raises PictureError."""
    from likemark.augment.paper import fitted
    from likemark.retrieval.pictures.load import load_picture
    from likemark.retrieval.pictures.normalise import flatten

    if name is None:
        return None
    return fitted(flatten(load_picture(Path(name), limits)), 2 * SIDE)


def _write_png(pixels: NDArray[np.uint8], stream: BinaryIO) -> None:
    from PIL import Image

    Image.fromarray(pixels).save(stream, "PNG", optimize=True)
