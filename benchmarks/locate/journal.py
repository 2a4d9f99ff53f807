"""What a locator found so far, on the disk: a line of JSON a question, so a killed run goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TextIO

from likemark.benchmarks.locate.matches import Answer
from likemark.db.errors import LikemarkError

_DIGITS = 2  # of a px, after the point


@dataclass(frozen=True, slots=True)
class Line:
    """A question and its answer."""

    id: str  # of the question
    answer: Answer
    seconds: float  # that it took
    is_first: bool  # the scene was new to the locator: what can be kept of a scene was not kept yet

    def to_json(self) -> str:
        boxes = [[round(side, _DIGITS) for side in box] for box in self.answer.boxes]
        fields = {
            "id": self.id,
            "boxes": boxes,
            "scores": self.answer.scores,
            "mask_iou": self.answer.mask_iou,
            "seconds": round(self.seconds, 6),
            "is_first": self.is_first,
        }
        return json.dumps(fields, ensure_ascii=False, allow_nan=False)

    @classmethod
    def of(cls, fields: dict[str, Any]) -> Self:
        boxes = tuple((left, top, width, height) for left, top, width, height in fields["boxes"])
        answer = Answer(boxes, tuple(fields["scores"]), fields["mask_iou"])
        return cls(fields["id"], answer, fields["seconds"], fields["is_first"])


def journal_path(cache: Path, fingerprint: str, data: str) -> Path:
    """Of one locator and one set of questions and pictures."""
    key = hashlib.sha256(f"{data}\0{fingerprint}".encode()).hexdigest()
    return cache / f"locate-{key[:32]}.jsonl"


def read_lines(path: Path) -> dict[str, Line]:
    """Every whole line, by its question; half a line at the end of a killed run is passed over."""
    if not path.exists():
        return {}
    lines = (_parsed(text) for text in path.read_text(encoding="utf-8").splitlines())
    return {line.id: line for line in lines if line is not None}


def _parsed(text: str) -> Line | None:
    try:
        return Line.of(json.loads(text))
    except (ValueError, KeyError, TypeError):
        return None


@contextmanager
def adding(path: Path) -> Iterator[TextIO]:
    """A stream that adds lines after the last whole one. Raises LikemarkError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a+", encoding="utf-8") as stream:
            stream.seek(0)
            if (text := stream.read()) and not text.endswith("\n"):
                stream.write("\n")  # what a killed run left of a line becomes a line of its own
            yield stream
    except OSError as error:
        raise LikemarkError(f"{path}: cannot be written: {error.strerror}") from error
