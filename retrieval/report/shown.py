"""A page's pictures, each stored once: where it stands again, it is referred to."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture at one place of a page."""

    address: str | None  # data address; None: it stands further up
    id: str | None  # of the picture, that other places refer to; None: it stands here alone


class Pictures:
    """Told in the order of the page."""

    def __init__(self, addresses: Iterable[str | None]) -> None:
        """addresses: of all places"""
        self._times = Counter(addresses)
        self._ids: dict[str, str] = {}

    def show(self, address: str | None) -> Shown | None:
        """None: there is no picture."""
        if address is None:
            return None
        if self._times[address] == 1:
            return Shown(address, None)
        if address in self._ids:
            return Shown(None, self._ids[address])
        own = self._ids[address] = f"picture-{len(self._ids) + 1}"
        return Shown(address, own)
