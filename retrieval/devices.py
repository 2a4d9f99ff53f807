"""Where the network runs, and in which precision."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from typing import TYPE_CHECKING

from likemark.db.errors import InvalidInput

if TYPE_CHECKING:
    from concurrent.futures import ProcessPoolExecutor

    import torch
    from torch import nn

AUTO = "auto"


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

    def precision(self) -> AbstractContextManager[object]:
        """In which networks compute: bfloat16 where the device is fast at it."""
        import torch

        if not self.bf16:
            return nullcontext()
        return torch.autocast(self.torch().type, dtype=torch.bfloat16)

    def settle(self, network: nn.Module) -> None:
        """Keep its weights as `precision` multiplies them: the same results, none converted twice.

        For networks that are not trained, and run within `precision` alone.
        """
        import torch

        if self.bf16:
            for layer in network.modules():
                # Others may do more with their weights than multiply by them.
                if type(layer) in (torch.nn.Linear, torch.nn.Conv2d):
                    layer.to(torch.bfloat16)


def processes() -> ProcessPoolExecutor:
    """One for each core; they end when this one has gone, however that ended."""
    from concurrent.futures import ProcessPoolExecutor

    spawn = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(cores(), mp_context=spawn, initializer=_end_with_parent)


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_end_after, args=[parent], daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def choose_device(setting: str = AUTO) -> Device:
    """CUDA, then MPS, then the CPU; bfloat16 where the hardware multiplies it natively.

    Raises InvalidInput for a device that is not there.
    """
    import torch

    name = device_name(setting, _present())
    if name.startswith("cuda"):
        return Device(name, torch.cuda.is_bf16_supported(False))
    return Device(name, name == "cpu" and _cpu_has_bf16())


def device_name(setting: str, there: Mapping[str, int]) -> str:
    """torch's name of a device; there: how many there are of each kind, the best kind first.

    Raises InvalidInput for a device that is not there.
    """
    names = [f"{kind}:{n}" for kind, count in there.items() for n in range(count)]
    names = [name if name.startswith("cuda") else name.removesuffix(":0") for name in names]
    name = names[0] if setting == AUTO else "cuda:0" if setting == "cuda" else setting
    if name not in names:
        raise InvalidInput(f"device {setting!r}: there are: auto, {', '.join(names)}")
    return name


def cores() -> int:
    """Processor cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on macOS and Windows
        return os.cpu_count() or 1


def _present() -> dict[str, int]:
    import torch

    cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    return {"cuda": cuda, "mps": int(torch.backends.mps.is_available()), "cpu": 1}


def _cpu_has_bf16() -> bool:
    import torch

    has = torch.cpu.get_capabilities()
    return bool(has.get("avx512_bf16") or has.get("amx_bf16"))
