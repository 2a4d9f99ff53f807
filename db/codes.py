"""Nice classes, Vienna codes and dates, read from the many ways in which sources write them."""

from __future__ import annotations

import datetime as dt
import re

from likemark.db.errors import InvalidInput

_VIENNA = re.compile(r"(\d{1,2})\.(\d{1,2})\.(\d{1,2})|(\d{2})(\d{2})(\d{2})")


def valid_nice(number: int) -> bool:
    return 1 <= number <= 45


def parse_nice(text: str) -> int:
    """ "9", "009" and "IC 9" are class 9 (Nice Classification). Raises ValueError."""
    found = re.fullmatch(r"(?:IC|NCL|class)?\s*0*(\d{1,2})", text.strip(), re.IGNORECASE)
    if not found or not valid_nice(int(found[1])):
        raise ValueError(f"{text!r} is not a Nice class (1 to 45)")
    return int(found[1])


def parse_vienna(text: str) -> str:
    """ "3.7.17" and "030717" are "03.07.17" (Vienna Classification). Raises ValueError."""
    found = _VIENNA.fullmatch(text.strip().removeprefix("A ").strip())
    if not found:
        raise ValueError(f"{text!r} is not a Vienna code (CC.DD.SS)")
    return ".".join(f"{int(part):02d}" for part in found.groups() if part is not None)


def vienna_prefix(pattern: str) -> tuple[str, bool]:
    """A filter's pattern as (text, exact): "3.7.*" and "3.7" are all that begins with "03.07.".

    Raises InvalidInput.
    """
    try:
        return parse_vienna(pattern), True
    except ValueError:
        pass
    stem = re.fullmatch(r"(\d{1,2})(?:\.(\d{1,2}))?(?:\.?\*)?", pattern.strip())
    if not stem:
        raise InvalidInput(
            f"Vienna code {pattern!r}: give CC.DD.SS, or a beginning such as 03.07.*"
        )
    return "".join(f"{int(part):02d}." for part in stem.groups() if part is not None), False


def parse_date(text: str) -> dt.date:
    """ISO 8601 "2024-05-31", with or without a time behind it, or "20240531". Raises ValueError."""
    day = text.strip().split("T")[0].split(" ")[0]
    try:
        return dt.date.fromisoformat(day)
    except ValueError:
        raise ValueError(f"{text!r} is not a date (YYYY-MM-DD)") from None
