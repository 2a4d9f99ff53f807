"""What a recipe makes of a mark, on one sheet: each operation alone, then views at random."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from likemark.augment.marks import Mark
from likemark.augment.operations import OPERATIONS
from likemark.augment.paper import fitted
from likemark.augment.pixels import Pixels
from likemark.augment.recipe import Recipe
from likemark.augment.views import draw_plan, render

_PAGE, _FRAME, _TEXT = (222, 224, 230), (255, 255, 255), (40, 40, 48)
_GAP = 6  # px between cells
_LINE = 14  # px of a line of a label
_LINES = 3  # of a label, at most
_LETTER = 6.2  # px across, on average


@dataclass(frozen=True, slots=True)
class Cell:
    """One picture of a sheet."""

    label: str  # the operations it went through
    pixels: Pixels  # (h, w, 3)

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3:
            raise ValueError(f"a cell takes (h, w, 3), not {self.pixels.shape}")


def make_cells(
    mark: Mark, recipe: Recipe, *, seed: int = 0, count: int = 24, other: Mark | None = None,
    photo: Pixels | None = None,
) -> list[Cell]:  # fmt: skip
    """The mark as it is, after each operation that the recipe has, and `count` random views.

    seed: each cell has chance of its own: more views leave the earlier ones as they are
    other: another mark; photo: (h, w, 3); None: operations that need one are left out
    """
    names = [
        name
        for name, operation in OPERATIONS.items()
        if operation.chance(recipe) > 0
        and (other is not None or not operation.needs_other)
        and (photo is not None or not operation.needs_photo)
    ]
    cells = [Cell("the mark", mark.pixels)]
    for place, name in enumerate(names):
        rng = np.random.default_rng((seed, 0, place))
        cells.append(Cell(name, render(mark, (name,), recipe, rng, other=other, photo=photo)))
    for place in range(count):
        rng = np.random.default_rng((seed, 1, place))
        plan = draw_plan(recipe, rng, with_other=other is not None, with_photo=photo is not None)
        view = render(mark, plan, recipe, rng, other=other, photo=photo)
        cells.append(Cell(", ".join(plan) or "untouched", view))
    return cells


def lay_out(cells: Sequence[Cell], *, columns: int = 8, side: int = 160) -> Pixels:
    """(h, w, 3): the cells row by row, each with its label below.

    side: px of the square that a cell's picture is fitted into
    """
    if not cells or columns < 1 or side < 16:
        raise ValueError(
            f"{len(cells)} cells in {columns} columns of {side} px: give 1 or more cells and "
            "columns, and 16 px or more"
        )
    columns = min(columns, len(cells))
    tiles = [_tile(cell, side) for cell in cells]
    blank = np.full_like(tiles[0], 0)
    blank[:] = _PAGE
    tiles += [blank] * (-len(tiles) % columns)
    rows = [np.hstack(tiles[start : start + columns]) for start in range(0, len(tiles), columns)]
    return np.vstack(rows)


def _tile(cell: Cell, side: int) -> Pixels:
    """(side + gap + label, side + gap, 3)"""
    from PIL import Image, ImageDraw, ImageFont

    height = side + _GAP + _LINES * _LINE
    tile = Image.new("RGB", (side + _GAP, height), _PAGE)
    small = Image.fromarray(fitted(cell.pixels, side))
    frame = Image.new("RGB", (side, side), _FRAME)
    frame.paste(small, ((side - small.width) // 2, (side - small.height) // 2))
    tile.paste(frame, (_GAP // 2, _GAP // 2))
    lines = textwrap.wrap(cell.label, max(4, int(side / _LETTER)))[:_LINES]
    pen, font = ImageDraw.Draw(tile), ImageFont.load_default(11)
    for number, line in enumerate(lines):
        pen.text((_GAP // 2, side + _GAP // 2 + number * _LINE), line, fill=_TEXT, font=font)
    return np.asarray(tile)
