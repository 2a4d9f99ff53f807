"""What one picture may cost before it is refused."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from likemark.db.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class PictureLimits:
    """Bounds on the size of a picture and on the work spent on decoding it."""

    max_megapixels: float = 100.0  # width x height / 1e6, read from the header before decoding
    max_bytes: int = 64 * 2**20  # bytes of the file, and of an SVG once inflated
    seconds: float = 20.0  # wall time per picture; enforced by the pool, not by `decode`
    memory_mib: int = 4096  # MiB of address space of one decoding process, Linux only
    check_extension: bool = True  # refuse `logo.png` that holds a JPEG

    def __post_init__(self) -> None:
        _positive("max_megapixels", self.max_megapixels)
        _positive("max_bytes", self.max_bytes)
        _positive("seconds", self.seconds)
        if self.memory_mib < 512:
            raise InvalidInput(
                f"memory_mib is {self.memory_mib}: a decoding process needs 512 MiB or more"
            )

    @property
    def max_pixels(self) -> int:
        return int(self.max_megapixels * 1e6)

    def of_indexed(self) -> PictureLimits:
        """Of pictures that were read when they were indexed, whatever the limits were then."""
        usual = PictureLimits()
        return replace(
            self, check_extension=False,
            max_megapixels=max(self.max_megapixels, usual.max_megapixels),
            max_bytes=max(self.max_bytes, usual.max_bytes),
        )  # fmt: skip


def _positive(field: str, value: float) -> None:
    if not (math.isfinite(value) and value > 0):
        raise InvalidInput(f"{field} is {value}: it must be a finite number above zero")
