"""Values as SQLite stores them, where any text can stand: what is none of its kind is refused.

PostgreSQL refuses such a value when it is written.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType

from likemark.db.errors import one_line

T = TypeVar("T")


class DamagedValue(ValueError):
    """What stands in a column is none of its kind, or what a row refers to is not there."""


class StoredDate(UserDefinedType[dt.date]):
    """A date as SQLAlchemy's own type keeps it: ISO 8601 as text."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "DATE"

    def bind_processor(self, dialect: Dialect) -> Any:
        return lambda value: None if value is None else value.isoformat()

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else _read(dt.date.fromisoformat, value, "date")


class StoredText(UserDefinedType[str]):
    """A text; one changed bit of the file makes bytes of it."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        return "TEXT"

    def result_processor(self, dialect: Dialect, coltype: object) -> Any:
        return lambda value: None if value is None else _read(_text, value, "text")


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def read_json(value: str) -> Any:
    return _read(json.loads, value, "JSON")


def numbers(values: Iterable[Any]) -> NDArray[np.int64]:
    """Ids as they were read."""
    return _read(lambda read: np.fromiter(read, np.int64), values, "a number")


def _read(process: Callable[[Any], T], value: Any, kind: str) -> T:
    try:
        return process(value)
    except (ValueError, TypeError) as error:
        shown = (
            one_line(repr(value), limit=60) if isinstance(value, str | bytes) else "another value"
        )
        raise DamagedValue(f"{shown} stands where {kind} belongs") from error
