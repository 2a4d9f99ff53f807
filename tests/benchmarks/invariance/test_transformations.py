from __future__ import annotations

import numpy as np
import pytest
from support.drawings import Pixels, awkward, badge, disc, five_rings, lockup

from likemark.augment.pixels import lay
from likemark.augment.segments import find_segments
from likemark.benchmarks.invariance.suite import TRANSFORMATIONS, select
from likemark.benchmarks.invariance.transformations import (
    Subject,
    Transformation,
    apply,
    generator,
    transformation,
)
from likemark.db.errors import InvalidInput

ALWAYS = {
    "rotation_15", "rotation_90", "rotation_180", "rotation_free", "mirror", "stretched",
    "text_added", "composite", "jpeg_10", "thumbnail_32", "scanned", "inversion",
}  # fmt: skip
EACH = pytest.mark.parametrize("name", TRANSFORMATIONS)


def view(
    name: str, pixels: Pixels, *, picture: str = "a", companion: Pixels | None = None
) -> Pixels | None:
    subject = Subject.of(pixels, disc() if companion is None else companion)
    return apply(TRANSFORMATIONS[name], subject, picture)


def made(name: str, pixels: Pixels, *, picture: str = "a") -> Pixels:
    """A view that must be there."""
    result = view(name, pixels, picture=picture)
    assert result is not None, name
    return result


@pytest.mark.parametrize("picture", awkward())
def test_every_picture_gives_a_picture_or_is_left_out(picture: str):
    pixels = awkward()[picture]
    before, subject = pixels.copy(), Subject.of(pixels, disc())
    for name, way in TRANSFORMATIONS.items():
        result = apply(way, subject, picture)
        np.testing.assert_array_equal(pixels, before, err_msg=name)
        if result is None:
            assert name not in ALWAYS
            continue
        assert result.dtype == np.uint8, name
        assert result.ndim == 3, name
        assert result.shape[2] in (3, 4), name
        assert result.size > 0, name


@EACH
def test_a_mark_of_several_parts_and_a_word_goes_through_everything(name: str):
    result = view(name, lockup())
    assert result is not None or name == "transparent_dark"
    if result is not None:
        assert not np.array_equal(result, lockup())


def test_a_view_depends_on_the_pictures_id_and_on_nothing_made_before():
    subject = Subject.of(badge(), disc())
    forth = {name: apply(way, subject, "one") for name, way in TRANSFORMATIONS.items()}
    for name in reversed(TRANSFORMATIONS):
        again = view(name, badge(), picture="one")
        assert (forth[name] is None) == (again is None), name
        if again is not None:
            np.testing.assert_array_equal(forth[name], again, err_msg=name)


@pytest.mark.parametrize("name", ["recolour", "crop_25", "scanned", "rotation_free", "plate"])
def test_random_views_vary_from_picture_to_picture(name: str):
    views = [view(name, badge(), picture=str(number)) for number in range(6)]
    sizes = {None if one is None else one.tobytes() for one in views}
    assert len(sizes) >= 3


def test_seeds_are_those_of_the_name_and_the_id():
    draws = {generator(*key).integers(2**60) for key in [("a", "b"), ("a", "c"), ("b", "b")]}
    assert len(draws) == 3
    assert generator("a", "b").integers(1000) == generator("a", "b").integers(1000)


def test_rotations_turn_by_what_they_say():
    pixels = badge()
    assert np.array_equal(made("rotation_180", pixels), pixels[::-1, ::-1])
    quarter = made("rotation_90", pixels)
    assert any(np.array_equal(quarter, np.rot90(pixels, turns)) for turns in (1, 3))
    side = 120 * (np.cos(np.radians(15)) + np.sin(np.radians(15)))
    assert made("rotation_15", pixels).shape[0] == pytest.approx(side, abs=1.5)


@pytest.mark.parametrize("picture", [str(number) for number in range(12)])
def test_removing_parts_leaves_most_of_the_ink_and_fewer_parts(picture: str):
    pixels = five_rings()
    result = made("segments_removed", pixels, picture=picture)
    before, after = find_segments(pixels), find_segments(result)
    assert 2 <= len(after) < 5
    assert after.ink >= 0.39 * before.ink


@pytest.mark.parametrize("picture", [str(number) for number in range(6)])
@pytest.mark.parametrize("name", ["segments_changed", "segments_rotated"])
def test_changing_some_parts_leaves_at_least_one_as_it_was(name: str, picture: str):
    pixels = badge()
    result = made(name, pixels, picture=picture)
    segments = find_segments(pixels)
    assert result.shape == pixels.shape or name == "segments_rotated"
    if result.shape == pixels.shape:
        kept = [
            np.array_equal(result[segments.labels == label], pixels[segments.labels == label])
            or (np.abs(result.astype(int) - pixels)[segments.labels == label] > 8).mean() < 0.1
            for label in range(1, 5)
        ]
        assert any(kept)
        assert not np.array_equal(result, pixels)


@pytest.mark.parametrize("name", ["segments_changed", "segments_removed", "segments_rotated"])
def test_a_mark_of_one_part_has_none_to_spare(name: str):
    assert view(name, disc()) is None


def test_a_composite_needs_a_companion():
    subject = Subject.of(badge())
    assert apply(TRANSFORMATIONS["composite"], subject, "a") is None


def test_a_cut_out_mark_is_the_same_mark():
    cut = made("transparent", badge())
    assert cut.shape == (120, 120, 4)
    assert cut[0, 0, 3] == 0
    assert np.abs(lay(cut, (255, 255, 255)).astype(int) - badge()).max() <= 8
    light, dark = made("transparent_light", disc()), made("transparent_dark", disc())
    assert light[0, 0].min() > 200
    assert dark[0, 0].max() < 40


def test_white_ink_on_clear_ground_survives_compression_and_scanning():
    pixels = disc((0, 0, 0, 0), (255, 255, 255))
    for name in ("jpeg_10", "scanned"):
        assert np.ptp(made(name, pixels)) > 120


def test_names_are_chosen_in_their_order_and_unknown_ones_refused():
    assert [way.name for way in select(("mirror", "plate"))] == ["mirror", "plate"]
    assert len(select(())) == len(TRANSFORMATIONS) == 24
    with pytest.raises(InvalidInput, match=r"no transformation is named 'spin': choose from .*mir"):
        select(("spin",))


def test_a_name_is_registered_once_and_described():
    ways: dict[str, Transformation] = {}
    enter = transformation(ways, "same", "as it was")
    enter(lambda subject, rng: subject.pixels)
    assert ways["same"].description == "as it was"
    with pytest.raises(InvalidInput, match="'same' is there already"):
        enter(lambda subject, rng: None)
    with pytest.raises(InvalidInput, match="needs a name"):
        Transformation("two words", "x", lambda subject, rng: None)


def test_segments_of_another_picture_are_refused():
    with pytest.raises(InvalidInput, match="not of one mark"):
        Subject(badge(), find_segments(five_rings()))
