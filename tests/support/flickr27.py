"""A small data set in the layout of FlickrLogos-27, drawn, and an encoder that sees colours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.benchmarks.flickr27.layout import PICTURES, QUERIES, TRAINING

COLOURS = {"Azure": (20, 60, 230), "Rose": (230, 30, 60), "Moss": (30, 160, 40)}
SIZE = (48, 40)  # px, width and height of a photo
EACH = 2  # photos that a subset adds to a brand, and query photos of a brand
SUBSETS = 3  # of the official six
STRANGERS = 6  # query photos without a brand
BOX = (12, 8, 36, 30)


def write_layout(folder: Path) -> Path:
    """3 brands of 6 photos; subset 2 has 4 of each. Returns the folder."""
    (folder / PICTURES).mkdir(parents=True)
    rows, queries = [], []
    for brand in COLOURS:
        for number in range(EACH * SUBSETS):
            file = f"{brand.lower()}-{number}.jpg"
            draw_photo(folder / PICTURES / file, brand)
            first = 1 + number // EACH
            rows += [row(file, brand, subset) for subset in range(first, SUBSETS + 1)]
        for number in range(EACH):
            queries.append(_query(folder, f"{brand.lower()}-query-{number}.jpg", brand))
    queries += [_query(folder, f"stranger-{number}.jpg", "none") for number in range(STRANGERS)]
    (folder / TRAINING).write_text("".join(rows))
    (folder / QUERIES).write_text("".join(queries))
    return folder


def row(file: str, brand: str, subset: int, box: tuple[int, ...] = BOX) -> str:
    return " ".join(map(str, (file, brand, subset, *box))) + " \n"


def draw_photo(path: Path, brand: str | None) -> None:
    """Grey noise, the same for the same name, with the brand's colour in BOX."""
    seed = int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:8])
    rng = np.random.default_rng(seed)
    grey = rng.integers(90, 170, (SIZE[1], SIZE[0], 1)).repeat(3, axis=2)
    if brand is not None:
        left, top, right, bottom = BOX
        grey[top:bottom, left:right] = COLOURS[brand]
    Image.fromarray(grey.astype(np.uint8)).save(path, quality=95)


def _query(folder: Path, file: str, brand: str) -> str:
    draw_photo(folder / PICTURES / file, brand if brand in COLOURS else None)
    return f"{file}\t{brand}\n"


@dataclass
class ColourEncoder:
    """A histogram of 4 x 4 x 4 colours, as a unit row."""

    name: str = "colours"
    fingerprint: str = "c0" * 32
    dimension: int = 64
    seen: int = 0  # pictures encoded so far

    def encode(self, pictures: Iterable[NDArray[np.uint8]]) -> Iterator[NDArray[np.float32]]:
        for picture in pictures:
            self.seen += 1
            codes = (picture[..., :3] // 64).reshape(-1, 3) @ np.array([16, 4, 1])
            counts = np.bincount(codes, minlength=64).astype(np.float32)
            yield counts / np.float32(np.linalg.norm(counts))
