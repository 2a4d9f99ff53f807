"""Regions that were located before, as `likemark locate --json` prints them.

A list of {"scene": path, "width": px, "height": px, "regions": [...]}, and of each region "box"
[left, top, right, bottom], and where they are known "polygon" [[x, y], ...] of px, "polygons" of
all parts of a mark that has several, "rotated_box" of four corners, and "score", 0 to 1. An "error"
says that a picture could not be looked at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput, one_line
from likemark.retrieval.redact.jobs import is_video
from likemark.retrieval.redact.locating import Locating, check_threshold
from likemark.retrieval.redact.regions import (
    Locator,
    Pixels,
    Region,
    region_of_box,
    region_of_polygon,
)

_SLACK = 2.0  # px by which a polygon may fall short of its box
_FAR = 1 << 24  # px: no picture is as large
_AS_PRINTED = "as likemark locate --json prints it"
Points = NDArray[np.float64]  # (n, 2): x and y, px


@dataclass(frozen=True, slots=True, eq=False)
class Stated:
    """A region as it is listed; its mask is made when the picture is there."""

    box: Points  # (2, 2): upper left corner and lower right one
    outlines: tuple[Points, ...]  # of its parts, or of its largest one; none: they are not known
    corners: Points | None  # (4, 2), of the rotated box
    score: float

    def region(self, size: tuple[int, int]) -> Region:
        """In a picture of width and height, px."""
        box = np.clip([np.floor(self.box[0]), np.ceil(self.box[1])], 0, size).astype(int)
        # Where one part of several is listed, the box is covered.
        if self.outlines and _reach(self.outlines, self.box):
            inside = [np.clip(each, 0, np.array(size) - 1) for each in self.outlines]
            region = region_of_polygon(*inside, score=self.score)
        else:
            (left, top), (right, bottom) = box.tolist()
            region = region_of_box(left, top, right - left, bottom - top, score=self.score)
        return region if self.corners is None else replace(region, corners=self.corners)


@dataclass(frozen=True, slots=True)
class Entry:
    """What was located in one picture."""

    size: tuple[int, int]  # width and height, px
    stated: tuple[Stated, ...]
    failed: bool = False  # it could not be looked at


def read_listing(
    text: str | bytes, *, name: str, threshold: float | None = None
) -> dict[str, Entry]:
    """The entries by their pictures' absolute paths; those of one picture are one.

    name: of the text, for messages
    threshold: regions whose score is lower are left out
    Raises InvalidInput, in one line, for what is no such text.
    """
    check_threshold(threshold)
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"{name}: is no JSON: {one_line(str(error), limit=120)}") from None
    entries: dict[str, Entry] = {}
    for number, listed in enumerate(_objects(document, name), 1):
        where = f"{name}, entry {number}"
        scene = _field(listed, "scene", where)
        if not isinstance(scene, str):
            raise InvalidInput(f"{where}: its scene must be a path")
        if is_video(Path(scene)):
            continue  # its frames are not all listed
        found, key = _entry(listed, where, threshold), os.path.abspath(scene)
        known = entries.setdefault(key, replace(found, stated=()))
        if known.size != found.size:
            raise InvalidInput(f"{where}: {one_line(scene)} has another size than before")
        entries[key] = replace(found, stated=known.stated + found.stated)
    return entries


def locating_listed(entries: Mapping[str, Entry], *, name: str) -> Locating:
    """What was located before; a picture that is not listed, or of another size, is refused."""

    def locating(path: Path) -> Locator:
        entry = entries.get(os.path.abspath(path))
        if is_video(path):
            raise InvalidInput(f"{path}: {name} is of pictures: have a video's marks located here")
        if entry is None or entry.failed:
            lacks = "does not list it" if entry is None else "says that it could not be looked at"
            raise InvalidInput(f"{path}: {name} {lacks}: locate its marks anew")

        def locate(frame: Pixels) -> Sequence[Region]:
            height, width = frame.shape[:2]
            if entry.size != (width, height):
                stated = f"{entry.size[0]} x {entry.size[1]}"
                raise InvalidInput(
                    f"{path}: has {width} x {height} px, {stated} in {name}: locate its marks anew"
                )
            return [each.region(entry.size) for each in entry.stated]

        return locate

    return locating


def _entry(listed: Mapping[str, Any], where: str, threshold: float | None) -> Entry:
    if listed.get("error") is not None:
        return Entry((0, 0), (), failed=True)
    size = _side(listed, "width", where), _side(listed, "height", where)
    regions = _objects(_field(listed, "regions", where), where)
    stated = [
        _stated(region, size, f"{where}, region {number}")
        for number, region in enumerate(regions, 1)
    ]
    return Entry(size, tuple(s for s in stated if threshold is None or s.score >= threshold))


def _stated(region: Mapping[str, Any], size: tuple[int, int], where: str) -> Stated:
    flat = _field(region, "box", where)
    box = _points([flat[:2], flat[2:]] if isinstance(flat, list) else flat, where)
    first, last = np.maximum(np.floor(box[0]), 0), np.minimum(np.ceil(box[1]), size)
    if len(flat) != 4 or (first >= last).any():
        raise InvalidInput(f"{where}: its box is empty or outside: give left, top, right, bottom")
    corners = _points(region["rotated_box"], where) if region.get("rotated_box") else None
    if corners is not None and len(corners) != 4:
        raise InvalidInput(f"{where}: its rotated box must have four corners")
    if corners is not None and not _is_round(corners, box):
        corners = None  # of a mark that the picture's edge cuts
    score = region.get("score", 1.0)
    if not isinstance(score, int | float) or not 0 <= score <= 1:
        raise InvalidInput(f"{where}: its score must be 0 to 1")
    return Stated(box, _outlines(region, where), corners, float(score))


def _outlines(region: Mapping[str, Any], where: str) -> tuple[Points, ...]:
    parts = region.get("polygons") or ([region["polygon"]] if region.get("polygon") else [])
    if not isinstance(parts, list):
        raise InvalidInput(f"{where}: its polygons must be a list of them")
    outlines = tuple(_points(part, where) for part in parts)
    return outlines if all(len(each) >= 3 for each in outlines) else ()  # of a mark of one px


def _reach(outlines: Sequence[Points], box: Points) -> bool:
    every = np.concatenate(outlines)
    ends = np.array([every.min(axis=0), every.max(axis=0) + 1])
    return bool((np.abs(ends - box) <= _SLACK).all())


def _is_round(corners: Points, box: Points) -> bool:
    """No rotated box that is tight has a corner further from the middle than its diagonal."""
    away = np.linalg.norm(corners - box.mean(axis=0), axis=1)
    return bool((away <= np.linalg.norm(box[1] - box[0]) + _SLACK).all())


def _objects(value: object, where: str) -> list[Mapping[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise InvalidInput(f"{where}: must be a list of objects, {_AS_PRINTED}")
    return value


def _field(listed: Mapping[str, Any], key: str, where: str) -> Any:
    if key not in listed:
        raise InvalidInput(f"{where}: lacks {key!r}: give the JSON {_AS_PRINTED}")
    return listed[key]


def _side(listed: Mapping[str, Any], key: str, where: str) -> int:
    value = _field(listed, key, where)
    if not isinstance(value, int) or not 1 <= value <= _FAR:
        raise InvalidInput(f"{where}: its {key} must be whole px, 1 or more")
    return value


def _points(value: object, where: str) -> Points:
    rows = value if isinstance(value, list) else []
    if not rows or not all(_is_point(row) for row in rows):
        raise InvalidInput(f"{where}: must have a box of four numbers, and points of two")
    return np.array(rows, np.float64)


def _is_point(row: object) -> bool:
    if not isinstance(row, list) or len(row) != 2:
        return False
    return all(isinstance(x, int | float) and abs(x) <= _FAR for x in row)
