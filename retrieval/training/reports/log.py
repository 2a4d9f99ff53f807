"""A training's log: one JSON object a line, with its kind: started, step, validated, ended.

What is validated stands under the metric's key: "map" for mAP, "mask_iou" for mask IoU.

A training that is gone on with writes to the same file; the steps that it does again stand there
again, and of lines for one step the last counts.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from likemark.db.errors import LikemarkError
from likemark.retrieval.training.observers import Facts, Quiet, Step, Validated


class Log(Quiet):
    def __init__(self, path: Path) -> None:
        self._path = path
        self._key = ""

    def started(self, facts: Facts) -> None:
        self._key = key_of(facts.metric)
        _drop_torn_line(self._path)
        told = {
            "metric": facts.metric, **facts.numbers, "parameters": facts.parameters,
            "steps": facts.steps, "resumed": facts.resumed, "unreadable": facts.unreadable,
        }  # fmt: skip
        self._write("started", told)

    def stepped(self, step: Step) -> None:
        told = asdict(step)
        if not step.lost:
            del told["lost"]
        self._write("step", told)

    def validated(self, validated: Validated) -> None:
        told = {
            "step": validated.step, self._key: validated.value, "best": validated.best,
            "seconds": validated.seconds,
        }  # fmt: skip
        more = {name: _written(value) for name, value in validated.more.items()}
        self._write("validated", told | ({"more": more} if more else {}))

    def ended(self) -> None:
        self._write("ended", {})

    def _write(self, kind: str, values: dict[str, Any]) -> None:
        line = json.dumps({"kind": kind} | {key: _written(v) for key, v in values.items()})
        try:
            with self._path.open("ab") as stream:
                stream.write(line.encode() + b"\n")
        except OSError as error:
            raise LikemarkError(f"{self._path}: cannot be written: {error.strerror}") from error


def key_of(metric: str) -> str:
    """A metric's name as a key in JSON."""
    return metric.lower().replace(" ", "_")


def _written(value: Any) -> Any:
    """JSON has no number that is none."""
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _drop_torn_line(path: Path) -> None:
    """What a killed process left of its last line."""
    if not path.exists():
        return
    with path.open("rb+") as stream:
        stream.truncate(stream.read().rfind(b"\n") + 1)


def read_log(path: Path, kind: str) -> list[dict[str, Any]]:
    """The lines of a kind, in the order of their steps; none when there is no log."""
    try:
        lines = path.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return []
    entries = [json.loads(line) for line in lines if line.endswith(b"\n")]
    chosen = [entry for entry in entries if entry["kind"] == kind]
    last = {entry.get("step", place): entry for place, entry in enumerate(chosen)}
    return [last[step] for step in sorted(last)]
