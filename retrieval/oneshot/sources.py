"""What marks are looked for in: pictures, folders of both, videos; and the order they come in."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.pictures.sniff import PICTURES
from likemark.retrieval.pictures.walk import told, walked
from likemark.retrieval.redact.film import FORMATS
from likemark.retrieval.redact.jobs import SCENES
from likemark.retrieval.redact.regions import Pixels


@dataclass(frozen=True, slots=True)
class Source:
    """One file to look at."""

    name: str  # its path, as it was given
    below: Path  # the same from the folder that was given; of a file its name alone

    @property
    def is_video(self) -> bool:
        return Path(self.name).suffix.lower() in FORMATS


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One picture, or one frame of a video."""

    source: Source
    pixels: Pixels  # (H, W, 3), upright
    frame: int | None = None  # of a video, from 0
    time: float | None = None  # seconds at which a video shows it
    of: int = 1  # how many scenes its source has, as far as that is known

    def __post_init__(self) -> None:
        if self.pixels.ndim != 3 or self.pixels.shape[2] != 3 or self.pixels.dtype != np.uint8:
            raise InvalidInput(
                f"a scene of {self.pixels.dtype} and shape {self.pixels.shape} must be uint8 and "
                "(H, W, 3)"
            )

    @property
    def shown(self) -> str:
        """Its name in messages."""
        return self.source.name if self.time is None else f"{self.source.name} ({self.time:.2f} s)"

    @property
    def is_plain(self) -> bool:
        """Whether all of it is of one colour, as far as the finder tells colours apart."""
        from likemark.retrieval.oneshot.finder import is_flat

        # A part of it tells most pictures apart from a plain one.
        return is_flat(self.pixels[::16, ::16]) and is_flat(self.pixels)


def list_sources(
    names: Sequence[str],
    noted: Callable[[str], None] = lambda line: None,
    *,
    pictures_alone: bool = False,
) -> list[Source]:
    """Files as they are named, and what is below folders; each once.

    noted: called with a line that says what of a folder was passed over
    pictures_alone: of a folder, as where it holds queries; else its videos too
    Raises NotFound for a folder without any.
    """
    sources: dict[str, Source] = {}
    for name in names:
        if not os.path.isdir(name):
            sources.setdefault(os.path.abspath(name), Source(name, Path(Path(name).name)))
            continue
        others: Counter[str] = Counter()
        endings = PICTURES if pictures_alone else SCENES
        found = list(walked(Path(name), endings, passed_over=others))
        if not found:
            raise NotFound(f"{name}: holds no pictures{'' if pictures_alone else ' or videos'}")
        if line := told(Path(name), others):
            noted(line)
        for path in found:
            source = Source(str(path), path.relative_to(name))
            sources.setdefault(os.path.abspath(path), source)
    return list(sources.values())
