"""From rows to entries: hash, look up, decode, embed, each stage a little ahead of the next.

Order is kept from end to end, so that a run writes the same rows in the same order however its
stages overlap.
"""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.db.ingest import Entry
from likemark.db.values import ImageFacts
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.places import is_elsewhere
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.rows import Budget, Held, Row

# Rows looked up in the catalogue with one question.
LOOKUP_ROWS = 64
# Files read side by side: more than cores, since a disk may be slow to answer.
HASH_THREADS = 4


@dataclass(slots=True)
class Job:
    """One row on its way."""

    row: Row
    content: bytes | None = None  # sha256 of the file, 32 bytes
    needed: bool = False  # to be decoded and embedded
    held: Held | None = None  # the file itself, where reading it again would take long
    result: Picture | ImageFacts | PictureError | None = None
    worker: str = ""  # which of several workers has read the file


class Stages(Protocol):
    """Who does the work: this process and its decoders, or workers on many machines."""

    def hashed(self, rows: Iterable[Row]) -> Iterator[Job]:
        """A job for each row, in order, its content known or the refusal its result."""
        ...

    def embedded(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, NDArray[np.float32] | None]]:
        """The jobs in order, those needed with their picture and vector or their refusal."""
        ...


@dataclass(slots=True)
class Pipeline:
    """known: which of some hashes have a vector already."""

    stages: Stages
    known: Callable[[list[bytes]], set[bytes]]
    _pending: set[bytes] = field(default_factory=set)  # under way, not yet in the catalogue
    _refused: dict[bytes, PictureError] = field(default_factory=dict)

    def entries(self, rows: Iterable[Row]) -> Iterator[Entry]:
        """One entry for each row, in order. A vector stands in the first entry of its content."""
        for job, vector in self.stages.embedded(self._looked_up(rows)):
            if job.content in self._refused:
                job.result = _of_its_bytes(job, self._refused[job.content])
            elif job.needed and isinstance(job.result, PictureError):
                assert job.content is not None
                self._refused[job.content] = job.result
            yield _entry(job, vector)

    def written(self, entries: Iterable[Entry]) -> None:
        """These are in the catalogue now: `known` will tell."""
        self._pending.difference_update(e.content for e in entries if e.content is not None)

    def _looked_up(self, rows: Iterable[Row]) -> Iterator[Job]:
        jobs = self.stages.hashed(rows)
        while part := list(islice(jobs, LOOKUP_ROWS)):
            contents = [job.content for job in part if job.content is not None]
            known = self.known(contents)
            for job in part:
                if job.content is not None and job.content not in known:
                    job.needed = (
                        job.content not in self._pending and job.content not in self._refused
                    )
                    self._pending.add(job.content)
                if not job.needed:
                    job.held = None
            yield from part


@dataclass(slots=True)
class LocalStages:
    """load: gives the embedder when the first picture needs it."""

    limits: PictureLimits
    pool: DecoderPool
    load: Callable[[], Embedder]
    _budget: Budget = field(default_factory=Budget)

    def hashed(self, rows: Iterable[Row]) -> Iterator[Job]:
        waiting: deque[Future[Job]] = deque()
        with ThreadPoolExecutor(HASH_THREADS, thread_name_prefix="hash") as threads:
            for row in rows:
                waiting.append(threads.submit(self._hash, row))
                if len(waiting) > 2 * LOOKUP_ROWS:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()

    def _hash(self, row: Row) -> Job:
        if row.path is None:
            return Job(row)
        try:
            given = None if row.held is None else row.held.data
            data, _kind = read_checked(Request(row.path, given), self.limits)
        except PictureError as refusal:
            return Job(row, result=refusal)
        held = row.held
        if held is None and is_elsewhere(row.path):
            held = self._budget.hold(data)
        return Job(without_bytes(row), hashlib.sha256(data).digest(), held=held)

    def _decoded(self, jobs: Iterable[Job]) -> Iterator[Job]:
        ahead = self.pool.workers * 8
        waiting: deque[tuple[Job, Future[Picture | PictureError] | None]] = deque()
        decoding = 0
        try:
            for job in jobs:
                future = self.pool.submit(_request(job)) if job.needed else None
                decoding += future is not None
                waiting.append((job, future))
                while waiting and (decoding > ahead or waiting[0][1] is None):
                    decoding -= waiting[0][1] is not None
                    yield _resolved(*waiting.popleft())
            while waiting:
                yield _resolved(*waiting.popleft())
        finally:
            for _, future in waiting:
                if future is not None:
                    future.cancel()

    def embedded(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, NDArray[np.float32] | None]]:
        """The network is loaded when the first picture needs it: a run without any is quick."""
        jobs = self._decoded(jobs)
        for job in jobs:
            if isinstance(job.result, Picture):
                yield from self.load().stream(chain([job], jobs), lambda job: _pixels(job))
                return
            yield job, None


def _pixels(job: Job) -> NDArray[np.uint8] | None:
    return job.result.pixels if isinstance(job.result, Picture) else None


def without_bytes(row: Row) -> Row:
    return row if row.held is None else replace(row, held=None)


def _request(job: Job) -> Request:
    held, job.held = job.held, None
    return Request(job.row.path or "", None if held is None else held.data)


def _resolved(job: Job, future: Future[Picture | PictureError] | None) -> Job:
    if future is not None:
        job.result = future.result()
        if isinstance(job.result, Picture) and job.result.content != job.content:
            changed = "the file changed while it was read; run again"
            job.result = PictureError(job.row.path or "", "unreadable", changed)
    return job


def _of_its_bytes(job: Job, earlier: PictureError) -> PictureError:
    """The refusal of a file whose bytes were refused before, under another name."""
    name = job.row.path or ""
    if earlier.reason in ("missing", "unreadable"):  # of the other file, not of its bytes
        return PictureError(name, "unreadable", "a file with the same bytes went; run again")
    return PictureError(name, earlier.reason, earlier.detail)


def _entry(job: Job, vector: NDArray[np.float32] | None) -> Entry:
    facts = facts_of(job.result) if isinstance(job.result, Picture) else None
    error = job.result if isinstance(job.result, PictureError) else None
    return Entry(
        mark=job.row.mark,
        path=job.row.path,
        content=None if error else job.content,
        facts=job.result if isinstance(job.result, ImageFacts) else facts,
        vector=vector,
        error=error,
        create=job.row.from_manifest or error is None,
        bare=not job.row.from_manifest,
    )


def facts_of(picture: Picture) -> ImageFacts:
    return ImageFacts(
        picture.content, picture.artwork, picture.width, picture.height, picture.format
    )
