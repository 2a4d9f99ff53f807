"""The stages of a run whose work is done by a team: rows in, answers out, in order.

The driver lists rows, asks the catalogue and writes it; a few chunks for each worker are under way
at any time, and no more wait. One process alone writes, in order and in transactions: whatever dies
and is tried again elsewhere, a picture is in the catalogue once.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, replace
from itertools import count, islice

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import PictureError
from likemark.retrieval.devices import AUTO
from likemark.retrieval.distributed.cluster import Cluster, joined
from likemark.retrieval.distributed.options import Terms, WorkerOptions
from likemark.retrieval.distributed.team import DEPTH, Call, Team, embedding, hashing
from likemark.retrieval.distributed.worker import Answer, Assignment, Given
from likemark.retrieval.embedder import BATCH, MAX_GROUP
from likemark.retrieval.models import FoundModel
from likemark.retrieval.ordered import in_order
from likemark.retrieval.pictures.decode import read_checked
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.pipeline import Job, without_bytes
from likemark.retrieval.rows import Budget, Row

Vector = NDArray[np.float32]
# What a worker says of a file that it cannot get at: the driver may.
_OUT_OF_REACH = ("missing", "unreadable")
# While the driver reads for workers that cannot, every so many-th chunk is theirs to try again.
_TRIED_AGAIN = 16


@contextmanager
def joined_stages(
    options: WorkerOptions, model: FoundModel, *, limits: PictureLimits, device: str = AUTO
) -> Iterator[RemoteStages]:
    """Workers for one run; they and a Ray of our own end with the block.

    Raises LikemarkError where there is no Ray, no cluster or no worker.
    """
    files = model.card.check_weights(model.folder)
    with joined(options, sum(file.stat().st_size for file in files), device) as cluster:
        import ray

        assignment = Assignment(
            card=asdict(model.card),
            fingerprint=model.card.fingerprint,
            weights=tuple(ray.put(np.fromfile(file, np.uint8)) for file in files),
            limits=limits,
            device=cluster.device,
            decoders=cluster.decoders,
            inspect=options.inspect,
        )
        team = Team(assignment, _terms(cluster, options, limits))
        chunk = options.chunk or 2 * BATCH["cuda" if cluster.gpus else "cpu"]
        threads = ThreadPoolExecutor(cluster.workers * DEPTH + 1, thread_name_prefix="workers")
        try:
            team.start()
            yield RemoteStages(team, threads, limits, chunk=chunk, ahead=3 * cluster.workers + 2)
        finally:
            team.close()
            threads.shutdown(wait=True, cancel_futures=True)


def _terms(cluster: Cluster, options: WorkerOptions, limits: PictureLimits) -> Terms:
    return Terms(
        count=cluster.workers,
        cpus=cluster.cpus,
        gpus=cluster.gpus,
        retries=options.retries,
        patience=options.patience,
        seconds=limits.seconds,
    )


class RemoteStages:
    """team: does the work; chunk: pictures handed out at once; ahead: chunks under way."""

    def __init__(
        self,
        team: Team,
        threads: ThreadPoolExecutor,
        limits: PictureLimits,
        *,
        chunk: int,
        ahead: int,
    ) -> None:
        self._team = team
        self._threads = threads
        self._limits = limits
        self._chunk = chunk
        self._ahead = ahead
        self._budget = Budget()
        self._lost = False  # of the last chunk that workers were to read, they reached nothing
        self._shipped = count(1)  # chunks since, counted by many threads

    def hashed(self, rows: Iterable[Row]) -> Iterator[Job]:
        for jobs in in_order(self._begin_hashing, _parts(rows, self._chunk), ahead=self._ahead):
            yield from jobs

    def embedded(self, jobs: Iterator[Job]) -> Iterator[tuple[Job, Vector | None]]:
        for pairs in in_order(self._begin_embedding, _groups(jobs, self._chunk), ahead=self._ahead):
            yield from pairs

    def _begin_hashing(self, rows: list[Row]) -> Future[list[Job]]:
        return self._threads.submit(self._hash, rows)

    def _begin_embedding(self, jobs: list[Job]) -> Future[list[tuple[Job, Vector | None]]]:
        return self._threads.submit(self._embed, jobs)

    def _hash(self, rows: list[Row]) -> list[Job]:
        ships = self._lost and next(self._shipped) % _TRIED_AGAIN != 0
        jobs = [self._hashed_here(row, ships=ships) for row in rows]
        asked = [job for job in jobs if job.content is None and _is_open(job)]
        for job, answer in zip(asked, self._answers(hashing, asked), strict=True):
            job.content, job.worker = answer.content, answer.worker
            job.result = _refusal(job, answer)
        return jobs

    def _hashed_here(self, row: Row, *, ships: bool) -> Job:
        """Bytes that the driver has are hashed by it: they need not travel to be known.

        ships: it reads those that it does not have, since the workers cannot
        """
        job = Job(without_bytes(row), held=row.held)
        if row.path is None or (row.held is None and not ships):
            return job
        try:
            given = None if row.held is None else row.held.data
            data, _kind = read_checked(Request(row.path, given), self._limits)
        except PictureError as refusal:
            if refusal.reason in _OUT_OF_REACH:
                return job  # a worker may get at it
            return Job(job.row, result=refusal)
        job.held = row.held or self._budget.hold(data)
        job.content = hashlib.sha256(data).digest()
        return job

    def _embed(self, jobs: list[Job]) -> list[tuple[Job, Vector | None]]:
        needed = [job for job in jobs if job.needed]
        answers = iter(self._answers(embedding, needed))
        pairs: list[tuple[Job, Vector | None]] = []
        for job in jobs:
            answer = next(answers) if job.needed else None
            if answer is not None:
                job.result, job.held = _refusal(job, answer) or answer.facts, None
            pairs.append((job, None if answer is None else answer.vector))
        return pairs

    def _answers(self, call: Call, jobs: Sequence[Job]) -> list[Answer]:
        """The team's answers; what a worker could not get at is read here and sent again.

        No worker is named by the answer to what was sent: none has read it.
        """
        if not jobs:
            return []
        given = [self._given(job) for job in jobs]
        answers = self._team.ask(call, given, jobs[0].worker)
        asked = [n for n, one in enumerate(given) if one.data is None]
        missed = [n for n in asked if _reason(answers[n]) in _OUT_OF_REACH]
        again = {n: replace(given[n], data=self._bytes(jobs[n])) for n in missed}
        again = {n: one for n, one in again.items() if one.data is not None}
        if missed != asked or again:  # else there may be no such pictures anywhere
            self._lost = missed == asked
        if again:
            sent = self._team.ask(call, list(again.values()))
            for n, answer in zip(again, sent, strict=True):
                answers[n] = replace(answer, worker="")
        return answers

    def _given(self, job: Job) -> Given:
        """What no worker has read is sent to them, once its content is known."""
        data = None if job.held is None else job.held.data
        if data is None and job.content is not None and not job.worker:
            data = self._bytes(job)
        return Given(job.row.path or "", data, job.content)

    def _bytes(self, job: Job) -> bytes | None:
        """The file as this machine reads it; None where it is refused here too."""
        try:
            return read_checked(Request(job.row.path or ""), self._limits)[0]
        except PictureError:
            return None


def _parts(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    rows = iter(rows)
    while part := list(islice(rows, size)):
        yield part


def _groups(jobs: Iterator[Job], size: int) -> Iterator[list[Job]]:
    """Consecutive jobs with `size` pictures to embed; those without must not pile up."""
    group: list[Job] = []
    needed = 0
    for job in jobs:
        group.append(job)
        needed += job.needed
        if needed == size or len(group) == MAX_GROUP:
            yield group
            group, needed = [], 0
    if group:
        yield group


def _is_open(job: Job) -> bool:
    return job.row.path is not None and job.result is None


def _reason(answer: Answer) -> str | None:
    return None if answer.refusal is None else answer.refusal[0]


def _refusal(job: Job, answer: Answer) -> PictureError | None:
    if answer.refusal is None:
        return None
    return PictureError(job.row.path or "", *answer.refusal)
