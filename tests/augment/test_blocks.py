"""Blocks of a layout: devices and word lines part at wide gaps, the letters of a word never do."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from likemark.augment.blocks import Box, Cuts, cut_blocks, find_blocks
from likemark.augment.pixels import Colour, Pixels
from likemark.augment.words import drawn_word

INK: Colour = (20, 60, 140)


def page(width: int, height: int, colour: Colour = (255, 255, 255)) -> Pixels:
    return np.full((height, width, 3), colour, np.uint8)


def disc(pixels: Pixels, x: int, y: int, radius: int, ink: Colour = INK) -> Pixels:
    cv2.circle(pixels, (x, y), radius, ink, -1)
    return pixels


def word(text: str, font: int = 2, height: int = 30) -> Pixels:
    plane = drawn_word(text, font, 4)
    width = round(plane.shape[1] * height / plane.shape[0])
    small = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
    return np.repeat(255 - np.pad(small, 6)[..., None], 3, axis=2).astype(np.uint8)


def near(found: Box, wanted: Box, within: int = 2) -> bool:
    return bool(np.abs(np.subtract(found, wanted)).max() <= within)


def test_two_devices_side_by_side_are_two_blocks_the_larger_first() -> None:
    pixels = disc(disc(page(160, 90), 40, 45, 30), 115, 45, 36)
    large, small = find_blocks(pixels)
    assert near(large, (79, 9, 73, 73))
    assert near(small, (10, 15, 61, 61))


def test_one_above_the_other_they_are_two_blocks() -> None:
    pixels = disc(disc(page(90, 160), 45, 40, 30), 45, 115, 30)
    assert [box[0] for box in find_blocks(pixels)] == [15, 15]
    assert sorted(box[1] for box in find_blocks(pixels)) == [10, 85]


@pytest.mark.parametrize("blank", [True, False])
def test_a_mark_of_one_block_and_a_blank_page_have_none(blank: bool) -> None:
    pixels = page(120, 120)
    assert find_blocks(pixels if blank else disc(pixels, 60, 60, 40)) == ()


@pytest.mark.parametrize("font", [0, 2, 3, 4, 8])
@pytest.mark.parametrize("text", ["MOKATI", "belorand", "NORD", "Tira Vento"])
def test_the_letters_of_a_word_stay_together(text: str, font: int) -> None:
    assert find_blocks(word(text, font)) == ()


@pytest.mark.parametrize("text", ["MOKATI", "belorand"])
def test_a_device_over_a_word_line_gives_both(text: str) -> None:
    letters = word(text)
    width = letters.shape[1]
    device = disc(page(width, 90), width // 2, 45, 38)
    found = find_blocks(np.vstack([device, letters]))
    assert near(found[0], (width // 2 - 38, 7, 77, 77))
    assert near(found[1], (6, 96, width - 12, 30), within=4)
    assert len(found) == 2


def test_a_device_beside_a_word_line_gives_both() -> None:
    letters = np.pad(word("belorand", height=24), ((26, 26), (0, 0), (0, 0)), constant_values=255)
    device = disc(page(90, len(letters)), 45, 44, 38)
    found = find_blocks(np.hstack([device, letters]))
    assert sorted(near(box, (7, 6, 77, 77)) for box in found) == [False, True]
    assert len(found) == 2


def test_a_small_sign_beside_a_mark_is_no_block() -> None:
    assert find_blocks(disc(disc(page(160, 120), 60, 60, 45), 140, 20, 6)) == ()


def test_a_pattern_of_equal_pieces_holds_together() -> None:
    pixels = page(160, 160)
    for x in range(20, 160, 30):
        for y in range(20, 160, 30):
            disc(pixels, x, y, 9)
    assert find_blocks(pixels) == ()


def test_a_narrow_gap_is_no_cut() -> None:
    assert find_blocks(disc(disc(page(160, 90), 40, 45, 35), 114, 45, 36)) == ()
    assert len(find_blocks(disc(disc(page(170, 90), 40, 45, 35), 121, 45, 36))) == 2


def test_a_large_part_of_a_block_is_one_more_a_small_one_is_not() -> None:
    pixels = disc(page(160, 260), 80, 60, 55)
    pixels[140:250, 10:76] = pixels[140:250, 84:150] = INK
    boxes = find_blocks(pixels)
    assert near(boxes[0], (10, 140, 140, 110))
    assert len(boxes) == 4
    assert len(find_blocks(pixels, cuts=Cuts(nested=0.5))) == 2
    assert find_blocks(pixels, cuts=Cuts(most=3)) == boxes[:3]


def test_a_large_picture_has_its_boxes_in_its_own_px() -> None:
    pixels = disc(disc(page(1600, 900), 400, 450, 300), 1150, 450, 360)
    large, small = find_blocks(pixels)
    assert near(large, (790, 90, 721, 721), within=12)
    assert near(small, (100, 150, 601, 601), within=12)
    assert large[0] + large[2] <= 1600


@pytest.mark.parametrize("size", [(1798, 8994), (899, 4497), (257, 771), (601, 1203)])
def test_boxes_never_end_outside_the_picture(size: tuple[int, int]) -> None:
    height, width = size
    pixels = np.full((height, width, 3), 255, np.uint8)
    pixels[:, :height] = pixels[:, width - height :] = 0
    for left, top, across, down in find_blocks(pixels):
        assert 0 <= left < left + across <= width
        assert 0 <= top < top + down <= height


@pytest.mark.parametrize("ink", [(255, 255, 255), (0, 0, 0)])
def test_on_a_clear_ground_any_ink_counts(ink: Colour) -> None:
    colours = disc(disc(page(160, 90, ink), 40, 45, 30, ink), 115, 45, 36, ink)
    white = (255, 255, 255)
    cover = disc(disc(page(160, 90, (0, 0, 0)), 40, 45, 30, white), 115, 45, 36, white)
    assert len(find_blocks(np.dstack([colours, cover[..., :1]]))) == 2


def test_on_a_dark_ground_light_ink_counts() -> None:
    pixels = disc(page(160, 90, (20, 20, 30)), 40, 45, 30, (240, 240, 240))
    assert len(find_blocks(disc(pixels, 115, 45, 36, (250, 190, 40)))) == 2


def test_a_block_is_cut_out_with_the_ground_of_the_whole_mark() -> None:
    pixels = page(160, 90, (20, 20, 30))
    pixels[10:80, 10:70] = pixels[10:80, 90:150] = (250, 190, 40)
    first, _ = find_blocks(pixels)
    (cut,) = cut_blocks(pixels, [first])
    assert cut.shape == (74, 64, 3)
    assert (cut[0] == (20, 20, 30)).all()
    assert (cut[2:-2, 2:-2] == (250, 190, 40)).all()


def test_on_a_clear_ground_a_block_is_cut_out_clear() -> None:
    pixels = np.zeros((90, 160, 4), np.uint8)
    pixels[10:80, 10:70] = pixels[10:80, 90:150] = (255, 255, 255, 255)
    cut = cut_blocks(pixels, find_blocks(pixels))[0]
    assert not cut[:2, :, 3].any()
    assert (cut[2:-2, 2:-2] == 255).all()


@pytest.mark.parametrize("bad", [{"gap": 0}, {"area": 1.5}, {"most": 1}])
def test_senseless_thresholds_are_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="shares must be"):
        Cuts(**bad)  # type: ignore[arg-type]
