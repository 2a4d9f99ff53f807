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
Rows that share an id are further pictures of one mark.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likemark.db.errors import ManifestError, one_line
from likemark.db.register import read_row
from likemark.db.values import MarkData

SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson")
# A field of goods text can be long; the csv module's own limit is 128 kB.
MAX_FIELD = 16 * 2**20


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
    path = path.absolute()
    rows = _jsonl(path) if path.suffix.lower() in (".jsonl", ".ndjson") else _csv(path)
    try:
        for line, row in rows:
            yield row if isinstance(row, ManifestError) else _row(path, line, row)
    except UnicodeDecodeError as error:
        raise ManifestError(f"{path}: not UTF-8 ({error.reason} at byte {error.start})") from error
    except OSError as error:
        raise ManifestError(f"{path}: {error.strerror}") from error


def _row(path: Path, line: int, row: Mapping[str, Any]) -> ManifestRow | ManifestError:
    value = row.get("image")
    image = (path.parent / str(value).strip()).absolute() if str(value or "").strip() else None
    key = _key(row, image)
    if key is None:
        return ManifestError(f"{path}:{line}: needs an image, id, application_number or text")
    mark, warnings = read_row(row, key=key, source=str(path))
    return ManifestRow(mark, image, line, tuple(warnings))


def _key(row: Mapping[str, Any], image: Path | None) -> str | None:
    given = {name: str(row.get(name) or "").strip() for name in ("id", "office", "text")}
    number = str(row.get("application_number") or row.get("registration_number") or "").strip()
    if given["id"]:
        return f"id:{given['id']}"
    if number:
        return f"number:{given['office']}:{number}"
    if image is not None:
        return file_key(image)
    return f"text:{given['office']}:{given['text']}" if given["text"] else None


def file_key(path: Path) -> str:
    return f"file:{path}"


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, Any] | ManifestError]]:
    csv.field_size_limit(MAX_FIELD)
    with path.open(encoding="utf-8-sig", newline="") as stream:
        head = stream.readline()
        stream.seek(0)
        reader = csv.DictReader(stream, delimiter=_delimiter(head), restkey="", strict=False)
        if not reader.fieldnames or not _names_a_mark(reader.fieldnames):
            raise ManifestError(
                f"{path}: the first line must name the columns, among them image, id, "
                "application_number or text"
            )
        try:
            for row in reader:
                yield reader.line_num, _named(path, reader.line_num, row)
        except csv.Error as error:
            raise ManifestError(f"{path}:{reader.line_num}: {error}") from error


def _names_a_mark(columns: Any) -> bool:
    return bool({"image", "id", "application_number", "text"} & {str(c).strip() for c in columns})


def _delimiter(head: str) -> str:
    return max(",;\t", key=head.count)


def _named(path: Path, line: int, row: Mapping[str, Any]) -> Mapping[str, Any] | ManifestError:
    if "" in row:  # more fields than columns: nobody knows which is which
        return ManifestError(f"{path}:{line}: has more fields than the first line has columns")
    return {name.strip(): value for name, value in row.items() if name.strip() and value}


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
    return value
