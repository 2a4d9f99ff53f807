"""The machine a benchmark ran on, and how much time its cores gave to whom."""

from __future__ import annotations

import os
import platform
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from likemark.retrieval.devices import Device, cores

PROC = Path("/proc")
# Fields of /proc/stat's first line, after its name: waiting for a disk is idle too.
IDLE = slice(3, 5)
ALL = slice(0, 8)  # those after it are counted twice
# Fields of /proc/PID/stat after the command's name, which may hold spaces.
PARENT, USER, SYSTEM = 1, 11, 12


@dataclass(frozen=True, slots=True)
class Machine:
    cpu: str  # model name
    cores: int  # that this process may use
    memory_gib: float | None
    system: str
    python: str
    packages: dict[str, str]  # version by name
    device: str  # where the network ran: "cpu", "cuda:0 (NVIDIA H200)"
    bf16: bool  # the network's matrix work was done in bfloat16
    load: float | None  # processes that wanted to run in the minute before, on average


@dataclass(frozen=True, slots=True)
class Clock:
    """One reading of all clocks; the difference of two says where the time went."""

    wall: float  # s
    core: float  # s of all cores, by this process and its children
    idle: float | None  # s of all cores, by nobody; None where the system does not tell

    @classmethod
    def read(cls) -> Clock:
        """On other systems than Linux all cores are taken to be busy with us all the time."""
        wall = time.perf_counter()
        if sys.platform != "linux":
            return cls(wall, wall * cores(), None)
        return cls(wall, sum(os.times()[:4]) + _living_children(), _idle_seconds())


def describe_machine(device: Device) -> Machine:
    import faiss

    packages = {name: version(name) for name in ("likemark", "torch", "timm", "numpy", "pillow")}
    return Machine(
        cpu=_cpu_model(),
        cores=cores(),
        memory_gib=_memory_gib(),
        system=platform.platform(),
        python=platform.python_version(),
        packages={**packages, "faiss": str(faiss.__version__)},
        device=_device_name(device),
        bf16=device.bf16,
        load=round(os.getloadavg()[0], 2) if sys.platform != "win32" else None,
    )


def resident_bytes() -> int | None:
    """Memory of this process that is in use, None on other systems than Linux."""
    if sys.platform != "linux":
        return None
    pages = int((PROC / "self" / "statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def _idle_seconds() -> float | None:
    """None where this process may use some cores only: the others' idling is not its own."""
    if sys.platform != "linux" or cores() != os.cpu_count():
        return None
    ticks = (PROC / "stat").read_text().splitlines()[0].split()[1:]
    return sum(map(int, ticks[ALL][IDLE])) / os.sysconf("SC_CLK_TCK")


def _living_children() -> float:
    """CPU seconds of children that have not been waited for: `os.times` leaves them out."""
    if sys.platform != "linux":
        return 0.0
    ticks = 0
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:  # ended meanwhile
                continue
            if int(fields[PARENT]) == os.getpid():
                ticks += int(fields[USER]) + int(fields[SYSTEM])
    return ticks / os.sysconf("SC_CLK_TCK")


def _cpu_model() -> str:
    try:
        lines = (PROC / "cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _memory_gib() -> float | None:
    try:
        pages, size = os.sysconf("SC_PHYS_PAGES"), os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):
        return None
    return round(pages * size / 2**30, 1)


def _device_name(device: Device) -> str:
    import torch

    if not device.name.startswith("cuda"):
        return device.name
    return f"{device.name} ({torch.cuda.get_device_name(device.torch())})"
