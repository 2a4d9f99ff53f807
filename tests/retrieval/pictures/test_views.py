from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.normalise import prepared, spread
from likemark.retrieval.pictures.picture import Crop, Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.pictures.views import EIGHTHS, halves, turned_by_eighths

LIMITS = PictureLimits()


def pair(*, left: int = 40, top: int = 30) -> np.ndarray:
    """A red square and a blue one that touch, 80 px each, on white."""
    pixels = np.full((200, 300, 3), 255, np.uint8)
    pixels[top : top + 80, left : left + 80] = (200, 0, 0)
    pixels[top : top + 80, left + 80 : left + 160] = (0, 0, 200)
    return pixels


def test_halves_are_of_what_a_picture_shows() -> None:
    pixels = pair()
    pixels[70:75, 40:200] = 255  # so that no half is of one colour
    boxes = [box.box for box, _ in halves(pixels)]
    assert boxes[:3] == [(40, 30, 80, 80), (80, 30, 80, 80), (120, 30, 80, 80)]
    assert boxes[3:] == [(40, 30, 160, 40), (40, 50, 160, 40), (40, 70, 160, 40)]
    for box, part in halves(pixels):
        x, y, width, height = box.box
        assert np.array_equal(part, pixels[y : y + height, x : x + width])


def test_a_half_of_one_colour_is_left_out() -> None:
    assert [box.box for box, _ in halves(pair())][:1] == [(80, 30, 80, 80)]
    assert len(list(halves(pair()))) == 4


@pytest.mark.parametrize("side", [47, 48, 49, 50, 51])
def test_halves_lie_in_the_picture_whatever_its_sides(side: int) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (side, side + 20, 3), np.uint8)
    found = list(halves(pixels))
    assert len(found) == 6
    for box, part in found:
        assert part.shape == (box.height, box.width, 3)
        assert box.x + box.width <= side + 20
        assert box.y + box.height <= side
    edges = [[(box.x, box.x + box.width) for box, _ in found[:3]][n] for n in (0, 2)]
    assert (edges[0][0], edges[1][1]) == (0, side + 20)


def test_the_channel_that_is_spread_most_counts() -> None:
    pixels = np.full((30, 50, 3), 100, np.uint8)
    pixels[7, 3] = (90, 100, 255)
    pixels[29, 49, 2] = 5
    assert spread(pixels) == 250
    assert spread(pixels[:5]) == 0


@pytest.mark.parametrize("shape", [(1, 1), (5, 5), (1, 300), (9, 12)])
def test_what_is_too_small_has_no_halves(shape: tuple[int, int]) -> None:
    rng = np.random.default_rng(0)
    found = halves(rng.integers(0, 256, (*shape, 3), np.uint8))
    assert all(min(box.width, box.height) >= 8 for box, _ in found)


def test_what_shows_through_is_no_part_of_a_half() -> None:
    clear = np.zeros((200, 300, 4), np.uint8)
    clear[30:110, 40:200, :3] = pair()[30:110, 40:200]
    clear[30:110, 40:200, 3] = 255
    assert [box.box for box, _ in halves(clear)] == [box.box for box, _ in halves(pair())]


def test_eighths_are_turned_counter_clockwise_with_nothing_cut_off() -> None:
    pixels = pair()
    found = turned_by_eighths(pixels)
    assert len(found) == len(EIGHTHS)
    red = [np.argwhere((each[..., 0] > 150) & (each[..., 2] < 80)).mean(axis=0) for each in found]
    blue = [np.argwhere((each[..., 2] > 150) & (each[..., 0] < 80)).mean(axis=0) for each in found]
    for degrees, one, two in zip(EIGHTHS, red, blue, strict=True):
        down, across = two - one  # upright: to the right
        assert np.degrees(np.arctan2(-down, across)) % 360 == pytest.approx(degrees, abs=1)
    inked = [(each < 250).any(axis=2).sum() for each in found]
    assert max(inked) / min(inked) < 1.02
    for each in found:
        assert (each[[0, -1]] == 255).all()
        assert (each[:, [0, -1]] == 255).all()


def test_what_stands_on_no_one_colour_is_not_turned_by_eighths() -> None:
    noise = np.random.default_rng(0).integers(0, 256, (60, 80, 3), np.uint8)
    assert turned_by_eighths(noise) == []


def test_views_for_which_memory_is_short_are_left_out_and_the_others_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(pixels: np.ndarray) -> list[np.ndarray]:
        raise MemoryError

    monkeypatch.setattr("likemark.retrieval.pictures.views.turned_by_eighths", fail)
    buffer = io.BytesIO()
    Image.fromarray(pair()).save(buffer, "PNG")
    request = Request("one", buffer.getvalue(), halves=True, eighths=True)
    found = decode(request, size=64, limits=LIMITS)
    assert (len(found.halves), len(found.eighths)) == (4, 0)


def test_a_decoding_process_gives_the_same_views(tmp_path: Path) -> None:
    pixels = pair()
    pixels[70:75, 40:200] = 255
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    requests = [
        Request("one", buffer.getvalue(), blocks=True, halves=True, eighths=True),
        Request("two", buffer.getvalue(), Crop(20, 10, 250, 150), halves=True),
        Request("three", buffer.getvalue()),
    ]
    own = [decode(request, size=64, limits=LIMITS) for request in requests]
    with DecoderPool(size=64, limits=LIMITS, workers=1) as pool:
        theirs = list(pool.map(requests))
    assert [(len(each.halves), len(each.eighths)) for each in own] == [(6, 4), (6, 0), (0, 0)]
    assert [half.box for half in own[0].halves] == [half.box for half in own[1].halves]
    assert np.array_equal(own[0].eighths[0], prepared(turned_by_eighths(pixels)[0], 64))
    for one, two in zip(own, theirs, strict=True):
        assert isinstance(two, Picture)
        assert np.array_equal(one.pixels, two.pixels)
        assert len(one.eighths) == len(two.eighths)
        assert all(map(np.array_equal, one.eighths, two.eighths))
        for ours, other in zip((*one.blocks, *one.halves), (*two.blocks, *two.halves), strict=True):
            assert ours.box == other.box
            assert np.array_equal(ours.pixels, other.pixels)
