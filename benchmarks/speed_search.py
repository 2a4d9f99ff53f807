"""Search among synthetic vectors: latency of one query, memory per mark, time to build.

Every index is built, weighed and searched in a process of its own, so that no other's memory is
counted: `python -m likemark.benchmarks.speed_search --vectors 10000` prints one JSON document. The
vectors come in small parts and are let go, so what the process has grown by at the end is the
index. A search is of the index alone: decoding, the network and the catalogue are not in it.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.speed_machine import resident_bytes
from likemark.benchmarks.speed_vectors import PART, Rows, nearest, queries, recall, vectors
from likemark.db.errors import LikemarkError, one_line
from likemark.index.factory import AUTO, EXACT, EXACT_BELOW
from likemark.index.faiss_index import FaissIndex
from likemark.index.local import LocalIndex, build_local

K = 40  # hits asked for, as `likemark query -k 20` asks
RECALL_K = 10
WARM_UP = 5  # searches before the clock runs
# glibc keeps smaller blocks for later: what was let go would be weighed as if it were held.
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(64 * 2**10)}


@dataclass(frozen=True, slots=True)
class SearchSpeed:
    """One index of N vectors of D dimensions. A mark is one vector with its id."""

    vectors: int
    dimension: int
    index: str  # FAISS factory string
    exact: bool
    queries: int  # timed one by one
    build_seconds: float  # training and adding
    p50_ms: float  # of one query
    p95_ms: float
    recall_at_10: float  # of the true ten nearest
    raw_bytes: float  # per mark: a float32 vector
    stored_bytes: float  # per mark, as the index counts them
    resident_bytes: float | None  # per mark, by which the process grew; None but on Linux
    memory_ratio: float  # resident (or else stored) bytes / raw bytes


def measure_search(
    count: int, *, dimension: int, index: str = EXACT, queries: int = 200
) -> SearchSpeed:
    """In a process of its own. Raises LikemarkError when that fails."""
    command = [
        sys.executable, "-P", "-m", "likemark.benchmarks.speed_search",
        "--vectors", str(count), "--dimension", str(dimension), "--index", index,
        "--queries", str(queries),
    ]  # fmt: skip
    environment = {**os.environ, **_ENVIRONMENT}
    done = subprocess.run(
        command, capture_output=True, text=True, encoding="utf-8", env=environment
    )
    if done.returncode:
        last = one_line((done.stderr.strip().splitlines() or ["no message"])[-1])
        raise LikemarkError(f"search among {count} vectors: {last}; exit code {done.returncode}")
    return SearchSpeed(**json.loads(done.stdout))


def engines(count: int) -> tuple[str, ...]:
    """What is measured for so many vectors: exact search, and "auto" where it chooses another."""
    return (EXACT,) if count < EXACT_BELOW else (EXACT, AUTO)


def search_speed(count: int, *, dimension: int, setting: str, asked: int) -> SearchSpeed:
    """In this process, whose memory should hold nothing yet."""
    with TemporaryDirectory() as folder:
        return _speed(count, dimension, setting, asked, Path(folder))


def _speed(count: int, dimension: int, setting: str, asked: int, folder: Path) -> SearchSpeed:
    _warm_up(dimension)
    before = resident_bytes()
    start = time.perf_counter()
    index = _built(count, dimension, setting, folder)
    seconds = time.perf_counter() - start
    gc.collect()
    after = resident_bytes()
    raw = 4.0 * dimension
    stored = index.stats().bytes_in_memory / count
    resident = None if before is None or after is None else (after - before) / count
    lone = queries(asked, dimension)
    times, found = _search(index, lone)
    true = nearest(lone, vectors(count, dimension), min(RECALL_K, count))
    return SearchSpeed(
        vectors=count,
        dimension=dimension,
        index=index.factory,
        exact=index.stats().exact,
        queries=asked,
        build_seconds=seconds,
        p50_ms=float(np.percentile(times, 50)),
        p95_ms=float(np.percentile(times, 95)),
        recall_at_10=recall(found[:, :RECALL_K], true),
        raw_bytes=raw,
        stored_bytes=stored,
        resident_bytes=resident,
        memory_ratio=(stored if resident is None else resident) / raw,
    )


def _warm_up(dimension: int) -> None:
    """Load what making vectors, adding and searching load, before the memory is read."""
    index = FaissIndex.create(EXACT, dimension=dimension)
    for ids, rows in vectors(PART, dimension):
        index.add(ids[:1], rows[:1])
    index.search(queries(1, dimension), K)


def _built(count: int, dimension: int, setting: str, folder: Path) -> LocalIndex:
    return build_local(
        setting, lambda: vectors(count, dimension), folder, dimension=dimension, count=count
    )


def _search(index: LocalIndex, lone: Rows) -> tuple[list[float], NDArray[np.int64]]:
    """ms of each query, and the ids found (Q, K)."""
    for row in lone[:WARM_UP]:
        index.search(row[None], K)
    times, found = [], []
    for row in lone:
        start = time.perf_counter()
        hits = index.search(row[None], K)
        times.append(1000 * (time.perf_counter() - start))
        found.append(hits.ids[0])
    return times, np.stack(found)


def main() -> None:
    parser = argparse.ArgumentParser(description="Build and search one index of random vectors.")
    parser.add_argument("--vectors", type=int, required=True)
    parser.add_argument("--dimension", type=int, default=320)
    parser.add_argument("--index", default=EXACT, help="FAISS factory string, or auto")
    parser.add_argument("--queries", type=int, default=200)
    given = parser.parse_args()
    speed = search_speed(
        given.vectors, dimension=given.dimension, setting=given.index, asked=given.queries
    )
    print(json.dumps(asdict(speed)))


if __name__ == "__main__":
    main()
