"""PictureLimits, Crop and Request refuse nonsense when they are made."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Request


def test_defaults_are_those_of_the_documentation() -> None:
    limits = PictureLimits()
    assert limits.max_megapixels == 100
    assert limits.max_pixels == 100_000_000
    assert limits.max_bytes == 64 * 1024 * 1024
    assert limits.check_extension


@pytest.mark.parametrize(
    "wrong",
    [
        {"max_megapixels": 0},
        {"max_megapixels": float("nan")},
        {"max_megapixels": float("inf")},
        {"max_bytes": -1},
        {"seconds": 0.0},
        {"memory_mib": 16},
    ],
)
def test_a_limit_that_cannot_be_used_is_named_with_its_value(wrong: dict[str, Any]) -> None:
    field, value = next(iter(wrong.items()))
    with pytest.raises(InvalidInput, match=f"{field} is {value}"):
        PictureLimits(**wrong)


@pytest.mark.parametrize("value", [PictureLimits(), Crop(0, 0, 1, 1), Request("a")])
def test_values_cannot_be_changed(value: Any) -> None:
    field = dataclasses.fields(value)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(value, field, 5)
    assert not hasattr(value, "__dict__")


@pytest.mark.parametrize("text", ["1,2,30,40", " 1, 2 ,30 , 40 "])
def test_a_crop_is_read_from_a_command_line(text: str) -> None:
    assert Crop.parse(text) == Crop(1, 2, 30, 40)


def test_a_crop_may_start_outside_the_picture() -> None:
    assert Crop.parse("-5,-6,10,10") == Crop(-5, -6, 10, 10)


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "1,2,3,4,5", "a,b,c,d", "1.5,2,3,4", "1,2,0,4", "1,2,3,-4", "1;2;3;4"]
)
def test_a_crop_of_nonsense_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="crop"):
        Crop.parse(text)


def test_a_crop_of_absurd_numbers_is_refused() -> None:
    with pytest.raises(InvalidInput, match="whole numbers"):
        Crop.parse("1,2,3," + "9" * 5000)
