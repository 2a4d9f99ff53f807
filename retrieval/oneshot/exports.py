"""Everything that is written of what was found, scene by scene."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.coco import CocoFile
from likemark.retrieval.oneshot.found import Asked, Found
from likemark.retrieval.oneshot.labels import Categories
from likemark.retrieval.oneshot.overlay import OverlayFolder
from likemark.retrieval.oneshot.sources import Scene, Source
from likemark.retrieval.oneshot.targets import check_apart
from likemark.retrieval.oneshot.yolo import YoloFolder


@dataclass(frozen=True, slots=True)
class Targets:
    """Where to write what; None: nowhere."""

    overlay: Path | None = None  # folder of pictures
    coco: Path | None = None  # file
    yolo: Path | None = None  # folder of labels
    polygons: bool = False  # YOLO's labels are outlines

    def __post_init__(self) -> None:
        if self.polygons and self.yolo is None:
            raise InvalidInput("polygons are YOLO's: name a folder for YOLO too")


class Exports:
    """Raises as soon as it is made where something cannot be written."""

    def __init__(
        self, targets: Targets, sources: Sequence[Source], queries: Sequence[Asked] = ()
    ) -> None:
        """sources, queries: that will be looked at, so that none is written over"""
        classes = Categories(queries)
        self._coco = CocoFile(targets.coco, classes) if targets.coco else None
        self._yolo = self._overlay = None
        if targets.overlay:
            check_apart(targets.overlay, [each.name for each in sources], kind="scene")
            check_apart(targets.overlay, [each.name for each in queries], kind="query")
            self._overlay = OverlayFolder(targets.overlay, classes)
        if targets.yolo:
            self._yolo = YoloFolder(targets.yolo, classes, polygons=targets.polygons)

    def add(self, scene: Scene | None, found: Found) -> None:
        """scene: None of what could not be read: nothing is written of it"""
        if scene is None:
            return
        for each in (self._coco, self._yolo):
            if each is not None:
                each.add(found)
        if self._overlay is not None:
            self._overlay.add(found, scene.pixels)

    def close(self) -> None:
        """Write what is written in one piece."""
        for each in (self._coco, self._yolo):
            if each is not None:
                each.close()
