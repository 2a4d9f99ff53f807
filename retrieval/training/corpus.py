"""Drawings to train on: a built corpus, a folder with one folder a brand, or a CSV.

N drawings; a group is what is drawn: a brand, or an everyday idea.
"""

from __future__ import annotations

import csv
import fnmatch
import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.pictures.sniff import PICTURES

MANIFEST = "manifest.csv"


@dataclass(frozen=True, slots=True)
class Drawing:
    path: Path
    group: str
    artwork: str = ""  # equal in a group for copies of one drawing; empty: a drawing of its own
    kind: str = "brand"  # or idea


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    paths: tuple[Path, ...]  # N
    groups: NDArray[np.int64]  # (N,), from 0
    artworks: NDArray[np.int64]  # (N,), from 0: equal for copies of one drawing
    is_idea: NDArray[np.bool_]  # (N,): an everyday idea, no brand
    names: tuple[str, ...]  # of the groups

    @classmethod
    def of(cls, drawings: Iterable[Drawing]) -> Self:
        listed = sorted(drawings, key=lambda d: (d.kind, d.group, str(d.path)))
        names, groups = np.unique([f"{d.kind}/{d.group}" for d in listed], return_inverse=True)
        works = [f"{d.kind}/{d.group}/{d.artwork or d.path}" for d in listed]
        return cls(
            tuple(d.path for d in listed),
            np.asarray(groups, np.int64),
            np.asarray(np.unique(works, return_inverse=True)[1], np.int64),
            np.array([d.kind == "idea" for d in listed], np.bool_),
            tuple(names.tolist()),
        )

    def __len__(self) -> int:
        return len(self.paths)

    def originals(self) -> NDArray[np.int64]:
        """(A,): one drawing of each artwork: copies look the same."""
        return np.asarray(np.unique(self.artworks, return_index=True)[1], np.int64)

    def only(self, kept: NDArray[np.bool_]) -> Corpus:
        """The drawings of the (N,) mask, numbered anew."""
        names, groups = np.unique(self.groups[kept], return_inverse=True)
        return Corpus(
            tuple(path for path, keep in zip(self.paths, kept, strict=True) if keep),
            np.asarray(groups, np.int64),
            np.asarray(np.unique(self.artworks[kept], return_inverse=True)[1], np.int64),
            self.is_idea[kept],
            tuple(self.names[n] for n in names.tolist()),
        )

    def held(self, share: float) -> NDArray[np.bool_]:
        """(N,): the drawings kept for validation: whole groups, by the hash of their names."""
        places = np.array([place_of(name) for name in self.names])
        return np.asarray(places[self.groups] < share)


def read_corpus(where: Path, exclude: Iterable[str] = ()) -> Corpus:
    """exclude: groups to leave out, by name or pattern such as "acme*".

    Raises NotFound when there is nothing, InvalidInput for a benchmark, which is never trained on,
    or for a table that lacks a column.
    """
    is_folder = os.path.isdir(where)
    if is_folder and not os.path.exists(where / MANIFEST):
        drawings = _from_folders(where)
    else:
        drawings = _from_table(where / MANIFEST if is_folder else where)
    left_out = re.compile("|".join(fnmatch.translate(pattern) for pattern in exclude) or r"(?!)")
    kept = [drawing for drawing in drawings if not left_out.match(drawing.group)]
    if drawings and not kept:
        raise NotFound(f"{where}: all of its {len(drawings)} drawings are excluded")
    if not kept:
        raise NotFound(f"{where}: no pictures in one folder a brand, and no {MANIFEST}")
    return Corpus.of(kept)


def _from_folders(root: Path) -> list[Drawing]:
    return [
        Drawing(path, folder.name)
        for folder in sorted(root.iterdir())
        if folder.is_dir()
        for path in _pictures(folder)
    ]


def _from_table(table: Path) -> list[Drawing]:
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            rows = list(csv.DictReader(stream))
    except FileNotFoundError:
        raise NotFound(f"{table}: no such file or folder") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidInput(f"{table}: cannot be read: {reason}") from error
    if rows and not {"image", "group"} <= rows[0].keys():
        raise InvalidInput(f"{table}: must have the columns image and group")
    return [_drawing(table, number, row) for number, row in enumerate(rows, 2)]


def _drawing(table: Path, line: int, row: dict[str, str]) -> Drawing:
    image, group, kind = row["image"], row["group"], row.get("kind") or "brand"
    if kind in ("relevant", "distractor"):
        raise InvalidInput(f"{table} is a benchmark: it is never trained on")
    if not image or not group or kind not in ("brand", "idea"):
        raise InvalidInput(f"{table}:{line}: give image, group and, if any, kind: brand or idea")
    return Drawing(table.parent / image, group, row.get("artwork") or "", kind)


def find_photos(folder: str, setting: str) -> tuple[Path, ...]:
    """The photos of a folder and those below it, in order; none for an empty name.

    setting: that names the folder
    Raises NotFound when the folder has none.
    """
    if not folder:
        return ()
    photos = tuple(_pictures(Path(folder)))
    if not photos:
        raise NotFound(f"{setting}: {folder} has no pictures")
    return photos


def _pictures(folder: Path) -> Iterator[Path]:
    """In order; what is hidden, such as a Mac's "._mark.png", is none."""
    for path in sorted(folder.rglob("*")):
        if path.suffix.lower() in PICTURES and not path.name.startswith("."):
            yield path


def place_of(name: str) -> float:
    """From 0 to 1, and the same for a name wherever it stands."""
    digest = hashlib.sha256(f"validation/{name}".encode()).digest()
    return int.from_bytes(digest[:6]) / 2**48
