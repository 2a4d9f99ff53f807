"""Scenes with a red mark in them, what finds it, and videos of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.retrieval.oneshot.found import Asked, Found, Match
from likemark.retrieval.oneshot.sources import Source
from likemark.retrieval.redact.regions import Pixels, Region, region_of_mask

RED = (215, 30, 40)


def scene(*places: tuple[int, int], size: tuple[int, int] = (64, 96)) -> Pixels:
    """(H, W, 3): blue and green blotches, a red block of 20 x 12 px at each x, y."""
    rng = np.random.default_rng(len(places))
    pixels = rng.integers(40, 160, (*size, 3)).astype(np.uint8)
    pixels[..., 0] //= 4
    for x, y in places:
        pixels[y : y + 12, x : x + 20] = RED
    return pixels


def save(path: Path, pixels: Pixels, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **options)
    return path


def film(
    path: Path, frames: Sequence[Pixels], times: Sequence[int] | None = None, *, turn: int = 0
) -> Path:
    """A video without loss; times: hundredths of a second of each frame, else a tenth apart."""
    with av.open(str(path), "w") as out:
        video = out.add_stream("png" if path.suffix == ".mov" else "ffv1", rate=10)
        assert isinstance(video, av.VideoStream)
        video.width, video.height = frames[0].shape[1], frames[0].shape[0]
        video.pix_fmt = "rgb24" if path.suffix == ".mov" else "bgr0"
        video.time_base = Fraction(1, 100)
        video.codec_context.time_base = Fraction(1, 100)
        video.set_display_rotation(turn)
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(np.ascontiguousarray(frame), "rgb24")
            picture.pts = 10 * number if times is None else times[number]
            picture.time_base = Fraction(1, 100)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))
    return path


def region(
    x: int = 10, y: int = 20, width: int = 20, height: int = 12, *, score: float = 0.9
) -> Region:
    mask = np.zeros((y + height, x + width), np.uint8)
    mask[y:, x:] = 255
    return region_of_mask(mask, score=score)


def match(label: str = "logo", **where: Any) -> Match:
    return Match(region(**where), Asked(f"{label}.png", label), similarity=0.75)


def found(name: str, *matches: Match, frame: int | None = None) -> Found:
    """Of a scene of 96 x 64 px."""
    time = None if frame is None else frame / 10
    return Found(Source(name, Path(name)), 96, 64, matches, frame, time)


@dataclass(frozen=True)
class Place:
    query: int
    region: Region
    similarity: float | None
    row: NDArray[np.float32]
    others: tuple[Region, ...] = ()

    @property
    def box(self) -> tuple[int, int, int, int]:
        return self.region.box


class RedFinder:
    """Finds red blocks, the larger the surer, whatever is asked."""

    threshold = 0.5
    others: tuple[Region, ...] = ()  # found of the same mark, wherever one is

    def __init__(self, embedder: Any = None) -> None:
        self.embedder = embedder
        self.seen: list[Pixels] = []

    def ask(self, query: Pixels, *, name: str = "query") -> Any:
        return name

    def anything(self) -> Any:
        return "any mark"

    def locate(
        self, scene: Pixels, asks: Sequence[Any], *, threshold: float | None = None
    ) -> list[Any]:
        places = self.propose(scene, threshold=threshold)
        return [
            Place(number, place.region, 1 / (number + 1), place.row, place.others)
            for number in range(len(asks))
            for place in places
        ]

    def propose(self, scene: Pixels, *, threshold: float | None = None) -> list[Any]:
        self.seen.append(scene)
        red = ((scene == RED).all(axis=2)).astype(np.uint8)
        count, numbers = cv2.connectedComponents(red)
        least = self.threshold if threshold is None else threshold
        row = np.eye(1, 4, dtype=np.float32)[0]
        places = []
        for number in range(1, count):
            mask = np.where(numbers == number, np.uint8(255), np.uint8(0))
            score = min(1.0, np.count_nonzero(mask) / 300)
            if score >= least:
                region = region_of_mask(mask, score=score)
                places.append(Place(0, region, None, row, self.others))
        return places
