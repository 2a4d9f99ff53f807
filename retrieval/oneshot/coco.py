"""What was found, as a COCO instances document (Lin et al., 2014; cocodataset.org, Data format)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from likemark.retrieval.files import check_named, write_whole
from likemark.retrieval.oneshot.found import Found, Match
from likemark.retrieval.oneshot.labels import Categories
from likemark.retrieval.oneshot.outlines import outlines


class CocoFile:
    """Collects scenes and writes them all when it is closed."""

    def __init__(self, path: Path, categories: Categories) -> None:
        """Raises what `check_named` raises, before anything is looked for."""
        check_named(path, ".json")
        self._path = path
        self._categories = categories
        self._images: list[dict[str, Any]] = []
        self._annotations: list[dict[str, Any]] = []

    def add(self, found: Found) -> None:
        image = len(self._images) + 1
        self._images.append(_image(image, found))
        for match in found.matches:
            number = len(self._annotations) + 1
            self._annotations.append(_annotation(number, image, match, self._categories))

    def close(self) -> None:
        """Write the file, whole; raises as `write_whole` does."""
        document = {
            "info": {"description": "located by likemark", "version": "1.0"},
            "images": self._images,
            "annotations": self._annotations,
            "categories": [
                {"id": number, "name": name, "supercategory": "mark"}
                for number, name in enumerate(self._categories.names, start=1)
            ],
        }
        write_whole(self._path, json.dumps(document).encode())


def _image(number: int, found: Found) -> dict[str, Any]:
    image = {
        "id": number,
        "file_name": found.source.name,
        "width": found.width,
        "height": found.height,
    }
    if found.frame is None:
        return image
    # Names must differ: a video's frames are told by their numbers.
    name = f"{found.source.name}#{found.frame}"
    place = {"video": found.source.name, "frame": found.frame, "time": found.time}
    return {**image, "file_name": name, **place}


def _annotation(number: int, image: int, match: Match, categories: Categories) -> dict[str, Any]:
    left, top, right, bottom = match.region.box
    return {
        "id": number,
        "image_id": image,
        "category_id": categories.of(match) + 1,
        "segmentation": [outline.ravel().tolist() for outline in outlines(match.region)],
        "bbox": [left, top, right - left, bottom - top],
        "area": int(np.count_nonzero(match.region.mask)),
        "iscrowd": 0,
        "score": round(match.region.score, 4),
    }
