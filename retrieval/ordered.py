"""Work given to others, its results taken in order, a bounded number of them at a time."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


def in_order(
    submit: Callable[[Item], Future[Result]], items: Iterable[Item], *, ahead: int
) -> Generator[Result, None, None]:
    """The result of each item, in order; items are taken as results are taken.

    submit: starts the work on one item
    ahead: how many may be under way or wait to be taken, 1 or more
    Raises what the work, `submit` or the items raise; what has not begun is then cancelled.
    """
    waiting: deque[Future[Result]] = deque()
    try:
        for item in items:
            waiting.append(submit(item))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
