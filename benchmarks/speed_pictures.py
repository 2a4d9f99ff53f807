"""The pictures that `likemark bench speed` decodes: the sample's logos as a register holds them.

A third each of SVG files, PNG files with a transparent ground and JPEG files on white, no two with
the same bytes, in an order that gives any stretch of them about the same mix.
"""

from __future__ import annotations

import io
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from random import Random

import resvg_py
from PIL import Image

from likemark.benchmarks.sample_builder import SAMPLE
from likemark.db.errors import InvalidInput

KINDS = ("svg", "png", "jpg")
SIDES = (600, 1000)  # px, least and most of the square that a raster picture is drawn into
JPEG_QUALITY = 90
MARGIN = 0.08  # of a drawing's longer side, white, around it in a JPEG
THREADS = 2  # rendering lets the interpreter go


@dataclass(frozen=True, slots=True)
class Plan:
    """One picture to be made."""

    number: int  # unlike any other's: it makes the bytes unlike any other's
    logo: Path  # SVG
    kind: str  # one of KINDS
    side: int  # px


def make_pictures(folder: Path, count: int, *, seed: int = 0) -> list[Path]:
    """Write `count` pictures into a folder, and return them in the order of their names.

    The same count and seed give the same bytes. Raises InvalidInput for a count below 1.
    """
    paths: list[Path] = []
    with ThreadPoolExecutor(THREADS) as pool:
        jobs = []
        for place, plan in enumerate(plan_pictures(count, seed=seed)):
            path = folder / f"{place:06}-{plan.logo.stem}.{plan.kind}"
            paths.append(path)
            jobs.append(pool.submit(_write, path, plan))
        for job in jobs:
            job.result()
    return paths


def plan_pictures(count: int, *, seed: int = 0) -> list[Plan]:
    """What is made, in order. Raises InvalidInput for a count below 1."""
    if count < 1:
        raise InvalidInput(f"{count} pictures: give 1 or more")
    logos = sorted((SAMPLE / "marks").glob("*.svg"))
    rng = Random(seed)
    rng.shuffle(logos)
    plans = [
        Plan(
            number,
            logos[number // len(KINDS) % len(logos)],
            KINDS[number % len(KINDS)],
            rng.randint(*SIDES),
        )
        for number in range(count)
    ]
    # Three kinds in turn would beat in time with two cores and batches of 16.
    rng.shuffle(plans)
    return plans


def _write(path: Path, plan: Plan) -> None:
    text = plan.logo.read_text(encoding="utf-8")
    if plan.kind == "svg":
        path.write_bytes(f"{text}<!-- {plan.number} -->\n".encode())
        return
    png = resvg_py.svg_to_bytes(
        svg_string=text, width=plan.side, height=plan.side, dpi=96, skip_system_fonts=True
    )
    # What follows a PNG's last chunk is passed over by every decoder.
    path.write_bytes(png + b"%d" % plan.number if plan.kind == "png" else _jpeg(png, plan.number))


def _jpeg(png: bytes, number: int) -> bytes:
    drawing = Image.open(io.BytesIO(png)).convert("RGBA")
    margin = round(MARGIN * max(drawing.size))
    page = Image.new("RGB", (drawing.width + 2 * margin, drawing.height + 2 * margin), "white")
    page.paste(drawing, (margin, margin), drawing)
    stream = io.BytesIO()
    page.save(stream, "JPEG", quality=JPEG_QUALITY, comment=b"%d" % number)
    return stream.getvalue()
