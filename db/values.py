"""What goes into the catalogue and what is asked of it, as plain values."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from likemark.db.codes import valid_nice, vienna_prefix
from likemark.db.errors import InvalidInput

DEFAULT_COLLECTION = "default"


@dataclass(frozen=True, slots=True)
class MarkData:
    """One mark as its source gives it; unknown fields are None."""

    key: str  # what makes it the same mark on the next run, unique in its collection
    source: str  # the manifest or the picture it was read from
    office: str | None = None  # such as "EM", "US" (WIPO ST.3)
    application_number: str | None = None
    registration_number: str | None = None
    text: str | None = None  # verbal element or title
    kind: str | None = None  # word, figurative, combined, ...
    status: str | None = None  # as the office words it
    filing_date: dt.date | None = None
    registration_date: dt.date | None = None
    expiry_date: dt.date | None = None
    owner: str | None = None
    goods: str | None = None  # goods and services text
    nice: tuple[int, ...] = ()  # Nice classes, ascending
    vienna: tuple[str, ...] = ()  # Vienna codes "CC.DD.SS", ascending
    extra: Mapping[str, Any] = field(default_factory=dict)  # columns that likemark does not know


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """What the catalogue keeps of a picture."""

    content: bytes  # sha256 of the file, 32 bytes
    artwork: bytes  # sha256 of the trimmed pixels, 32 bytes
    width: int  # px
    height: int  # px
    format: str  # "PNG", "SVG", ...


@dataclass(frozen=True, slots=True)
class Filters:
    """Register data that hits must satisfy: every given field, any of its values."""

    collections: tuple[str, ...] = ()  # names, exact
    nice: tuple[int, ...] = ()  # Nice classes 1-45
    vienna: tuple[str, ...] = ()  # codes, or prefixes such as "03.07.*"
    status: tuple[str, ...] = ()  # as the office words it, in any case
    office: tuple[str, ...] = ()  # in any case
    owner: str | None = None  # part of the owner's name, in any case
    filed_after: dt.date | None = None  # this day or later
    filed_before: dt.date | None = None  # this day or earlier

    def __post_init__(self) -> None:
        for number in self.nice:
            if not valid_nice(number):
                raise InvalidInput(f"Nice class {number}: classes go from 1 to 45")
        for pattern in self.vienna:
            vienna_prefix(pattern)
        if self.filed_after and self.filed_before and self.filed_after > self.filed_before:
            raise InvalidInput(
                f"no day is both after {self.filed_after} and before {self.filed_before}"
            )

    @property
    def active(self) -> bool:
        return self != Filters()
