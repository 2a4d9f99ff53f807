"""Nice classes, Vienna codes and dates are read in every way that sources write them."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.db.codes import parse_date, parse_nice, parse_vienna, vienna_prefix
from likemark.db.errors import InvalidInput


@pytest.mark.parametrize("text", ["9", "09", "009", " 9 ", "IC 9", "ic009", "NCL 9", "Class 9"])
def test_one_nice_class_has_many_spellings(text: str) -> None:
    assert parse_nice(text) == 9


@pytest.mark.parametrize("text", ["", "0", "46", "99", "9.0", "-9", "nine", "9,10", "IC", "123"])
def test_what_is_no_nice_class_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a Nice class \(1 to 45\)"):
        parse_nice(text)


@given(st.integers(1, 45), st.sampled_from(["{}", "{:02}", "{:03}", "IC {}", "class {:02}"]))
def test_every_nice_class_is_read_back(number: int, style: str) -> None:
    assert parse_nice(style.format(number)) == number


@pytest.mark.parametrize("text", ["03.07.17", "3.7.17", "030717", " 3.07.17 ", "A 03.07.17"])
def test_one_vienna_code_has_many_spellings(text: str) -> None:
    assert parse_vienna(text) == "03.07.17"


@pytest.mark.parametrize("text", ["", "3.7", "3.7.", "3.7.17.1", "30717", "03-07-17", "3.7.x"])
def test_what_is_no_vienna_code_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a Vienna code \(CC\.DD\.SS\)"):
        parse_vienna(text)


@given(st.tuples(*[st.integers(0, 99)] * 3))
def test_every_vienna_code_is_read_back(parts: tuple[int, int, int]) -> None:
    full = "{:02}.{:02}.{:02}".format(*parts)
    assert parse_vienna(full) == full
    assert parse_vienna("{}.{}.{}".format(*parts)) == full
    assert parse_vienna("{:02}{:02}{:02}".format(*parts)) == full


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("3.7.17", ("03.07.17", True)),
        ("030717", ("03.07.17", True)),
        ("03.07.*", ("03.07.", False)),
        ("3.7*", ("03.07.", False)),
        ("3.7", ("03.07.", False)),
        ("3.*", ("03.", False)),
        ("26", ("26.", False)),
    ],
)
def test_a_vienna_pattern_is_a_code_or_a_beginning(
    pattern: str, expected: tuple[str, bool]
) -> None:
    assert vienna_prefix(pattern) == expected


@pytest.mark.parametrize("pattern", ["", "*", "%", "3.%", "star", "3.7.17.*", "3._", "3.7.1?"])
def test_any_other_vienna_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(InvalidInput, match=r"give CC\.DD\.SS, or a beginning such as 03\.07\.\*"):
        vienna_prefix(pattern)


@given(st.dates(), st.sampled_from(["%Y-%m-%d", "%Y%m%d", "%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d 00:00"]))
def test_every_date_is_read_back(day: dt.date, style: str) -> None:
    text = style.replace("%Y", f"{day.year:04}")  # strftime pads years on some systems only
    assert parse_date(dt.datetime.combine(day, dt.time()).strftime(text)) == day


@pytest.mark.parametrize(
    "text", ["", "31.05.2024", "05/31/2024", "2024-02-30", "2024-13-01", "2024", "0000-00-00", "-"]
)
def test_what_is_no_date_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"is not a date \(YYYY-MM-DD\)"):
        parse_date(text)
