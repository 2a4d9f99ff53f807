from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter
from support.drawings import (
    BLACK,
    BLUE,
    GREEN,
    RED,
    RINGS,
    WHITE,
    awkward,
    badge,
    disc,
    drawn,
    five_rings,
    gradient_disc,
    noise,
)

from likemark.augment.capture import jpeg
from likemark.augment.crisp import sharpen
from likemark.augment.pixels import contrast, to_planes
from likemark.augment.regions import joined
from likemark.augment.segments import Segments, find_segments

CLEAR = (0, 0, 0, 0)


def by_colour(segments: Segments, colour: tuple[int, int, int]) -> int:
    """The label whose mean colour is closest."""
    labels = range(1, len(segments) + 1)
    return min(labels, key=lambda label: contrast(segments.colour(label), colour))


@pytest.mark.parametrize("ground", [WHITE, CLEAR, BLACK, (120, 130, 140)])
def test_a_disc_with_a_smooth_edge_is_one_segment(ground: tuple[int, ...]):
    segments = find_segments(disc(ground))
    assert len(segments) == 1
    assert segments.areas[0] == pytest.approx(np.pi * 40**2, rel=0.02)
    assert contrast(segments.colour(1), RED) <= 2
    assert np.abs(segments.boxes[0] - [20, 20, 101, 101]).max() <= 1


def test_a_disc_with_a_gradient_is_one_segment():
    segments = find_segments(gradient_disc())
    assert len(segments) == 1
    assert segments.areas[0] == pytest.approx(np.pi * 40**2, rel=0.02)


@pytest.mark.parametrize("radius", [0.7, 1.5])
def test_a_blurred_disc_is_one_segment(radius: float):
    blurred = Image.fromarray(disc()).filter(ImageFilter.GaussianBlur(radius))
    assert len(find_segments(np.asarray(blurred))) == 1


@pytest.mark.parametrize("quality", [60, 75, 90])
def test_jpeg_noise_does_not_shatter_a_mark(quality: int):
    assert len(find_segments(jpeg(badge(), quality))) == 4


@pytest.mark.parametrize("ground", [WHITE, CLEAR])
def test_five_rings_are_five_segments_and_their_holes_are_ground(ground: tuple[int, ...]):
    segments = find_segments(five_rings(ground))
    assert len(segments) == 5
    assert {by_colour(segments, colour) for colour in RINGS} == {1, 2, 3, 4, 5}
    assert segments.labels[27, 22] == 0
    assert not segments.parents.any()


@pytest.mark.parametrize("ground", [WHITE, CLEAR])
def test_nested_segments_know_what_holds_them(ground: tuple[int, ...]):
    segments = find_segments(badge(ground))
    plate, ring, square, bar = (by_colour(segments, c) for c in (BLUE, GREEN, RED, BLACK))
    assert len(segments) == 4
    assert segments.parents[[plate - 1, ring - 1, square - 1, bar - 1]].tolist() == [
        0, plate, ring, 0,
    ]  # fmt: skip
    assert plate == 1


def test_areas_boxes_and_colours_are_those_of_the_label_map():
    segments = find_segments(badge())
    for label in range(1, len(segments) + 1):
        rows, columns = np.nonzero(segments.labels == label)
        left, top, right, bottom = segments.boxes[label - 1]
        assert (left, top, right, bottom) == (
            columns.min(), rows.min(), columns.max() + 1, rows.max() + 1,
        )  # fmt: skip
        assert segments.areas[label - 1] == len(rows)
    assert segments.ink == (segments.labels > 0).sum()
    assert segments.labels.dtype == np.int32


def test_thin_strokes_hold_together():
    def draw(pen, f):
        pen.line((15 * f, 20 * f, 105 * f, 95 * f), fill=BLACK, width=int(1.6 * f))
        pen.arc((20 * f, 20 * f, 100 * f, 100 * f), 100, 200, fill=RED, width=int(2 * f))

    segments = find_segments(drawn(draw))
    assert len(segments) == 2


def test_specks_belong_to_what_they_lie_on():
    pixels = badge().copy()
    pixels[88:90, 60:62] = WHITE  # in the plate
    pixels[4:6, 4:6] = BLACK  # on the ground
    pixels[65:67, 58:60] = (40, 90, 120)  # in the disc
    segments = find_segments(pixels)
    assert len(segments) == 4
    assert segments.labels[5, 5] == 0
    assert segments.labels[65, 58] == by_colour(segments, GREEN)


def test_a_smaller_share_finds_smaller_segments():
    pixels = badge().copy()
    pixels[3:6, 3:6] = BLACK
    assert len(find_segments(pixels, min_share=0.0005)) == 5
    with pytest.raises(ValueError, match="min_share 1 must be"):
        find_segments(pixels, min_share=1)


@pytest.mark.parametrize("name", awkward())
def test_any_picture_is_taken_apart_and_put_together_again(name: str):
    pixels = awkward()[name]
    segments = find_segments(pixels)
    assert segments.labels.shape == pixels.shape[:2]
    assert np.array_equal(np.unique(segments.labels)[-1:], [len(segments)])
    mixed = segments.matte.mixed(segments.matte.solid)
    if name not in ("noise", "tiny", "a line", "a tall line", "photo"):
        assert np.abs(mixed - to_planes(pixels)).mean() < 1


def test_the_same_picture_gives_the_same_segments():
    one, other = find_segments(noise()), find_segments(noise())
    assert np.array_equal(one.labels, other.labels)
    assert np.array_equal(one.parents, other.parents)


def test_a_matte_says_how_much_of_an_edge_px_is_ink():
    pixels = disc(WHITE, BLACK)
    segments = find_segments(pixels)
    cover = segments.matte.cover(segments.labels > 0)
    assert np.abs(cover - (1 - pixels[..., 0] / 255.0)).max() < 0.02


def test_sharpening_leaves_two_colours_of_a_disc_and_all_of_a_gradient():
    crisp = sharpen(to_planes(disc(WHITE, BLACK)))
    assert set(np.unique(crisp)) == {0, 255}
    ramp = np.repeat(np.arange(0, 240, 4, dtype=np.float32)[None, :, None], 20, axis=0)
    ramp = np.repeat(ramp, 3, axis=2)
    np.testing.assert_array_equal(sharpen(ramp), ramp)


def test_joined_follows_links_through_others():
    root = joined(7, np.array([[5, 4], [4, 2], [6, 1], [2, 5]]))
    assert root.tolist() == [0, 1, 2, 3, 2, 2, 1]


def test_noise_falls_into_a_bounded_number_of_segments():
    segments = find_segments(np.repeat(np.repeat(noise(), 4, axis=0), 4, axis=1), min_share=0)
    assert 400 <= len(segments) <= 500
