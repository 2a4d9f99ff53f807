"""One row of a manifest, as text or JSON values, becomes one mark.

What cannot be understood is kept as it stands under `extra` and named in a warning: a bad date
must not cost the mark.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, TypeVar

from likemark.db.codes import parse_date, parse_nice, parse_vienna
from likemark.db.errors import one_line
from likemark.db.values import MarkData

TEXT_COLUMNS = (
    "office", "application_number", "registration_number", "text", "kind", "status", "owner",
    "goods",
)  # fmt: skip
DATE_COLUMNS = ("filing_date", "registration_date", "expiry_date")
# `id` and `image` are the row's own; every other column is kept under `extra`.
KNOWN_COLUMNS = ("id", "image", *TEXT_COLUMNS, *DATE_COLUMNS, "nice", "vienna")

# A database's index holds no more than about 2,700 bytes of text.
INDEXED = ("office", "status")
MAX_INDEXED = 500

Parsed = TypeVar("Parsed", int, str)


def read_row(row: Mapping[str, Any], *, key: str, source: str) -> tuple[MarkData, list[str]]:
    """The mark of one row and what was wrong with it, a line each."""
    extra = {_clean(name): _storable(row[name]) for name in row if name not in KNOWN_COLUMNS}
    warnings: list[str] = []

    def keep(name: str, problem: object) -> None:
        extra[name] = _storable(row[name])
        warnings.append(f"{name}: {one_line(str(problem))}; kept as it stands")

    texts: dict[str, str] = {}
    for name in TEXT_COLUMNS:
        if isinstance(row.get(name), dict | list):
            keep(name, "is a list or an object where text belongs")
        elif (text := _text(row.get(name))) is None:
            continue
        elif name in INDEXED and len(text) > MAX_INDEXED:
            keep(name, f"is longer than {MAX_INDEXED} letters")
        else:
            texts[name] = text
    dates: dict[str, dt.date] = {}
    for name in DATE_COLUMNS:
        if (text := _text(row.get(name))) is not None:
            try:
                dates[name] = parse_date(text)
            except ValueError as problem:
                keep(name, problem)
    nice = _codes(row, "nice", parse_nice, keep)
    vienna = _codes(row, "vienna", parse_vienna, keep)
    mark = MarkData(
        key=_bounded(_clean(key)), source=_clean(source), nice=nice, vienna=vienna, extra=extra,
        **texts, **dates,  # type: ignore[arg-type]
    )  # fmt: skip
    return mark, warnings


def join_rows(earlier: MarkData, later: MarkData) -> MarkData:
    """One mark's data from two rows: what the later leaves blank stands as the earlier has it."""
    blank = [n for n in (*TEXT_COLUMNS, *DATE_COLUMNS) if getattr(later, n) is None]
    return replace(
        later,
        nice=tuple(sorted({*earlier.nice, *later.nice})),
        vienna=tuple(sorted({*earlier.vienna, *later.vienna})),
        extra={**earlier.extra, **later.extra},
        **{name: getattr(earlier, name) for name in blank},
    )


def _codes(
    row: Mapping[str, Any],
    name: str,
    parse: Callable[[str], Parsed],
    keep: Callable[[str, object], None],
) -> tuple[Parsed, ...]:
    codes: set[Parsed] = set()
    for part in _parts(row.get(name)):
        try:
            codes.add(parse(part))
        except ValueError as problem:
            keep(name, problem)
    return tuple(sorted(codes))


def _parts(value: object) -> list[str]:
    """Codes stand in a JSON list, or in text parted by commas, semicolons or bars."""
    if isinstance(value, list):
        return [str(part) for part in value]
    return [part for part in re.split(r"[,;|]", _text(value) or "") if part.strip()]


def _bounded(key: str) -> str:
    # A database's index holds no more than about 2,700 bytes of text.
    data = key.encode()
    return key if len(data) <= 2000 else f"sha256:{hashlib.sha256(data).hexdigest()}"


def _text(value: object) -> str | None:
    if value is None:
        return None
    return _clean(str(value)).strip() or None


def _clean(text: str) -> str:
    # PostgreSQL has no NUL in text, and no database has half of a surrogate pair.
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(name): _storable(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_storable(part) for part in value]
    if isinstance(value, float) and not math.isfinite(value):
        return json.dumps(value)  # no database's JSON has NaN or Infinity: they stay as words
    if isinstance(value, float) and abs(value) >= 2**53:
        return int(value)  # as PostgreSQL gives it back
    return value
