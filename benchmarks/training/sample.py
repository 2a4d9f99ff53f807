"""The bundled sample as something to train on, and to hold an exported model against."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.demo import SAMPLE

TABLES = ("manifest.csv", "queries.csv")


def write_sample(path: Path) -> None:
    """A CSV as `likemark train` reads it: every drawing of the sample, grouped by brand."""
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("image", "group"))
        for table in TABLES:
            writer.writerows((SAMPLE / row["image"], row["text"]) for row in _rows(table))


def sample_squares(size: int, *, most: int = 16) -> NDArray[np.uint8]:
    """(N, S, S, 3): the sample's first drawings as a network sees them."""
    from likemark.retrieval.pictures.load import load_picture
    from likemark.retrieval.pictures.normalise import prepared

    paths = [SAMPLE / row["image"] for row in _rows(TABLES[0])[:most]]
    return np.stack([prepared(load_picture(path), size) for path in paths])


def _rows(table: str) -> list[dict[str, str]]:
    with (SAMPLE / table).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))
