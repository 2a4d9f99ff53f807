"""Pictures of one package's wanted drawings, in a folder; what is there is not drawn again."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.corpus.drawings import Drawing
from likemark.benchmarks.corpus.render import Rendered, render_all
from likemark.retrieval.files import whole_file

_SAFE = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True, eq=False)
class Pictures:
    """The drawings of one package that could be drawn."""

    names: list[str]  # N names of icons
    signatures: NDArray[np.uint8]  # (N, 2, 32, 32)


def image_path(drawing: Drawing) -> str:
    """Where a drawing's picture stands below the corpus's folder: unique, and safe on any disk."""
    name = _SAFE.sub("-", drawing.name.lower())
    return f"images/{_SAFE.sub('-', drawing.package.rpartition('/')[2].lower())}/{name}.png"


def draw_package(drawings: Iterable[Drawing], folder: Path, record: Path) -> Pictures:
    """Write each drawing's PNG below `folder`; `record` says afterwards that all were done.

    Raises OSError when the folder cannot be written.
    """
    if record.exists():
        return _read(record)
    names: list[str] = []
    signatures: list[NDArray[np.uint8]] = []
    for result in render_all(drawings):
        if not isinstance(result, Rendered):
            continue
        path = folder / image_path(result.drawing)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(result.png)
        names.append(result.drawing.name)
        signatures.append(result.signature)
    stacked = np.stack(signatures) if signatures else np.empty((0, 2, 32, 32), np.uint8)
    found = Pictures(names, stacked)
    _write(record, found)
    return found


def _read(record: Path) -> Pictures:
    with np.load(record, allow_pickle=False) as data:
        return Pictures(data["names"].tolist(), data["signatures"])


def _write(record: Path, found: Pictures) -> None:
    record.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(record) as file:
        np.savez(file, names=np.array(found.names, np.str_), signatures=found.signatures)
