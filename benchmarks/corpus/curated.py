"""The groups of the public benchmark: drawings that one person looked at, kept and dropped."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

CURATED = Path(__file__).parent / "curated.csv"
# By one name at most: a few brands that everybody draws must not outweigh the others. A group
# joined from two names of a brand may have more.
MOST_DRAWINGS = 8


@dataclass(frozen=True, slots=True)
class Curated:
    group: str  # brand key; KEY/2 for another mark of the same brand
    package: str
    icon: str  # its name there
    dropped: str  # why it is not in the group, "" for what is kept


def read_curated(path: Path = CURATED) -> list[Curated]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Curated(**row) for row in csv.DictReader(file)]


def kept_groups(rows: list[Curated]) -> dict[tuple[str, str], str]:
    """The group of each kept drawing, by its package and name."""
    return {(row.package, row.icon): row.group for row in rows if not row.dropped}


def dropped_reasons(rows: list[Curated]) -> Counter[str]:
    return Counter(row.dropped for row in rows if row.dropped)
