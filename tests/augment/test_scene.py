from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, RED, WHITE, awkward, badge, disc, five_rings, photo

from likemark.augment.pixels import contrast, stands_out
from likemark.augment.scene import PLATES, beside, keyed, on_page, plate, visible_share
from likemark.augment.segments import find_segments

CLEAR = (0, 0, 0, 0)
DARK, LIGHT = (22, 24, 30), (244, 243, 238)


def test_a_page_takes_the_place_of_the_ground():
    result = on_page(disc(), find_segments(disc()), DARK)
    assert result is not None
    assert result[0, 0].tolist() == list(DARK)
    assert result[60, 60].tolist() == list(RED)


@pytest.mark.parametrize(
    ("ink", "page"),
    [(BLACK, DARK), ((15, 22, 137), DARK), (WHITE, LIGHT), ((250, 250, 190), LIGHT)],
)
def test_ink_that_would_vanish_on_a_page_is_not_laid_there(ink, page):
    pixels = disc(CLEAR, ink)
    assert visible_share(find_segments(pixels), page) == 0
    assert on_page(pixels, find_segments(pixels), page) is None


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("ground", [WHITE, CLEAR])
def test_a_plate_is_of_one_colour_that_the_ink_stands_out_from(seed: int, ground):
    pixels = disc(ground)
    segments = find_segments(pixels)
    result = plate(pixels, segments, np.random.default_rng(seed))
    assert result is not None
    assert result[0, 0].tolist() == list(WHITE)
    middle = result[result.shape[0] // 2]
    edge = next(px for px in middle.tolist() if tuple(px) in PLATES)
    assert stands_out(tuple(edge), RED)
    assert middle[result.shape[1] // 2].tolist() == list(RED)


def test_plates_are_rounded_or_round_and_their_colours_vary():
    pixels, segments = disc(), find_segments(disc())
    results = [plate(pixels, segments, np.random.default_rng(seed)) for seed in range(12)]
    colours = {tuple(r[len(r) // 2, r.shape[1] // 8].tolist()) for r in results if r is not None}
    assert len(colours & set(PLATES)) >= 4


def test_a_mark_that_vanishes_on_every_plate_gets_none():
    pixels = disc()
    assert plate(pixels, find_segments(pixels), np.random.default_rng(0), colours=(RED,)) is None
    flat = np.full((20, 20, 3), 9, np.uint8)
    assert plate(flat, find_segments(flat), np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", range(8))
def test_a_composite_shows_both_marks_whole_when_they_do_not_overlap(seed: int):
    pixels = disc()
    other = five_rings(CLEAR)
    result = beside(pixels, find_segments(pixels), other, np.random.default_rng(seed))
    segments = find_segments(result, min_share=0.0005)
    assert len(segments) == 6
    reds = [
        int(segments.areas[k - 1]) for k in range(1, 7) if contrast(segments.colour(k), RED) < 8
    ]
    assert max(reds) == pytest.approx(find_segments(pixels).ink, rel=0.03)


@pytest.mark.parametrize("seed", range(6))
def test_an_overlapping_composite_hides_part_of_the_mark(seed: int):
    pixels = disc()
    result = beside(
        pixels, find_segments(pixels), disc(CLEAR, BLUE), np.random.default_rng(seed), overlap=0.3
    )
    red = (np.abs(result.astype(int) - RED).max(axis=2) < 30).sum()
    whole = find_segments(pixels).ink
    assert 0.6 * whole < red < 0.99 * whole


def test_overlaps_beyond_a_half_are_refused():
    with pytest.raises(ValueError, match=r"overlap 0\.6 must be"):
        beside(disc(), find_segments(disc()), disc(), np.random.default_rng(0), overlap=0.6)


@pytest.mark.parametrize("name", awkward())
def test_any_picture_makes_a_composite(name: str):
    pixels = awkward()[name]
    for one, other in ((pixels, badge()), (badge(), pixels)):
        result = beside(one, find_segments(one), other, np.random.default_rng(0))
        assert result.ndim == 3
        assert result.shape[2] == 3
        assert result.dtype == np.uint8


def test_a_second_mark_keeps_its_ground_only_where_it_needs_it():
    assert (keyed(disc(), WHITE)[..., 3] == 0).any()
    on_dark = keyed(disc(BLACK, WHITE), WHITE)
    assert on_dark[..., 3].min() == 255
    assert on_dark[0, 0].tolist() == [0, 0, 0, 255]
    clear = keyed(disc(CLEAR, WHITE), WHITE)
    assert contrast(tuple(clear[0, 0, :3].tolist()), WHITE) > 200
    assert keyed(photo(), WHITE).shape[2] == 4
