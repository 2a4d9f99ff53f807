"""What is taken of an opened index: recall, latency, throughput, filters, rates. Q: queries."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.metrics.bootstrap import Interval, bootstrap
from likemark.benchmarks.scale.engines.engine import Engine, Job, NotOffered
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.truth import Nearest, Truth
from likemark.benchmarks.scale.vectors import FILTERS, Filter

K, FAR = 10, 100  # hits asked for
TARGETS = (0.97, 0.99)  # recall@10
BATCH = 256
ADDED = 20_000  # vectors, at most
_CHANGED = 1000  # vectors a call
_WARM_UP = 5
_TRIED = 40  # queries that choose the number of threads


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    tuning: Rows  # (T, D): choose the effort
    tuning_truth: Nearest
    queries: Rows  # (Q, D): are measured
    truth: Truth  # of `queries`; behind filters, of the first of them
    seconds: float  # at most for each latency; three times as much for all single queries

    @classmethod
    def of(cls, queries: Rows, truth: Truth, *, tuning: int, seconds: float) -> Asked:
        """The last `tuning` queries choose; the others are measured."""
        first = len(queries) - tuning
        measured = Truth(truth.whole[:first], truth.filtered)
        return cls(queries[first:], truth.whole[first:], queries[:first], measured, seconds)


@dataclass(frozen=True, slots=True)
class Latency:
    queries: int
    p50: float  # ms
    p95: float
    p99: float


@dataclass(frozen=True, slots=True)
class Point:
    """Search at one effort."""

    target: float  # recall@10 that was wanted
    reached: bool  # by the queries that choose
    effort: int | None  # None: its own
    recall_10: float
    interval_10: Interval  # 95 %
    recall_100: float
    interval_100: Interval
    threads: int | None  # of a single query, the faster number; None: as it likes
    single: Latency
    batched: float  # queries/s, 256 at a time, with all cores


@dataclass(frozen=True, slots=True)
class Filtered:
    kind: str
    selectivity: float
    allowed: int  # vectors
    recall_10: float
    interval: Interval
    single: Latency  # handing over the allowed ids is part of it


@dataclass(frozen=True, slots=True)
class Rates:
    added: float | None  # vectors/s; None: not offered
    removed: float | None


def points(engine: Engine, job: Job, asked: Asked) -> tuple[Point, ...]:
    """One for each target, ascending; of an engine that promises a recall, for that alone."""
    made: dict[int | None, Point] = {}
    found = []
    for target, (effort, reached) in sorted(_efforts(engine, asked).items()):
        if effort not in made:
            made[effort] = _point(engine, job, asked, effort)
        found.append(replace(made[effort], target=target, reached=reached))
    return tuple(found)


def filtered(engine: Engine, job: Job, asked: Asked, effort: int | None) -> tuple[Filtered, ...]:
    """None where the engine cannot."""
    found = []
    for wanted in FILTERS:
        try:
            found.append(_filtered(engine, job, asked, effort, wanted))
        except NotOffered:
            return ()
    return tuple(found)


def rates(engine: Engine, job: Job) -> Rates:
    """Vectors that are not there yet are added, then some of the first are removed."""
    count = added_count(job.count)
    parts = list(job.vectors.stream(job.count + count, start=job.count, part=_CHANGED))
    added = _rate([partial(engine.add, *part) for part in parts], count)
    gone = np.random.default_rng(0).permutation(job.count)[:count].astype(np.int64)
    lots = [gone[start : start + _CHANGED] for start in range(0, len(gone), _CHANGED)]
    removed = _rate([partial(engine.remove, lot) for lot in lots], len(gone))
    return Rates(added, removed)


def added_count(size: int) -> int:
    return min(ADDED, max(size // 10, 1))


def _efforts(engine: Engine, asked: Asked) -> dict[float, tuple[int | None, bool]]:
    """The least effort for each target, else the most there is, and whether that reached it."""
    left = list(TARGETS) if engine.promise is None else [engine.promise]
    found: dict[float, tuple[int | None, bool]] = {}
    efforts = engine.efforts or (None,)
    for effort in efforts:
        ids = engine.search(asked.tuning, K, effort)
        recall = float(asked.tuning_truth.recall(ids, K).mean())
        while left and recall >= left[0]:
            found[left.pop(0)] = (effort, True)
        if not left:
            break
    return {**found, **{target: (efforts[-1], False) for target in left}}


def _point(engine: Engine, job: Job, asked: Asked, effort: int | None) -> Point:
    engine.use_threads(job.threads)
    near = asked.truth.whole.recall(engine.search(asked.queries, K, effort), K)
    far = asked.truth.whole.recall(engine.search(asked.queries, FAR, effort), FAR)

    def ask(row: Rows) -> None:
        engine.search(row, K, effort)

    batched = _throughput(ask, asked)
    threads = _faster(engine, job, ask, asked)
    single = _latency(ask, asked.queries, 3 * asked.seconds)
    engine.use_threads(job.threads)
    return Point(0.0, False, effort, *_mean(near), *_mean(far), threads, single, batched)


def _filtered(
    engine: Engine, job: Job, asked: Asked, effort: int | None, wanted: Filter
) -> Filtered:
    truth, allowed = asked.truth.filtered[wanted], job.vectors.allowed(job.count, wanted)
    queries = asked.queries[: len(truth.ids)]
    # Another array each time, as another query brings: what is kept of the last is of no use.
    handed = itertools.cycle([allowed, allowed.copy()])

    def ask(rows: Rows) -> NDArray[np.int64]:
        return engine.search_within(rows, K, effort, allowed=next(handed), wanted=wanted)

    recall, interval = _mean(truth.recall(ask(queries), K))
    single = _latency(ask, queries, asked.seconds)
    return Filtered(wanted.kind, wanted.selectivity, len(allowed), recall, interval, single)


def _faster(engine: Engine, job: Job, ask: Callable[[Rows], object], asked: Asked) -> int | None:
    """One thread or all for a single query; it stays so."""
    times = {}
    for threads in sorted({1, job.threads}):
        if not engine.use_threads(threads):
            return None
        times[threads] = _latency(ask, asked.queries[:_TRIED], asked.seconds).p50
    best = min(times, key=lambda threads: times[threads])
    engine.use_threads(best)
    return best


def _latency(ask: Callable[[Rows], object], queries: Rows, seconds: float) -> Latency:
    """Each query once, or as many as there is time for."""
    for row in queries[:_WARM_UP]:
        ask(row[None])
    times: list[float] = []
    end = time.perf_counter() + seconds
    for row in queries:
        start = time.perf_counter()
        ask(row[None])
        times.append(1000 * (time.perf_counter() - start))
        if time.perf_counter() > end:
            break
    return Latency(len(times), *(float(cut) for cut in np.percentile(times, (50, 95, 99))))


def _throughput(ask: Callable[[Rows], object], asked: Asked) -> float:
    """Queries/s, from a fifth of the time of a latency."""
    batches = [asked.queries[at : at + BATCH] for at in range(0, len(asked.queries), BATCH)]
    whole = [batch for batch in batches if len(batch) == BATCH] or batches[:1]
    done, start = 0, time.perf_counter()
    for batch in itertools.cycle(whole):
        ask(batch)
        done += len(batch)
        if (seconds := time.perf_counter() - start) > asked.seconds / 5:
            return done / seconds
    raise AssertionError("cycles do not end")


def _mean(values: NDArray[np.float64]) -> tuple[float, Interval]:
    return float(values.mean()), bootstrap(values, np.arange(len(values)))


def _rate(calls: Sequence[Callable[[], object]], count: int) -> float | None:
    start = time.perf_counter()
    try:
        for call in calls:
            call()
    except NotOffered:
        return None
    return count / (time.perf_counter() - start)
