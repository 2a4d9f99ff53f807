"""What was found in a scene, and the same as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from likemark.db.errors import InvalidInput, LikemarkError, PictureError, one_line
from likemark.db.search import MarkRow
from likemark.retrieval.oneshot.outlines import outlines
from likemark.retrieval.oneshot.sources import Source
from likemark.retrieval.redact.regions import Region

UNKNOWN = "unknown mark"


@dataclass(frozen=True, slots=True)
class Asked:
    """A query as it is shown."""

    name: str  # its path
    label: str  # short, unlike that of any other query


@dataclass(frozen=True, slots=True, eq=False)
class Match:
    """One place in a scene, and what it shows."""

    region: Region  # px of the scene, no px of its mask outside of it
    query: Asked | None = None  # that was looked for; None: any mark was
    mark: MarkRow | None = None  # of the catalogue; None: a query was asked, or it is unknown
    similarity: float | None = None  # cosine of its crop with the query, or the nearest picture

    def __post_init__(self) -> None:
        if not 0 <= self.region.score <= 1:
            raise InvalidInput(f"a score of {self.region.score} must be from 0 to 1")

    @property
    def label(self) -> str:
        """What it shows, for people."""
        if self.query is not None:
            return self.query.label
        return UNKNOWN if self.mark is None else one_line(self.mark.title, limit=80)

    @property
    def category(self) -> str:
        """The same, unlike that of any other query or mark."""
        return self.label if self.mark is None else f"{self.label} (@{self.mark.id})"


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """The answer to one scene: places, or why it could not be looked at."""

    source: Source
    width: int = 0  # px; 0 of what could not be read
    height: int = 0  # px
    matches: tuple[Match, ...] = ()  # best first
    frame: int | None = None  # of a video, from 0
    time: float | None = None  # seconds at which a video shows it
    error: LikemarkError | None = None


def within(region: Region, width: int, height: int) -> Region | None:
    """The part of a region that is in a scene of width x height px, or None where none is.

    Its rotated box stays as it is: it may reach over the scene's edge.
    """
    left, top = max(0, -region.left), max(0, -region.top)
    right = min(region.mask.shape[1], width - region.left)
    bottom = min(region.mask.shape[0], height - region.top)
    mask = region.mask[top : max(top, bottom), left : max(left, right)]
    if not mask.any():
        return None
    if mask.shape == region.mask.shape:
        return region
    kept = np.ascontiguousarray(mask)
    return replace(region, left=region.left + left, top=region.top + top, mask=kept)


def labelled(names: Sequence[str]) -> list[Asked]:
    """Queries by the stems of their names; by their whole names where the stems are equal."""
    from pathlib import Path

    stems = [one_line(Path(name).stem, limit=80) for name in names]
    return [
        Asked(name, stem if stem and stems.count(stem) == 1 else one_line(name, limit=200))
        for name, stem in zip(names, stems, strict=True)
    ]


def found_json(found: Found) -> dict[str, Any]:
    """One scene; a list of them is the document that `likemark locate --json` prints."""
    place = {} if found.frame is None else {"frame": found.frame, "time": _rounded(found.time)}
    return {
        "scene": found.source.name,
        **place,
        "width": found.width,
        "height": found.height,
        "error": _error_json(found.error),
        "regions": [_match_json(match) for match in found.matches],
    }


def _match_json(match: Match) -> dict[str, Any]:
    region, mark = match.region, match.mark
    asked = {"mark_id": mark and mark.id, "mark": mark and mark.title}
    parts = [outline.tolist() for outline in outlines(region)]
    return {
        **(asked if match.query is None else {"query": match.query.name}),
        "score": _rounded(region.score),
        "similarity": _rounded(match.similarity),
        "box": list(region.box),
        "rotated_box": np.round(region.corners, 2).tolist(),
        "polygon": parts[0],
        **({"polygons": parts} if len(parts) > 1 else {}),
    }


def _error_json(error: LikemarkError | None) -> dict[str, str] | None:
    if isinstance(error, PictureError):
        return {"reason": error.reason, "detail": error.detail}
    return None if error is None else {"reason": "unreadable", "detail": str(error)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 4)
