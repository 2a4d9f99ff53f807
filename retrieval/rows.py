"""One row of the input, and the bytes that came with it."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from likemark.db.errors import PictureError
from likemark.db.manifest import MAX_PATH_BYTES, file_key
from likemark.db.values import MarkData

# Bytes of pictures that wait in one run's memory; others are read again when they are needed.
HELD_BYTES = 256 * 2**20


class Budget:
    """How many bytes may be held at once; what is held gives them back when it is dropped."""

    def __init__(self, most: int = HELD_BYTES) -> None:
        self._free = most
        self._lock = threading.Lock()

    def fits(self, size: int) -> bool:
        return size <= self._free

    def hold(self, data: bytes) -> Held | None:
        """None where there is no room."""
        with self._lock:
            if len(data) > self._free:
                return None
            self._free -= len(data)
        return Held(data, self)

    def give_back(self, size: int) -> None:
        with self._lock:
            self._free += size


class Held:
    """A picture's file in memory, as long as somebody keeps this."""

    __slots__ = ("_budget", "data")

    def __init__(self, data: bytes, budget: Budget) -> None:
        self.data = data
        self._budget = budget

    def __del__(self) -> None:
        self._budget.give_back(len(self.data))


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input: a mark with a picture, or a mark without one."""

    mark: MarkData
    path: str | None  # absolute, or another place of a picture; None: a mark without a picture
    from_manifest: bool  # the mark has register data and stands without its picture
    warnings: tuple[str, ...] = ()
    held: Held | None = None  # the picture's file, where the row was read together with it


def picture_row(name: str, held: Held | None = None) -> Row | PictureError:
    """The row of a picture that is a mark of its own."""
    problem = name_problem(name)
    if problem is not None:
        return problem
    return Row(MarkData(key=file_key(name), source=name), name, from_manifest=False, held=held)


def name_problem(name: str) -> PictureError | None:
    """Why no database can hold this name."""
    if not is_utf8(name):
        return PictureError(shown(name), "unreadable", "its name is not UTF-8; rename it")
    if "\0" in name or len(name.encode()) > MAX_PATH_BYTES:
        return PictureError(name, "unreadable", f"its path is over {MAX_PATH_BYTES} bytes")
    return None


def is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
