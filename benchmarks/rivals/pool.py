"""Work on pictures over all cores, without holding more of them than are being worked on."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from likemark.retrieval.devices import cores
from likemark.retrieval.ordered import in_order

Item = TypeVar("Item")
Result = TypeVar("Result")

# Results that may wait for the one before them, for each core.
_AHEAD = 8


def worked(work: Callable[[Item], Result], items: Iterable[Item]) -> Generator[Result, None, None]:
    """work(item) of each item, in order; raises what `work` or the items raise."""
    workers = cores()
    with ThreadPoolExecutor(workers) as pool:
        yield from in_order(lambda item: pool.submit(work, item), items, ahead=workers * _AHEAD)
