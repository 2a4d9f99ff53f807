from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from support.drawings import badge, lockup

from likemark.augment.grid import Cell, lay_out, make_cells
from likemark.augment.marks import Mark
from likemark.augment.operations import OPERATIONS
from likemark.augment.recipe import RECIPES, Recipe


def test_a_sheet_has_the_mark_each_operation_of_the_recipe_and_views():
    cells = make_cells(Mark.of(badge()), RECIPES["segment"], count=5, other=Mark.of(lockup()))
    names = [name for name, operation in OPERATIONS.items() if operation.group == "segments"]
    assert [cell.label for cell in cells[: 1 + len(names)]] == ["the mark", *names]
    assert len(cells) == 1 + len(names) + 5
    assert all(set(cell.label.split(", ")) <= {*names, "untouched"} for cell in cells[8:])


def test_operations_that_need_another_mark_are_left_out_without_one():
    labels = {cell.label for cell in make_cells(Mark.of(badge()), RECIPES["default"], count=0)}
    assert not labels & {"beside", "segment exchanged", "in a photo"}
    assert {"words", "plate"} <= labels


def test_a_photo_adds_what_needs_one():
    photo = np.full((60, 90, 3), 120, np.uint8)
    cells = make_cells(Mark.of(badge()), RECIPES["default"], count=0, photo=photo)
    laid = next(cell for cell in cells if cell.label == "in a photo")
    assert (laid.pixels == 120).all(axis=2).mean() > 0.05


def test_more_views_leave_the_earlier_ones_as_they_are():
    few = make_cells(Mark.of(badge()), RECIPES["image"], seed=3, count=2)
    many = make_cells(Mark.of(badge()), RECIPES["image"], seed=3, count=6)
    for one, two in zip(few, many, strict=False):
        assert one.label == two.label
        np.testing.assert_array_equal(one.pixels, two.pixels)
    other = make_cells(Mark.of(badge()), RECIPES["image"], seed=4, count=2)
    assert any(not np.array_equal(a.pixels, b.pixels) for a, b in zip(few, other, strict=True))


def test_cells_are_laid_out_in_rows_with_their_labels():
    cells = make_cells(Mark.of(badge()), Recipe(), count=4)
    assert [cell.label for cell in cells] == ["the mark", *["untouched"] * 4]
    sheet = lay_out(cells, columns=3, side=64)
    one = lay_out(cells[:1], columns=3, side=64)
    assert sheet.shape == (2 * one.shape[0], 3 * one.shape[1], 3)
    np.testing.assert_array_equal(sheet[: one.shape[0], : one.shape[1]], one)
    unlabelled = lay_out([replace(cells[0], label="")], side=64)
    differs = (unlabelled != one).any(axis=(1, 2))
    assert not differs[:66].any()
    assert differs[66:].any()


def test_a_sheet_of_nothing_is_refused():
    cell = Cell("a", np.zeros((4, 4, 3), np.uint8))
    for cells, columns, side in (([], 3, 64), ([cell], 0, 64), ([cell], 1, 8)):
        with pytest.raises(ValueError, match="give 1 or more cells"):
            lay_out(cells, columns=columns, side=side)
    with pytest.raises(ValueError, match="a cell takes"):
        Cell("a", np.zeros((4, 4), np.uint8))
