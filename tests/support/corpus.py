"""Small marks drawn at random, each by its number: never two alike."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw


def draw_mark(number: int, size: int = 120) -> Image.Image:
    rng = np.random.default_rng(number)
    image = Image.new("RGB", (size, size), "white")
    canvas = ImageDraw.Draw(image)
    for _ in range(4):
        x, y, w, h = (int(v) for v in rng.integers(size // 10, size // 2, 4))
        shape = (canvas.ellipse, canvas.rectangle)[int(rng.integers(2))]
        colour: tuple[int, ...] = tuple(int(v) for v in rng.integers(0, 200, 3))
        shape((x, y, x + w, y + h), fill=colour)
    # The number itself, in bits: two marks are never the same picture.
    for bit in range(16):
        if number >> bit & 1:
            canvas.rectangle((bit * 6, 0, bit * 6 + 4, 4), fill="black")
    return image


def write_corpus(folder: Path, numbers: Sequence[int]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"mark-{number:04d}.png" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        draw_mark(number).save(path)
    return paths


def write_manifest(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, columns)
        writer.writeheader()
        writer.writerows(rows)
    return path
