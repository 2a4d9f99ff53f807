"""A clean drawing of each brand: from the corpus's pinned packages, chosen by eye.

`drawings.csv` names one drawing a brand, that which shows the mark of the photos, and says of the
other brands why there is none. It was settled before anything was measured.
"""

from __future__ import annotations

import csv
import hashlib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likemark.benchmarks.corpus.packages import SOURCES, Source, drawings, fetch, read_sources
from likemark.benchmarks.encoders import Pixels
from likemark.db.errors import InvalidInput
from likemark.retrieval.files import write_whole
from likemark.retrieval.pictures.load import load_picture

CHOSEN = Path(__file__).parent / "drawings.csv"
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Choice:
    brand: str  # as the data set writes it
    package: str  # npm package, "" where no drawing fits
    icon: str  # its name there
    missing: str  # why there is none, "" where there is one

    def __post_init__(self) -> None:
        if bool(self.package) == bool(self.missing) or bool(self.package) != bool(self.icon):
            raise InvalidInput(
                f"drawings of {self.brand}: name a package and an icon, or why there is none"
            )


@dataclass(frozen=True, slots=True, eq=False)
class Drawings:
    pixels: Mapping[str, Pixels]  # (h, w, 4) by brand, cut to the ink
    missing: Mapping[str, str]  # why a brand has none


def read_choices(path: Path = CHOSEN) -> list[Choice]:
    with path.open(encoding="utf-8", newline="") as file:
        return [Choice(**row) for row in csv.DictReader(file)]


def read_drawings(
    folder: Path,
    *,
    npm: str = "npm",
    sources: Path = SOURCES,
    chosen: Path = CHOSEN,
    progress: Progress = lambda line: None,
) -> Drawings:
    """Every drawing that was chosen; what is in the folder is neither fetched nor unpacked again.

    folder: keeps the packages' archives and the drawings, made when missing
    sources, chosen: the tables of packages and of drawings
    Raises LikemarkError when a package cannot be had, InvalidInput when it lacks a drawing.
    """
    choices = read_choices(chosen)
    wanted = [choice for choice in choices if choice.package]
    kept = folder / f"drawings-{_version(sources, chosen)}"
    if not all(_path(kept, choice).exists() for choice in wanted):
        _unpack(wanted, folder, kept, sources=sources, npm=npm, progress=progress)
    return Drawings(
        {choice.brand: cut_to_ink(load_picture(_path(kept, choice))) for choice in wanted},
        {choice.brand: choice.missing for choice in choices if choice.missing},
    )


def kept_drawing(folder: Path, brand: str) -> Path | None:
    """A brand's drawing, where `read_drawings` has put it into the folder before."""
    path = folder / f"drawings-{_version(SOURCES, CHOSEN)}" / f"{Path(brand).name}.svg"
    return path if path.is_file() else None


def cut_to_ink(pixels: Pixels) -> Pixels:
    """Without the clear border. pixels: (h, w, 3 or 4)"""
    if pixels.shape[2] == 3 or not pixels[..., 3].any():
        return pixels
    down, across = (np.flatnonzero(pixels[..., 3].any(axis=axis)) for axis in (1, 0))
    return np.ascontiguousarray(pixels[down[0] : down[-1] + 1, across[0] : across[-1] + 1])


def _unpack(
    wanted: list[Choice],
    folder: Path,
    kept: Path,
    *,
    sources: Path,
    npm: str,
    progress: Progress,
) -> None:
    needed = [s for s in read_sources(sources) if s.package in {c.package for c in wanted}]
    progress(f"fetching {len(needed)} packages of drawings")
    fetch(needed, folder, npm=npm)
    kept.mkdir(parents=True, exist_ok=True)
    left = {(choice.package, choice.icon): choice for choice in wanted}
    for source in needed:
        for key, svg in _svgs(source, folder, left.keys()).items():
            write_whole(_path(kept, left.pop(key)), svg.encode())
    if left:
        package, icon = min(left)
        raise InvalidInput(f"{package} has no drawing {icon!r}: mend drawings.csv")


def _svgs(
    source: Source, folder: Path, wanted: Collection[tuple[str, str]]
) -> dict[tuple[str, str], str]:
    """By package and name."""
    every = drawings(source, folder)
    return {(d.package, d.name): d.svg for d in every if (d.package, d.name) in wanted}


def _path(kept: Path, choice: Choice) -> Path:
    return kept / f"{choice.brand}.svg"


def _version(*tables: Path) -> str:
    """Of what the drawings depend on: the packages' hashes, and the choice."""
    return hashlib.sha256(b"\0".join(table.read_bytes() for table in tables)).hexdigest()[:16]
