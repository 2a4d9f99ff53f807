from __future__ import annotations

import numpy as np
import pytest
from support.drawings import BLACK, BLUE, RED, WHITE, awkward, badge, disc, five_rings, lockup

from likemark.augment.letters import LETTER_SHARE, remove_text, text_labels
from likemark.augment.pixels import contrast
from likemark.augment.segments import Segments, find_segments
from likemark.augment.text import PLACES, add_text, invented_word

CLEAR = (0, 0, 0, 0)


def letters_of(pixels: np.ndarray) -> Segments:
    return find_segments(pixels, min_share=LETTER_SHARE)


def test_invented_words_are_letters_and_hardly_ever_the_same():
    words = [invented_word(np.random.default_rng(seed)) for seed in range(200)]
    assert len(set(words)) > 180
    assert all(word.isalpha() and 4 <= len(word) <= 14 for word in words)
    assert invented_word(np.random.default_rng(7)) == words[7]


@pytest.mark.parametrize("ground", [WHITE, BLACK, CLEAR])
@pytest.mark.parametrize("place", PLACES)
def test_a_word_is_added_in_its_place(place, ground):
    pixels = disc(ground)
    result = add_text(pixels, find_segments(pixels), "Tirono", place=place)
    grown = result.shape[0] > 120, result.shape[1] > 120
    assert {"below": grown[0], "beside": grown[1], "over": grown == (False, False)}[place]
    assert result.shape[2] == pixels.shape[2]
    np.testing.assert_array_equal(result[0, 0], pixels[0, 0])
    if place != "over":
        assert find_segments(result, min_share=0).ink > 1.05 * find_segments(pixels).ink
    else:
        assert (result[50:70] != pixels[50:70]).any(axis=2).mean() > 0.05


def test_the_mark_itself_stays_as_it_was_above_its_word():
    pixels = badge()
    result = add_text(pixels, find_segments(pixels), "Zia", place="below")
    left = (result.shape[1] - 120) // 2
    np.testing.assert_array_equal(result[:110, left : left + 120], pixels[:110])


def test_a_word_takes_the_marks_ink_where_that_is_seen_and_the_given_one_always():
    blue = add_text(disc(WHITE, BLUE), find_segments(disc(WHITE, BLUE)), "MMMM", place="beside")
    assert contrast(tuple(blue[:, 140:].reshape(-1, 3).min(axis=0).tolist()), BLUE) <= 4
    pale = disc(WHITE, (240, 240, 230))
    black = add_text(pale, find_segments(pale), "MMMM", place="beside")
    assert black[:, 140:].min() < 10
    red = add_text(disc(), find_segments(disc()), "MMMM", place="below", ink=RED)
    assert red[122:, :, 0].min() >= RED[0]


@pytest.mark.parametrize("name", awkward())
@pytest.mark.parametrize("place", PLACES)
def test_any_picture_takes_a_word(name: str, place):
    pixels = awkward()[name]
    result = add_text(pixels, find_segments(pixels), "kraseo", place=place)
    assert result.dtype == np.uint8
    assert result.shape[2] == pixels.shape[2]


@pytest.mark.parametrize("text", ["Brandio", "HALVERT", "minikel"])
@pytest.mark.parametrize("ground", [WHITE, CLEAR])
def test_a_word_is_taken_out_and_the_device_stays(text: str, ground):
    pixels = lockup(text, ground)
    result = remove_text(pixels, letters_of(pixels))
    assert result is not None
    np.testing.assert_array_equal(result[:92], pixels[:92])
    page = result[98:].astype(int) - np.array(ground)
    assert np.abs(page).max() <= 12


def test_text_over_a_plate_leaves_the_plate():
    pixels = disc(WHITE, BLUE)
    pixels = add_text(pixels, find_segments(pixels), "voran", place="over", ink=WHITE)
    # White letters on blue on white are ground, as far as px tell; yellow ones are parts.
    assert remove_text(pixels, letters_of(pixels)) is None
    pixels = add_text(
        disc(WHITE, BLUE),
        find_segments(disc(WHITE, BLUE)),
        "voran",
        place="over",
        ink=(250, 220, 0),
    )
    result = remove_text(pixels, letters_of(pixels))
    assert result is not None
    assert np.abs(result.astype(int) - disc(WHITE, BLUE))[40:80, 30:90].max() <= 16


@pytest.mark.parametrize("name", [*awkward()][:-1])
def test_what_has_no_words_loses_none(name: str):
    pixels = awkward()[name]
    assert remove_text(pixels, letters_of(pixels)) is None


def test_rows_of_equal_shapes_are_no_text():
    assert text_labels(letters_of(five_rings())) == ()
    bars = np.full((60, 200, 3), 255, np.uint8)
    for place in range(6):
        bars[20:40, 20 + 26 * place : 32 + 26 * place] = 0
    assert text_labels(letters_of(bars)) == ()


def test_a_wordmark_alone_has_nothing_left_without_its_word():
    pixels = lockup()[95:]
    assert remove_text(pixels, letters_of(pixels)) is None
