"""An index on disk: a data file under a new name, then a small head file that points to it.

The head is replaced by one rename, after the data are on the disk: a reader sees the old state or
the new one. The head carries the data's length and CRC-32, and its own: what is damaged is noticed
on opening, and FAISS reads none of it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import zlib
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

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
    # Never a name that was there before: the stored state must stay whole until it is replaced.
    data = folder / f"{stamp.generation}-{secrets.token_hex(8)}.faiss"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # Two that store at once would sweep each other's unfinished files away.
        with FileLock(folder / LOCK):
            faiss.write_index(inner, str(data))
            _sync(data)
            with data.open("rb") as stream:
                size, crc = _measured(stream)
            head = {
                "layout": LAYOUT, "data": data.name, "bytes": size, "crc32": crc,
                "factory": factory, "setting": setting, "stamp": asdict(stamp),
            }  # fmt: skip
            _publish(folder, json.dumps({**head, "check": _check(head)}))
            _sweep(folder, keep=data.name)
    except (OSError, RuntimeError) as error:
        with contextlib.suppress(OSError):
            data.unlink()
        reason = one_line(str(error), limit=160)
        raise IndexFault(f"index {folder}: cannot be stored ({reason})") from error


def read_index(folder: Path) -> Stored:
    """Raises FileNotFoundError when none is stored, IndexDamaged when it cannot be trusted."""
    head = _head(folder)
    try:
        # One handle for both looks: a writer may sweep the file away in between.
        with (folder / head["data"]).open("rb") as stream:
            return _stored(folder, head, stream)
    except FileNotFoundError as error:
        if _head(folder) != head:
            return read_index(folder)  # a writer was faster
        raise IndexDamaged(f"index {folder}: its file {head['data']} is gone") from error
    except (OSError, RuntimeError) as error:
        raise IndexDamaged(f"index {folder}: {one_line(str(error), limit=160)}") from error


def _stored(folder: Path, head: dict[str, Any], stream: BinaryIO) -> Stored:
    if (head["bytes"], head["crc32"]) != _measured(stream):
        raise IndexDamaged(f"index {folder / head['data']}: its bytes are not those stored")
    stream.seek(0)
    return Stored(
        inner=faiss.read_index(faiss.PyCallbackIOReader(stream.read)),
        factory=head["factory"],
        setting=head["setting"],
        stamp=Stamp(**head["stamp"]),
    )


def stored_setting(folder: Path) -> str | None:
    """What was asked for when the stored index was made, however damaged its data are."""
    try:
        return str(_head(folder)["setting"])
    except (OSError, IndexDamaged):
        return None


def _head(folder: Path) -> dict[str, Any]:
    try:
        head = json.loads((folder / HEAD).read_bytes())
    except FileNotFoundError:
        raise
    except OSError as error:
        raise IndexDamaged(f"index {folder / HEAD}: {error.strerror}") from error
    except ValueError as error:
        raise IndexDamaged(f"index {folder / HEAD}: not JSON") from error
    if not isinstance(head, dict) or head.get("layout") != LAYOUT:
        raise IndexDamaged(f"index {folder / HEAD}: not of layout {LAYOUT}")
    if head.pop("check", None) != _check(head):
        raise IndexDamaged(f"index {folder / HEAD}: its bytes are not those stored")
    return head


def _check(head: dict[str, Any]) -> int:
    return zlib.crc32(json.dumps(head, sort_keys=True).encode())


def _publish(folder: Path, head: str) -> None:
    draft = folder / f"{HEAD}.{os.getpid()}"
    draft.write_text(head)
    _sync(draft)
    draft.replace(folder / HEAD)
    _sync(folder)


def _measured(stream: BinaryIO) -> tuple[int, int]:
    """(bytes, CRC-32) of an open file."""
    size = crc = 0
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
