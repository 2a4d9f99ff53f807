"""Memory of processes, as Linux counts it; elsewhere nothing is known."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from likemark.benchmarks.speed_machine import PARENT, PROC

_KIB = 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; of files: what is mapped and stands in memory, and is let go when others need it."""

    resident: int
    of_files: int
    peak: int

    def __add__(self, other: Memory) -> Memory:
        return Memory(
            self.resident + other.resident,
            self.of_files + other.of_files,
            self.peak + other.peak,
        )

    def above(self, before: Memory) -> Memory:
        """What was added since; a peak is above what was resident before."""
        return Memory(
            max(self.resident - before.resident, 0),
            max(self.of_files - before.of_files, 0),
            max(self.peak - before.resident, 0),
        )


def memory_of(process: int | str = "self") -> Memory | None:
    """Of a process and all below it; None but on Linux."""
    if sys.platform != "linux":
        return None
    if process == "self":
        return _one("self")
    total = Memory(0, 0, 0)
    for number in _family(int(process)):
        total += _one(str(number))
    return total


def bytes_on_disk(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _one(process: str) -> Memory:
    try:
        lines = (PROC / process / "status").read_text().splitlines()
    except OSError:  # ended meanwhile
        return Memory(0, 0, 0)
    sizes = {
        name: _KIB * int(value.split()[0])
        for name, _, value in (line.partition(":") for line in lines)
        if name in ("VmRSS", "RssFile", "VmHWM")
    }
    return Memory(sizes.get("VmRSS", 0), sizes.get("RssFile", 0), sizes.get("VmHWM", 0))


def _family(first: int) -> Iterator[int]:
    parents: dict[int, int] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            parents[int(entry.name)] = int(fields[PARENT])
    wanted = [first]
    for number in wanted:
        yield number
        wanted += [child for child, parent in parents.items() if parent == number]
