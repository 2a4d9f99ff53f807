"""Values check themselves; errors are one line and say how to exit."""

from __future__ import annotations

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.db import errors
from likemark.db.errors import InvalidInput, LikemarkError, PictureError, one_line
from likemark.db.values import Filters


def test_filters_are_active_as_soon_as_one_is_set() -> None:
    assert not Filters().active
    assert Filters(nice=(9,)).active
    assert Filters(owner="x").active


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"nice": (9, 46)}, "Nice class 46: classes go from 1 to 45"),
        ({"nice": (0,)}, "Nice class 0"),
        ({"vienna": ("03.07.17", "star")}, "Vienna code 'star'"),
        (
            {"filed_after": dt.date(2024, 1, 2), "filed_before": dt.date(2024, 1, 1)},
            "no day is both after 2024-01-02 and before 2024-01-01",
        ),
    ],
)
def test_filters_that_cannot_hold_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Filters(**wrong)


def test_one_day_may_be_both_ends() -> None:
    day = dt.date(2024, 1, 1)
    assert Filters(filed_after=day, filed_before=day).active


@given(st.text(max_size=500))
def test_text_from_outside_becomes_one_printable_line(text: str) -> None:
    line = one_line(text)
    assert line.isprintable()
    assert len(line) <= 300


def test_long_text_is_cut_where_the_limit_says() -> None:
    assert one_line("abcdef", limit=4) == "abc…"
    assert one_line("abcd", limit=4) == "abcd"


def test_a_refused_picture_is_named_with_its_reason_on_one_line() -> None:
    error = PictureError("logos/\x1b[31m\nred.png", "truncated")
    assert str(error) == "logos/ [31m red.png: truncated: the file ends too early"
    assert PictureError("a", "damaged", "bad\ntable").detail == "bad table"


def test_the_docstring_is_the_whole_exception_tree() -> None:
    kinds = {
        value for value in vars(errors).values()
        if isinstance(value, type) and issubclass(value, LikemarkError)
    }  # fmt: skip
    assert errors.__doc__ is not None
    drawn = [line for line in errors.__doc__.splitlines() if "──" in line or "Base" in line]
    assert {kind.__name__ for kind in kinds} == {
        "LikemarkError", *(line.split("── ")[1].split()[0] for line in drawn)
    }  # fmt: skip
    assert {kind.exit_code for kind in kinds} == {1, 2, 3}
