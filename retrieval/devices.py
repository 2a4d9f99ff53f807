"""Where the network runs, and in which precision."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    import torch

AUTO = "auto"
KINDS = ("cpu", "cuda", "mps")


@dataclass(frozen=True, slots=True)
class Device:
    name: str  # torch's: "cpu", "cuda:0", "mps"
    bf16: bool  # matrix work in bfloat16

    @property
    def is_cpu(self) -> bool:
        return self.name == "cpu"

    def torch(self) -> torch.device:
        import torch

        return torch.device(self.name)


def choose_device(setting: str = AUTO) -> Device:
    """CUDA, then MPS, then the CPU; bfloat16 where the hardware multiplies it natively.

    Raises InvalidInput for a device that is not there.
    """
    import torch

    there = _present()
    name = there[0] if setting == AUTO else setting
    kind = name.split(":")[0]
    if kind not in there:
        raise InvalidInput(f"device {setting!r}: there are: auto, {', '.join(there)}")
    if kind == "cuda":
        return Device(name if ":" in name else "cuda:0", torch.cuda.is_bf16_supported(False))
    return Device(kind, kind == "cpu" and _cpu_has_bf16())


def cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _present() -> list[str]:
    import torch

    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    return [kind for kind, is_there in there.items() if is_there] + ["cpu"]


def _cpu_has_bf16() -> bool:
    import torch

    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))
