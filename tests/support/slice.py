"""The slice of likemark-open that the tests carry, drawn into a folder as the builder does."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from likemark.benchmarks.corpus.drawings import Drawing
from likemark.benchmarks.corpus.manifest import Entry, write_manifest
from likemark.benchmarks.corpus.render import Rendered, render
from likemark.benchmarks.corpus.rendered import image_path

SLICE = Path(__file__).parents[1] / "benchmarks" / "slice.json"


def read_slice() -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = json.loads(SLICE.read_text(encoding="utf-8"))
    return rows


def write_slice(folder: Path, *, groups: int | None = None, distractors: int | None = None) -> Path:
    """groups, distractors: how many; None: all."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = read_slice()
    names = list(dict.fromkeys(row["group"] for row in rows if row["group"]))[:groups]
    marks = [row for row in rows if row["group"] in names]
    others = [row for row in rows if not row["group"]][:distractors]
    write_manifest(folder, [_entry(row, folder) for row in (*marks, *others)])
    return folder


def _entry(row: dict[str, Any], folder: Path) -> Entry:
    icon = row["id"].partition(":")[2]
    drawing = Drawing(row["package"], row["version"], icon, row["svg"], row["licence"], True)
    rendered = render(drawing)
    assert isinstance(rendered, Rendered)
    path = folder / image_path(drawing)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(rendered.png)
    return Entry(
        id=row["id"],
        image=image_path(drawing),
        kind="relevant" if row["group"] else "distractor",
        group=row["group"] or "other",
        artwork=0,
        package=row["package"],
        version=row["version"],
        icon=icon,
        licence=row["licence"],
        sha256=hashlib.sha256(rendered.png).hexdigest(),
    )
