"""The table of a built corpus: one row a picture, where it is from and what it is."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Literal, get_args

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.files import write_whole

MANIFEST = "manifest.csv"
Kind = Literal["relevant", "distractor", "brand", "idea"]


@dataclass(frozen=True, slots=True)
class Entry:
    id: str  # set:icon
    image: str  # path below the corpus's folder, with forward slashes
    kind: Kind  # relevant, distractor: of the benchmark; brand, idea: of the training corpus
    group: str  # brand, or idea that the picture shows
    artwork: int  # equal in a group for copies of one drawing; 0 throughout the benchmark
    package: str  # npm package it is from
    version: str  # of the package
    icon: str  # its name there
    licence: str  # SPDX
    sha256: str  # of the picture's file, hexadecimal

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind) or not self.group or len(self.sha256) != 64:
            raise InvalidInput(f"{MANIFEST}: wrong row {self.id!r}: build the corpus again")


def write_manifest(folder: Path, entries: Iterable[Entry]) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, [f.name for f in fields(Entry)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(asdict(entry) for entry in entries)
    write_whole(folder / MANIFEST, text.getvalue().encode())


def read_entries(folder: Path) -> list[Entry]:
    """Raises NotFound when nothing was built there, InvalidInput for a table that is not ours."""
    try:
        text = (folder / MANIFEST).read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(
            f"{folder}: no {MANIFEST} there; build it: likemark bench build open {folder}"
        ) from None
    rows = csv.DictReader(io.StringIO(text))
    if rows.fieldnames != [f.name for f in fields(Entry)]:
        raise InvalidInput(f"{folder / MANIFEST}: not a corpus's table: build the corpus again")
    return [_entry(row) for row in rows]


def data_hash(folder: Path) -> str:
    """What a result names its data by: the table's sha256, which holds that of every picture."""
    return file_sha256(folder / MANIFEST)


def _entry(row: dict[str, str]) -> Entry:
    kind = next((kind for kind in get_args(Kind) if kind == row["kind"]), "")
    return Entry(**{**row, "kind": kind, "artwork": int(row["artwork"])})  # type: ignore[arg-type]


def summary(folder: Path, entries: Iterable[Entry]) -> dict[str, int | str]:
    """What was built, for people: counts of each kind, and the hash that results name it by."""
    listed = list(entries)
    kinds = Counter(entry.kind for entry in listed)
    groups = Counter((entry.kind, entry.group) for entry in listed)
    found: dict[str, int | str] = {}
    for kind in sorted(kinds):
        sizes = [size for (each, _), size in groups.items() if each == kind]
        found[f"{kind} drawings"] = kinds[kind]
        found[f"{kind} groups"] = len(sizes)
        found[f"{kind} groups of three or more"] = sum(size >= 3 for size in sizes)
    return {**found, "packages": len({e.package for e in listed}), "sha256": data_hash(folder)}
