"""One engine at one size, in a process of its own, whose memory holds nothing else.

`python -m likemark.benchmarks.scale.child` reads a `Task` as JSON from standard input, and prints
what it measured as JSON. Building and serving are two processes: what building left in memory is no
part of what serving needs.
"""

from __future__ import annotations

import gc
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from likemark.benchmarks.scale.engines.engine import Engine, Job
from likemark.benchmarks.scale.engines.registry import contenders
from likemark.benchmarks.scale.measures import Asked, filtered, points, rates
from likemark.benchmarks.scale.truth import exact
from likemark.benchmarks.scale.vectors import Vectors
from likemark.benchmarks.scale.weigh import Memory, bytes_on_disk, memory_of

_WARM_UP = 64  # vectors of an index that loads what every index loads


@dataclass(frozen=True, slots=True)
class Task:
    stage: str  # "build" or "serve"
    engine: str  # a contender's name
    vectors: str  # folder
    dimension: int
    count: int
    folder: str  # of the index
    threads: int
    queries: str  # .npy file
    key: str  # of the truth
    tuning: int  # so many of the queries choose the effort
    filtered: int  # so many are asked behind filters
    seconds: float  # for each latency

    @property
    def job(self) -> Job:
        vectors = Vectors(Path(self.vectors), self.dimension)
        return Job(vectors, self.count, Path(self.folder), self.threads)


def build(task: Task, engine: Engine) -> dict[str, Any]:
    before = _weighed(engine)
    start = time.perf_counter()
    engine.build(task.job)
    seconds = time.perf_counter() - start
    return {"build_seconds": seconds, "build_peak": _above(engine, before, "peak")}


def serve(task: Task, engine: Engine) -> dict[str, Any]:
    asked = _asked(task)
    before = _weighed(engine)
    start = time.perf_counter()
    engine.open(task.job)
    seconds = time.perf_counter() - start
    engine.use_threads(task.threads)
    disk = bytes_on_disk(Path(task.folder))
    found = points(engine, task.job, asked)
    gc.collect()
    resident = _above(engine, before, "resident")
    of_files = _above(engine, before, "of_files")
    last = found[-1]
    engine.use_threads(last.threads or task.threads)
    behind = filtered(engine, task.job, asked, last.effort)
    changes = rates(engine, task.job)
    return {
        "setting": engine.setting,
        "open_seconds": seconds,
        "disk": disk,
        "resident": resident,
        "of_files": of_files,
        "points": [asdict(point) for point in found],
        "filtered": [asdict(each) for each in behind],
        "rates": asdict(changes),
    }


def main() -> None:
    """Raises what the engine raises."""
    import faiss

    task = Task(**json.load(sys.stdin))
    faiss.omp_set_num_threads(task.threads)
    faiss.knn(np.eye(_WARM_UP, 8, dtype=np.float32), np.eye(_WARM_UP, 8, dtype=np.float32), 2)
    (contender,) = (each for each in contenders() if each.name == task.engine)
    engine = contender.make()
    try:
        found = {"build": build, "serve": serve}[task.stage](task, engine)
    finally:
        engine.close()
    print(json.dumps(found))


def _asked(task: Task) -> Asked:
    queries = np.load(task.queries)
    sizes = [task.count]
    truth = exact(task.job.vectors, queries, sizes, filtered=task.filtered, key=task.key)
    return Asked.of(queries, truth[task.count], tuning=task.tuning, seconds=task.seconds)


def _weighed(engine: Engine) -> Memory | None:
    """Of this process, or of the server that holds the index in its place."""
    return memory_of("self" if engine.server is None else engine.server)


def _above(engine: Engine, before: Memory | None, what: str) -> int | None:
    """Bytes; a server counts whole: it is there for the index alone."""
    after = _weighed(engine)
    if after is None or before is None:
        return None
    added = after if engine.server is not None else after.above(before)
    return {"peak": added.peak, "resident": added.resident, "of_files": added.of_files}[what]


if __name__ == "__main__":
    main()
