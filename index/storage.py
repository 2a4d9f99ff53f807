"""An index on disk: a data file under a new name, then a small head file that points to it.

The head is replaced by one rename, after the data are on the disk: a reader sees the old state or
the new one. The head carries the data's length and CRC-32, so a damaged file is noticed on opening.
"""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import faiss as _faiss
from filelock import FileLock

from likemark.db.errors import IndexDamaged, IndexFault, one_line
from likemark.index.protocol import Stamp

faiss: Any = _faiss  # its own type stubs lag behind what it has

HEAD = "index.json"
LOCK = ".lock"
LAYOUT = 1
_CHUNK = 2**24


@dataclass(frozen=True, slots=True)
class Stored:
    inner: Any  # a faiss index
    factory: str
    setting: str  # what was asked for: a factory string or "auto"
    stamp: Stamp


def write_index(folder: Path, inner: Any, *, factory: str, setting: str, stamp: Stamp) -> None:
    """Raises IndexFault when the folder cannot be written; the old state then stands."""
    data = folder / f"{stamp.generation}-{stamp.token[:8]}-{os.getpid()}.faiss"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Two that store at once would sweep each other's unfinished files away.
        with FileLock(folder / LOCK):
            faiss.write_index(inner, str(data))
            _sync(data)
            size, crc = _measured(data)
            head = {
                "layout": LAYOUT, "data": data.name, "bytes": size, "crc32": crc,
                "factory": factory, "setting": setting, "stamp": asdict(stamp),
            }  # fmt: skip
            _publish(folder, json.dumps(head))
            _sweep(folder, keep=data.name)
    except (OSError, RuntimeError) as error:
        data.unlink(missing_ok=True)
        reason = one_line(str(error), limit=160)
        raise IndexFault(f"index {folder}: cannot be stored ({reason})") from error


def read_index(folder: Path) -> Stored:
    """Raises FileNotFoundError when none is stored, IndexDamaged when it cannot be trusted."""
    head = _head(folder)
    if not (folder / str(head.get("data"))).exists():
        head = _head(folder)  # replaced between the two looks
    try:
        data = folder / str(head["data"])
        if (head["bytes"], head["crc32"]) != _measured(data):
            raise IndexDamaged(f"index {data}: its bytes are not those that were stored")
        return Stored(
            inner=faiss.read_index(str(data)),
            factory=str(head["factory"]),
            setting=str(head["setting"]),
            stamp=Stamp(**head["stamp"]),
        )
    except (OSError, RuntimeError, KeyError, TypeError, ValueError) as error:
        raise IndexDamaged(f"index {folder}: {one_line(str(error), limit=160)}") from error


def stored_setting(folder: Path) -> str | None:
    """What was asked for when the stored index was made, however damaged its data are."""
    try:
        return str(_head(folder)["setting"])
    except (OSError, IndexDamaged, KeyError):
        return None


def _head(folder: Path) -> dict[str, Any]:
    text = (folder / HEAD).read_bytes()
    try:
        head = json.loads(text)
    except ValueError as error:
        raise IndexDamaged(f"index {folder / HEAD}: not JSON") from error
    if not isinstance(head, dict) or head.get("layout") != LAYOUT:
        raise IndexDamaged(f"index {folder / HEAD}: not of layout {LAYOUT}")
    return head


def _publish(folder: Path, head: str) -> None:
    draft = folder / f"{HEAD}.{os.getpid()}"
    draft.write_text(head)
    _sync(draft)
    draft.replace(folder / HEAD)
    _sync(folder)


def _measured(path: Path) -> tuple[int, int]:
    """(bytes, CRC-32) of a file."""
    size = crc = 0
    with path.open("rb") as stream:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
    return size, crc


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sweep(folder: Path, *, keep: str) -> None:
    for old in [*folder.glob("*.faiss"), *folder.glob(f"{HEAD}.*")]:
        if old.name != keep:
            with contextlib.suppress(OSError):
                old.unlink()
