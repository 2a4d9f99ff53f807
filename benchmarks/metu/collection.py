"""The METU set as its authors lay it out, or as a file of features and a list of names.

A folder has `queries/` and `pool/`, read in the order of their names. In a list the queries come
first too. A query's name ends in the number of its group: all of a group are alike.
N: pictures, queries and pool; Q: queries; D: dimensions of a feature.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput, NotFound, one_line

QUERIES, POOL = "queries", "pool"
SUFFIXES = (".jpg", ".jpeg", ".png")
_GROUP = re.compile(r"(?<![0-9])([0-9]{1,18})\.[A-Za-z]+$")


@dataclass(frozen=True, slots=True)
class Collection:
    names: tuple[str, ...]  # (N,): of the pictures, the queries first, none twice
    groups: NDArray[np.int64]  # (Q,): the queries' groups, each of two queries or more

    def __post_init__(self) -> None:
        counts = Counter(self.groups.tolist())
        single = [query for query, group in enumerate(self.groups.tolist()) if counts[group] == 1]
        if single:
            name = one_line(self.names[single[0]])
            group = self.groups[single[0]]
            raise InvalidInput(f"{name}: no other query is of group {group}: give it two or more")
        if len(set(self.names)) < len(self.names):
            twice = next(name for name, count in Counter(self.names).items() if count > 1)
            raise InvalidInput(f"{one_line(twice)}: named twice: each picture counts once")

    @property
    def pool(self) -> int:
        """The number of pictures that are no queries."""
        return len(self.names) - len(self.groups)


def read_folder(root: Path) -> Collection:
    """root: with `queries/` and `pool/`. The names are relative to it, to be read in order."""
    queries, pool = (_pictures(root / folder) for folder in (QUERIES, POOL))
    names = [f"{QUERIES}/{name}" for name in queries] + [f"{POOL}/{name}" for name in pool]
    return Collection(tuple(names), _groups(names[: len(queries)]))


def read_names(path: Path, *, queries: int | None = None) -> Collection:
    """path: one name a line; queries: how many come first; None: those in a folder `queries/`."""
    try:
        lines = path.read_text(encoding="utf-8").removesuffix("\n").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{path}: no list of names: {one_line(str(error))}") from error
    names = [line.strip() for line in lines]
    if "" in names:
        raise InvalidInput(f"{path}: line {names.index('') + 1} is empty: give a name on each line")
    count = _leading_queries(path, names) if queries is None else queries
    if not 0 < count <= len(names):
        raise InvalidInput(f"{path}: {count} queries of {len(names)} names: give 1 to all of them")
    return Collection(tuple(names), _groups(names[:count]))


def read_features(path: Path, collection: Collection) -> NDArray[np.floating]:
    """Memory-mapped from a .npy file: (N, D) float16 or float32, a row for each name, in order."""
    try:
        rows = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise InvalidInput(f"{path}: no .npy file of numbers: {one_line(str(error))}") from error
    if not isinstance(rows, np.ndarray) or rows.ndim != 2 or rows.dtype.kind != "f":
        raise InvalidInput(f"{path}: no (N, D) floating point array in a .npy file")
    if len(rows) != len(collection.names):
        raise InvalidInput(
            f"{path}: {len(rows)} rows for {len(collection.names)} names: give a row for each name"
        )
    return rows


def _pictures(folder: Path) -> list[str]:
    if not folder.is_dir():
        raise NotFound(f"{folder}: no such folder: METU has {QUERIES}/ and {POOL}/ side by side")
    names = sorted(p.name for p in folder.iterdir() if p.suffix.lower() in SUFFIXES)
    if not names:
        raise InvalidInput(f"{folder}: no pictures, of {', '.join(SUFFIXES)}")
    return names


def _groups(queries: Sequence[str]) -> NDArray[np.int64]:
    found = [_GROUP.search(name) for name in queries]
    for name, match in zip(queries, found, strict=True):
        if match is None:
            raise InvalidInput(
                f"{one_line(name)}: no group number before the extension, as in 0012-7.jpg"
            )
    return np.array([int(match[1]) for match in found if match], np.int64)


def _leading_queries(path: Path, names: Sequence[str]) -> int:
    among = [name.rpartition("/")[0].endswith(QUERIES) for name in names]
    count = sum(among)
    if not count:
        raise InvalidInput(f"{path}: no name in a folder {QUERIES}/: say how many come first")
    if not all(among[:count]):
        line = among.index(False) + 1
        raise InvalidInput(f"{path}: line {line} is no query, but later ones are: put them first")
    return count
