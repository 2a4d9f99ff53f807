from __future__ import annotations

import numpy as np
import pytest
from PIL import Image
from support.corpus import draw_mark

from likemark.benchmarks.encoders import Pixels, Rows
from likemark.benchmarks.rivals.descriptor import DescriptorEncoder
from likemark.benchmarks.rivals.hashes import SIZE, dhash, phash, signed
from likemark.benchmarks.rivals.hog import hog
from likemark.db.errors import InvalidInput
from likemark.retrieval.pictures.normalise import prepared
from likemark.retrieval.shape import BINS, DIMENSION, cell_histograms, gradients
from likemark.retrieval.shape import SIZE as WINDOW

ENCODERS = [phash, dhash, hog]


def rows_of(encoder: DescriptorEncoder, pictures: list[Pixels]) -> Rows:
    return np.stack(list(encoder.encode(pictures)))


def recoloured(pixels: Pixels) -> Pixels:
    """Its dark parts dark blue, its light parts cream."""
    grey = np.asarray(Image.fromarray(pixels).convert("L"), np.float32)[..., None] / 255
    mixed = (1 - grey) * np.array([20, 20, 110]) + grey * np.array([250, 245, 225])
    return mixed.round().astype(np.uint8)


@pytest.mark.parametrize("load", ENCODERS)
def test_rows_are_float32_of_length_1_in_the_order_of_the_pictures(load, marks):
    encoder = load()
    rows = rows_of(encoder, marks)
    assert rows.shape == (len(marks), encoder.dimension)
    assert rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    for number in (0, 7, 29):
        assert np.array_equal(rows[number], next(encoder.encode([marks[number]])))


@pytest.mark.parametrize("load", ENCODERS)
def test_a_recoloured_copy_is_nearer_than_every_other_mark(load):
    drawn = [np.asarray(draw_mark(number)) for number in range(1, 25)]
    encoder = load()
    copies = rows_of(encoder, [recoloured(pixels) for pixels in drawn])
    assert np.array_equal(
        (copies @ rows_of(encoder, drawn).T).argmax(axis=1), np.arange(len(drawn))
    )


@pytest.mark.parametrize("load", ENCODERS)
def test_empty_space_around_a_mark_changes_nothing(load, marks):
    encoder = load()
    mark = np.asarray(draw_mark(3))
    wide = np.pad(mark, ((40, 10), (5, 90), (0, 0)), constant_values=255)
    plain, padded = rows_of(encoder, [mark, wide])
    assert np.array_equal(plain, padded)


@pytest.mark.parametrize("load", ENCODERS)
def test_a_transparent_picture_counts_as_what_one_sees(load):
    mark = np.asarray(draw_mark(5))
    clear = (mark == 255).all(axis=2)
    rgba = np.dstack([mark, np.where(clear, 0, 255).astype(np.uint8)])
    seen, transparent = rows_of(load(), [mark, rgba])
    assert float(seen @ transparent) > 0.999


def test_the_inner_product_of_signed_bits_is_hammings_exactly():
    rng = np.random.default_rng(0)
    first, second = rng.random((2, 200, 8, 8)) < 0.5
    for a, b in zip(first, second, strict=True):
        assert float(signed(a) @ signed(b)) == 1 - 2 * int((a != b).sum()) / 64
    assert float(signed(first[0]) @ signed(~first[0])) == -1


@pytest.mark.parametrize(("load", "name"), [(phash, "phash"), (dhash, "dhash")])
def test_hash_rows_order_as_the_packages_own_distance(load, name, marks):
    import imagehash

    rows = rows_of(load(), marks)
    images = [Image.fromarray(prepared(pixels, SIZE)) for pixels in marks]
    hashes = [{"phash": imagehash.phash, "dhash": imagehash.dhash}[name](i) for i in images]
    distances = np.array([[a - b for b in hashes] for a in hashes])
    assert np.array_equal(rows @ rows.T, 1 - 2 * distances / 64)


def test_each_recipe_has_its_own_fingerprint():
    prints = {load().fingerprint for load in ENCODERS}
    assert len(prints) == 3
    assert all(len(text) == 64 and int(text, 16) >= 0 for text in prints)
    assert phash().fingerprint == phash().fingerprint


def test_hog_gradients_point_along_a_ramp():
    x = np.arange(8, dtype=np.float32)
    ramp = np.repeat((2 * x[None, :] + 0 * x[:, None])[..., None], 3, axis=2)
    size, angle = gradients(ramp)
    assert (size[:, 1:-1] == 4).all()
    assert (angle[:, 1:-1] == 0).all()
    turned, upright = gradients(ramp.transpose(1, 0, 2))
    assert (turned[1:-1] == 4).all()
    np.testing.assert_allclose(upright[1:-1], np.pi / 2, rtol=1e-6)


def test_hog_takes_the_channel_that_changes_most():
    picture = np.zeros((4, 4, 3), np.float32)
    picture[:, 2:, 1] = 1
    picture[2:, :, 2] = 5
    size, angle = gradients(picture)
    assert size[1, 1] == 5
    assert angle[1, 1] == pytest.approx(np.pi / 2)
    assert size[0, 1] == 1


def test_hog_shares_a_gradient_between_the_two_nearest_orientations():
    size = np.zeros((WINDOW, WINDOW), np.float32)
    angle = np.zeros((WINDOW, WINDOW), np.float32)
    size[9, 17] = 2  # cell (1, 2)
    angle[9, 17] = np.pi / BINS * 1.75  # between the middles of the second and the third
    size[0, 0] = 1  # angle 0: halfway between the last and the first
    cells = cell_histograms(size, angle)
    np.testing.assert_allclose(cells[1, 2, :4], [0, 1.5, 0.5, 0], atol=1e-5)
    np.testing.assert_allclose(cells[0, 0, [0, -1]], [0.5, 0.5], atol=1e-5)
    assert float(cells.sum()) == pytest.approx(3)


def test_a_picture_of_one_colour_has_a_row_like_no_mark(marks):
    blank = np.full((50, 60, 3), 200, np.uint8)
    rows = rows_of(hog(), [blank, *marks])
    assert rows[0, DIMENSION - 1] == 1
    assert not (rows[1:] @ rows[0]).any()


def test_a_descriptor_needs_a_size():
    with pytest.raises(InvalidInput, match="1 or more"):
        DescriptorEncoder("x", "x", 0, 4, lambda pixels: np.ones(4, np.float32))
