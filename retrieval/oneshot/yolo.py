"""What was found, as YOLO labels: a text file a scene, a line a place, sides from 0 to 1."""

from __future__ import annotations

import json
from pathlib import Path

from likemark.db.errors import InvalidInput
from likemark.retrieval.files import write_whole
from likemark.retrieval.oneshot.found import Found, Match
from likemark.retrieval.oneshot.labels import Categories, Names
from likemark.retrieval.oneshot.outlines import polygon
from likemark.retrieval.oneshot.targets import make_folder

_CLASSES = "classes.txt"
_DATA = "data.yaml"


class YoloFolder:
    """Writes a scene's labels at once, the classes whenever a new one is met."""

    def __init__(self, folder: Path, categories: Categories, *, polygons: bool = False) -> None:
        """polygons: outlines, as for segmentation, in place of boxes.

        Raises as `make_folder`, and InvalidInput where labels of other classes are.
        """
        make_folder(folder)
        self._folder = folder
        self._categories = categories
        self._polygons = polygons
        self._names = Names(taken=["classes"])
        self._written = -1  # classes
        self._earlier = _read_classes(folder / _CLASSES)

    def add(self, found: Found) -> None:
        lines = [self._line(match, found.width, found.height) for match in found.matches]
        self.close()
        target = self._folder / f"{self._names.of(found)}.txt"
        make_folder(target.parent)
        write_whole(target, "".join(lines).encode())

    def close(self) -> None:
        """Write the classes, if there are more than were written."""
        names = self._categories.names
        if len(names) == self._written:
            return
        if any(one != other for one, other in zip(names, self._earlier, strict=False)):
            raise InvalidInput(
                f"{self._folder}: holds labels of other classes ({_CLASSES}); give another folder"
            )
        names = max(names, self._earlier, key=len)
        listed = "".join(f"  {number}: {_text(name)}\n" for number, name in enumerate(names))
        write_whole(self._folder / _CLASSES, _utf8("".join(f"{name}\n" for name in names)))
        write_whole(self._folder / _DATA, _utf8(f"nc: {len(names)}\nnames:\n{listed}"))
        self._written = len(self._categories.names)

    def _line(self, match: Match, width: int, height: int) -> str:
        numbers = _outline if self._polygons else _box
        values = " ".join(f"{value:.6f}" for value in numbers(match, width, height))
        return f"{self._categories.of(match)} {values}\n"


def _read_classes(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError):
        return []


def _box(match: Match, width: int, height: int) -> list[float]:
    """Middle and size."""
    left, top, right, bottom = match.region.box
    across, down = right - left, bottom - top
    return [(left + right) / 2 / width, (top + bottom) / 2 / height, across / width, down / height]


def _outline(match: Match, width: int, height: int) -> list[float]:
    """x and y of each corner: of the middle of its px."""
    corners = polygon(match.region) + 0.5
    return [float(value) for corner in corners / (width, height) for value in corner]


def _text(name: str) -> str:
    """A string of YAML, of which JSON is a part."""
    return json.dumps(name)


def _utf8(text: str) -> bytes:
    return text.encode("utf-8", "replace")
