"""CSV and JSONL manifests: one row a mark, or one row a picture of a mark.

Columns (all optional but one of `image`, `id`, `application_number` or `text`):

image                 path of the picture, relative to the manifest's folder
id                    what identifies the mark; else office and number, else the picture's path
office                such as EM or US (WIPO ST.3)
application_number, registration_number, text, kind, status, owner, goods
filing_date, registration_date, expiry_date      YYYY-MM-DD or YYYYMMDD
nice                  Nice classes: 9,42
vienna                Vienna codes: 03.07.17;26.01.01

Every other column is kept with the mark. Files are UTF-8, with or without a byte-order mark.
Rows that share an id are further pictures of one mark, and need not repeat what the first says.
"""

from __future__ import annotations

import csv
import json
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likemark.db.errors import ManifestError, one_line
from likemark.db.register import KNOWN_COLUMNS, read_row
from likemark.db.values import MarkData

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
# A field of goods text can be long; the csv module's own limit is 128 kB.
MAX_FIELD = 16 * 2**20
# A database's index holds no more than about 2,700 bytes of text.
MAX_PATH_BYTES = 2000
# Lists and objects within each other, in one line of JSON.
MAX_NESTING = 100
_TOLD = re.compile(r"sep=(.)")  # a first line by which Excel is told the delimiter
BY_ID = "id:"  # the key of a mark that has an id in its manifest begins so


@dataclass(frozen=True, slots=True)
class ManifestRow:
    mark: MarkData
    image: Path | None  # absolute; None for a mark without a picture
    line: int  # counted from 1
    warnings: tuple[str, ...]


def read_manifest(path: Path) -> Iterator[ManifestRow | ManifestError]:
    """Rows in file order; a row that cannot be used comes as its error and the reading goes on.

    Raises ManifestError when the file itself cannot be read.
    """
    path = Path(os.path.abspath(path))  # unlike absolute(), without ".."
    rows = _jsonl(path) if path.suffix.lower() in (".jsonl", ".ndjson") else _csv(path)
    try:
        for line, row in rows:
            yield row if isinstance(row, ManifestError) else _row(path, line, row)
    except UnicodeDecodeError as error:
        at = f"{error.reason} at byte {error.start}"
        raise ManifestError(f"{path}: not UTF-8 ({at}); save it as CSV UTF-8") from error
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from error


def _row(path: Path, line: int, row: Mapping[str, Any]) -> ManifestRow | ManifestError:
    name = _word(row, "image")
    image = Path(os.path.abspath(path.parent / name)) if name else None
    if image is not None and not _storable_path(image):
        return ManifestError(f"{path}:{line}: image: no file can have this name")
    key = mark_key(row, image)
    if key is None:
        return ManifestError(f"{path}:{line}: needs an image, id, application_number or text")
    mark, warnings = read_row(row, key=key, source=str(path))
    return ManifestRow(mark, image, line, tuple(warnings))


def mark_key(row: Mapping[str, Any], image: Path | str | None) -> str | None:
    """What makes a row's mark the same on the next run; None where nothing does."""
    own, office, text = _word(row, "id"), _word(row, "office"), _word(row, "text")
    number = _word(row, "application_number") or _word(row, "registration_number")
    if own:
        return id_key(own)
    if number:
        return f"number:{office}:{number}"
    if image is not None:
        return file_key(image)
    return f"text:{office}:{text}" if text else None


def _word(row: Mapping[str, Any], name: str) -> str:
    value = row.get(name)
    empty = value is None or value is False or value in ([], {})  # 0 is an id
    return "" if empty else str(value).strip()


def _storable_path(path: Path) -> bool:
    try:
        data = str(path).encode()
    except UnicodeEncodeError:
        return False
    return b"\0" not in data and len(data) <= MAX_PATH_BYTES


def id_key(own: str) -> str:
    return f"{BY_ID}{own}"


def file_key(path: Path | str) -> str:
    return f"file:{path}"


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | ManifestError]]:
    csv.field_size_limit(MAX_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head = stream.readline()
        told = _TOLD.fullmatch(head.rstrip("\r\n"))
        if not told:
            stream.seek(0)
        before = 1 if told else 0  # lines that the reader has not seen
        delimiter = told[1] if told else _delimiter(head)
        reader = csv.DictReader(stream, delimiter=delimiter, strict=True)
        try:
            columns = reader.fieldnames
        except csv.Error as error:
            raise ManifestError(f"{path}:{before + 1}: {error}; is a quote left open?") from error
        if not columns or not _names_a_mark(columns):
            raise ManifestError(
                f"{path}: the first line must name the columns, among them image, id, "
                "application_number or text"
            )
        while True:
            try:
                row = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                number = before + reader.reader.line_num  # the other's is of the last good row
                problem = f"{path}:{number}: {error}; is a quote left open?"
                yield number, ManifestError(problem)
            else:
                number = before + reader.line_num
                yield number, _named(path, number, row)


def _names_a_mark(columns: Any) -> bool:
    return bool({"image", "id", "application_number", "text"} & {_column(str(c)) for c in columns})


def _column(name: str) -> str:
    known = name.strip().lower()
    return known if known in KNOWN_COLUMNS else name.strip()


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _named(
    path: Path, line: int, row: Mapping[str | None, Any]
) -> Mapping[str, Any] | ManifestError:
    if None in row:  # more fields than columns: nobody knows which is which
        return ManifestError(f"{path}:{line}: has more fields than the first line has columns")
    return {_column(name): value for name, value in row.items() if name and name.strip() and value}


def _jsonl(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | ManifestError]]:
    with path.open(encoding="utf-8-sig") as stream:
        for line, text in enumerate(stream, start=1):
            if text.strip():
                yield line, _object(path, line, text)


def _object(path: Path, line: int, text: str) -> Mapping[str, Any] | ManifestError:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        return ManifestError(f"{path}:{line}: not JSON: {one_line(str(error))}")
    if not isinstance(value, dict):
        return ManifestError(f"{path}:{line}: a line must hold one JSON object")
    if is_nested(value):
        return ManifestError(f"{path}:{line}: nested deeper than {MAX_NESTING} levels")
    return value


def is_nested(value: Any) -> bool:
    """Whether it is deeper than `MAX_NESTING`."""
    level = [value]
    for _ in range(MAX_NESTING):
        within = [part.values() if isinstance(part, dict) else part for part in level]
        level = [item for part in within for item in part if isinstance(item, dict | list)]
    return bool(level)
