"""What every way of covering keeps, and what each does."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.paint import covered_mask, redacted
from likemark.retrieval.redact.regions import region_of_box, region_of_mask
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.ways import WAYS, cell_side

STAMP = np.zeros((10, 20, 4), np.uint8)
STAMP[2:8, 2:18] = (0, 0, 255, 255)


def style_of(way: str, **settings: Any) -> Style:
    return Style(way=way, picture=STAMP if way == "replace" else None, **settings)


def noise(channels: int, kind: type = np.uint8) -> NDArray[Any]:
    top = int(np.iinfo(kind).max)
    return np.random.default_rng(3).integers(0, top, (60, 80, channels), kind, endpoint=True)


@pytest.mark.parametrize("way", sorted(WAYS))
@pytest.mark.parametrize("channels", [1, 2, 3, 4])
@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
def test_px_outside_the_grown_mask_stay_and_no_way_is_random(
    way: str, channels: int, kind: type
) -> None:
    pixels, style, region = noise(channels, kind), style_of(way), region_of_box(20, 15, 24, 18)
    before = pixels.copy()
    made = redacted(pixels, [region], style)
    outside = covered_mask((60, 80), [region], style) == 0
    assert made.dtype == pixels.dtype
    assert (made[outside] == pixels[outside]).all()
    assert (made[~outside] != pixels[~outside]).any()
    assert (redacted(pixels, [region], style) == made).all()
    assert (pixels == before).all()


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_region_over_an_edge_or_a_whole_picture_is_covered(way: str) -> None:
    pixels = noise(3)
    for region in (region_of_box(-8, -5, 30, 20), region_of_box(-5, -5, 200, 200)):
        made = redacted(pixels, [region], style_of(way))
        assert made.shape == pixels.shape
        assert (made[:10, :10] != pixels[:10, :10]).any()


@pytest.mark.parametrize("way", sorted(WAYS))
def test_a_grey_picture_without_channels_is_covered(way: str) -> None:
    made = redacted(noise(1)[..., 0], [region_of_box(20, 15, 24, 18)], style_of(way))
    assert made.shape == (60, 80)


def test_a_mosaic_has_the_mean_of_its_cells_on_a_grid_of_the_picture() -> None:
    pixels = noise(3)
    style = Style(cell=0, least_cell=10, margin=0, least_margin=0)
    made = redacted(pixels, [region_of_box(20, 20, 20, 20)], style)
    for top in (20, 30):
        for left in (20, 30):
            cell = np.s_[top : top + 10, left : left + 10]
            assert (made[cell] == np.rint(pixels[cell].mean(axis=(0, 1)))).all()


def test_the_cells_of_a_moved_mask_stay_where_they_were() -> None:
    pixels = noise(3)
    one, other = (
        redacted(pixels, [region_of_box(x, 20, 20, 20)], Style(cell=0, least_cell=10))
        for x in (20, 23)
    )
    assert (one[22:38, 24:39] == other[22:38, 24:39]).all()


@pytest.mark.parametrize("size", [1.0, 7.0, 33.0, 34.0, 500.0])
def test_a_cell_is_never_smaller_than_allowed_and_grows_in_steps(size: float) -> None:
    style = Style()
    side = cell_side(size, style)
    assert side >= style.least_cell
    assert side >= style.cell * size
    assert side <= max(style.least_cell, 1.5 * style.cell * size)


def test_a_fill_takes_the_colour_around_or_the_given_one() -> None:
    pixels = np.full((60, 80, 3), (10, 200, 30), np.uint8)
    pixels[20:40, 30:50] = (250, 0, 0)
    region = region_of_box(30, 20, 20, 20)
    assert (redacted(pixels, [region], Style(way="fill")) == (10, 200, 30)).all()
    made = redacted(pixels, [region], Style(way="fill", colour=(1, 2, 3)))
    assert (made[20:40, 30:50] == (1, 2, 3)).all()


@pytest.mark.parametrize("method", ["telea", "ns"])
def test_inpainting_continues_what_is_around(method: str) -> None:
    pixels = np.repeat(np.linspace(0, 200, 80).astype(np.uint8)[None, :, None], 60, axis=0)
    pixels = np.repeat(pixels, 3, axis=2)
    marked = pixels.copy()
    marked[25:35, 35:45] = (255, 0, 0)
    made = redacted(marked, [region_of_box(35, 25, 10, 10)], Style(way="inpaint", method=method))
    assert np.abs(made.astype(int) - pixels).max() < 30


def test_a_large_hole_is_inpainted_without_a_trace_of_the_mark() -> None:
    pixels = np.full((400, 500, 3), (90, 90, 90), np.uint8)
    pixels[50:350, 60:440] = (255, 0, 0)
    made = redacted(pixels, [region_of_box(60, 50, 380, 300)], Style(way="inpaint"))
    assert (made[..., 0] == made[..., 1]).all()
    assert np.abs(made.astype(int) - 90).max() <= 20


def test_a_blur_leaves_no_detail() -> None:
    pixels = np.where(np.indices((60, 80)).sum(axis=0) % 8 < 4, 255, 0).astype(np.uint8)
    made = redacted(pixels, [region_of_box(20, 15, 24, 18)], Style(way="blur"))
    assert np.ptp(made[20:28, 25:39].astype(int)) < 40


def test_a_replacement_lies_in_the_box_in_proportion_and_hides_the_mark_where_it_is_clear() -> None:
    pixels = np.full((60, 80, 3), 200, np.uint8)
    pixels[10:50, 20:60] = (255, 0, 0)
    made = redacted(pixels, [region_of_box(20, 10, 40, 40)], style_of("replace"))
    assert (made[30, 40] == (0, 0, 255)).all()
    assert (made[14, 40] == 200).all()  # above the picture, which is wide
    assert not ((made[..., 0] > 220) & (made[..., 1] < 50)).any()
    stretched = redacted(pixels, [region_of_box(20, 10, 40, 40)], style_of("replace", stretch=True))
    assert (stretched[20, 40] == (0, 0, 255)).all()


def test_what_shows_through_is_covered_too() -> None:
    pixels = np.zeros((60, 80, 4), np.uint8)
    pixels[20:40, 30:50] = (200, 0, 0, 255)
    made = redacted(pixels, [region_of_box(30, 20, 20, 20)], Style(way="fill"))
    assert (made[..., 3] == 0).all()


def test_the_outline_of_a_mark_is_not_left_standing() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[20:40, 30:34] = mask[36:40, 30:50] = 255
    region = region_of_mask(mask)
    areas = [
        np.count_nonzero(covered_mask((60, 80), [region], Style(cover=cover)))
        for cover in ("mask", "hull", "box")
    ]
    assert areas == sorted(areas)
    assert areas[0] < areas[1] < areas[2]


@pytest.mark.parametrize(
    "settings",
    [
        {"way": "erase"}, {"margin": -0.1}, {"margin": 1e308}, {"least_cell": 1}, {"cover": "all"},
        {"method": "best"}, {"way": "fill", "colour": (0, 0, 256)}, {"way": "replace"},
        {"picture": STAMP}, {"blur": float("nan")},
        {"way": "replace", "picture": np.zeros((4, 4), np.uint8)},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        Style(**settings)
