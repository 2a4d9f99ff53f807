"""Pictures decoded in parallel, each behind a process boundary.

A codec that crashes, stalls or eats memory costs one picture: its process is replaced.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from types import TracebackType
from typing import Self

from likemark.db.errors import InvalidInput, PictureError
from likemark.retrieval.devices import cores
from likemark.retrieval.ordered import in_order
from likemark.retrieval.pictures.child import Child
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.places import is_elsewhere, read_elsewhere

# Requests taken ahead per worker: enough that none waits while the consumer works on a batch.
_AHEAD = 8

Result = Picture | PictureError


class DecoderPool:
    """A set of decoding processes, started as they are needed; use it in a `with` statement.

    size: S, px, side of the square results
    workers: processes; None: as many as CPU cores are available
    """

    def __init__(
        self,
        *,
        size: int,
        limits: PictureLimits = PictureLimits(),  # noqa: B008
        workers: int | None = None,
    ) -> None:
        if size < 1:
            raise InvalidInput(f"size is {size}: the side of a square must be 1 px or more")
        if workers is not None and workers < 1:
            raise InvalidInput(f"workers is {workers}: a pool needs 1 or more")
        self.size = size
        self.limits = limits
        self.workers = workers or cores()
        self._lock = threading.Lock()
        self._idle: list[Child] = []
        self._all: set[Child] = set()
        self._closed = False
        self._threads = ThreadPoolExecutor(self.workers, thread_name_prefix="decode")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def submit(self, request: Request) -> Future[Result]:
        """Decode one picture in the background."""
        return self._threads.submit(self._decode, request)

    def map(self, requests: Iterable[Request]) -> Iterator[Result]:
        """Decode every request, in order; a refused picture is its PictureError, as a value.

        Requests are taken as results are taken, a few per worker ahead of them.
        Raises LikemarkError where decoding processes cannot be started at all.
        """
        yield from in_order(self.submit, requests, ahead=self.workers * _AHEAD)

    def close(self) -> None:
        """End every process and thread; an iterator of `map` is then of no use."""
        with self._lock:
            self._closed = True
            children = list(self._all)
        self._threads.shutdown(wait=False, cancel_futures=True)
        for child in children:
            child.kill()
        self._threads.shutdown(wait=True)
        for child in self._all:
            child.close()
        self._all.clear()
        self._idle.clear()

    def _decode(self, request: Request) -> Result:
        if request.data is None and is_elsewhere(request.name):
            # Here, where a store's connections and a shard's table are kept.
            try:
                request = replace(request, data=read_elsewhere(request.name, self.limits))
            except PictureError as refusal:
                return refusal
        child = self._take()
        try:
            result = child.ask(request)
        except BaseException:  # its pipes may hold half a frame
            self._discard(child)
            raise
        self._give_back(child)
        return result

    def _take(self) -> Child:
        with self._lock:
            child = self._idle.pop() if self._idle else None
        if child is not None and child.alive:
            return child
        if child is not None:
            self._discard(child)
        # Outside the lock: processes start side by side.
        child = Child(self.size, self.limits)
        with self._lock:
            self._all.add(child)
            if self._closed:
                child.kill()
        return child

    def _give_back(self, child: Child) -> None:
        with self._lock:
            if self._closed:
                return
            if child.alive:
                self._idle.append(child)
                return
        self._discard(child)

    def _discard(self, child: Child) -> None:
        with self._lock:
            self._all.discard(child)
        child.close()
