"""Every engine at every size, one after the other: the result of `likemark bench run scale`."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

import likemark.index
from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.scale.child import Task
from likemark.benchmarks.scale.engines.registry import Contender
from likemark.benchmarks.scale.fitting import fitted
from likemark.benchmarks.scale.kept import fill_catalogue
from likemark.benchmarks.scale.likeness import Likeness, likeness
from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.measures import added_count
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.truth import exact
from likemark.benchmarks.scale.vectors import Vectors
from likemark.db.errors import InvalidInput, LikemarkError, one_line
from likemark.retrieval.devices import cores
from likemark.retrieval.files import write_whole

SIZES = (10_000, 100_000, 1_000_000)
SMALLEST = 100
LAYOUT = 2  # of the kept rows: another is measured anew
_PACKAGES = ("faiss-gpu", "faiss-cpu", "usearch", "hnswlib", "pymilvus", "likemark")
# glibc keeps smaller blocks for later: what was let go would be weighed as if it were held.
_ENVIRONMENT = {"MALLOC_MMAP_THRESHOLD_": str(64 * 2**10)}


@dataclass(frozen=True, slots=True)
class Effort:
    """How long is measured."""

    queries: int = 1000
    tuning: int = 300  # more, which choose the effort
    filtered: int = 200  # of the queries, asked behind filters
    seconds: float = 10.0  # for each latency at most

    def __post_init__(self) -> None:
        if not 0 < self.filtered <= self.queries or self.tuning < 1:
            raise InvalidInput(f"{self}: give 1 query or more of each kind, and filtered of those")


@dataclass(frozen=True, slots=True)
class ScaleRow:
    engine: str
    own: bool  # likemark's
    vectors: int
    unavailable: str | None  # why there are no figures
    figures: dict[str, Any] | None  # what `child` measured; its sizes in bytes


@dataclass(frozen=True, slots=True)
class ScaleResult:
    data: str  # sha256 of the real vectors that others are drawn around
    dimension: int
    real: int  # vectors drawn around
    parts: int  # of the mixture
    kinship: float
    seed: int
    effort: Effort
    threads: int
    packages: dict[str, str]
    sizes: tuple[int, ...]
    likeness: tuple[Likeness, ...]  # real and drawn at equal N, then drawn at each size
    rows: tuple[ScaleRow, ...]  # by size, then in the order of the engines


def run_scale(
    material: Material,
    engines: Sequence[Contender],
    cache: Path,
    *,
    sizes: Sequence[int] = SIZES,
    named: bool = False,
    effort: Effort = Effort(),
    seed: int = 0,
    progress: Progress = lambda line: None,
) -> ScaleResult:
    """What is done is kept in the cache, and not done again.

    named: the engines were asked for by name: none is left out for its size
    Raises InvalidInput for a size that is too small, and LikemarkError when the disk is full.
    """
    sizes = tuple(sorted(set(sizes)))
    if not sizes or sizes[0] < SMALLEST:
        raise InvalidInput(f"--sizes {','.join(map(str, sizes))}: give {SMALLEST} or more")
    fit = fitted(material, cache / "scale", seed=seed, progress=progress)
    folder = cache / "scale" / _digest(material.digest, str(fit.kinship), str(seed))
    vectors = Vectors(folder, fit.mixture.dimension)
    most = sizes[-1] + added_count(sizes[-1])
    vectors.make(fit.mixture, most, kinship=fit.kinship, seed=seed, progress=progress)
    if any(engine.own for engine in engines):
        fill_catalogue(vectors, most, progress=progress)
    asked = effort.queries + effort.tuning
    if asked > len(material.held_out):
        progress(f"{len(material.held_out)} held-out pictures are asked {asked} times: give more")
    queries = material.queries(asked, seed=seed)
    asking = _Asking(vectors, queries, effort, cores(), progress)
    drawn = asking.truths(sizes)
    rows = [_row(contender, size, asking, named) for size in sizes for contender in engines]
    return ScaleResult(
        data=material.digest,
        dimension=vectors.dimension,
        real=len(material.known),
        parts=fit.mixture.parts,
        kinship=fit.kinship,
        seed=seed,
        effort=effort,
        threads=asking.threads,
        packages=_versions(),
        sizes=sizes,
        likeness=(*fit.likeness, *drawn),
        rows=tuple(rows),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Asking:
    """What is the same for all engines and sizes."""

    vectors: Vectors
    queries: Rows
    effort: Effort
    threads: int
    progress: Progress

    @property
    def key(self) -> str:
        effort = self.effort
        return f"{self.queries.shape} {effort.filtered} {_digest(self.queries.tobytes())}"

    def truths(self, sizes: Sequence[int]) -> list[Likeness]:
        found = exact(
            self.vectors, self.queries, sizes, filtered=self.effort.filtered, key=self.key,
            progress=self.progress,
        )  # fmt: skip
        np.save(self.queries_path, self.queries)
        return [likeness("drawn", size, found[size].whole.scores) for size in sizes]

    @property
    def queries_path(self) -> Path:
        return self.vectors.folder / f"queries-{_digest(self.key)}.npy"

    def task(self, stage: str, engine: str, size: int, folder: Path) -> Task:
        return Task(
            stage, engine, str(self.vectors.folder), self.vectors.dimension, size, str(folder),
            self.threads, str(self.queries_path), self.key, self.effort.tuning,
            self.effort.filtered, self.effort.seconds,
        )  # fmt: skip


def _row(contender: Contender, size: int, asking: _Asking, named: bool) -> ScaleRow:
    reason = contender.missing()
    if not reason and not named and contender.largest is not None and size > contender.largest:
        reason = f"left out above {contender.largest:,}; --rival '{contender.name}' measures it"
    if not reason:
        try:
            figures = _kept(contender, size, asking)
            return ScaleRow(contender.name, contender.own, size, None, figures)
        except LikemarkError as error:
            reason = str(error)
    asking.progress(f"{contender.name}, {size:,}: {reason}")
    return ScaleRow(contender.name, contender.own, size, reason, None)


def _kept(contender: Contender, size: int, asking: _Asking) -> dict[str, Any]:
    """The figures, from the folder where they are there."""
    facts = [asdict(asking.effort), asking.key, _versions(), LAYOUT, asking.threads]
    effort = json.dumps([*facts, _code()] if contender.own else facts)
    name = f"{_digest(contender.name, str(size))}-{_digest(effort)}"
    path = asking.vectors.folder / f"{name}.json"
    if path.exists():
        figures: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return figures
    asking.progress(f"{contender.name}, {size:,}: building")
    index = asking.vectors.folder / f"{name}.index"
    shutil.rmtree(index, ignore_errors=True)
    try:
        index.mkdir(parents=True)
        built = _child(asking.task("build", contender.name, size, index))
        asking.progress(f"{contender.name}, {size:,}: built in {built['build_seconds']:,.1f} s")
        figures = {**built, **_child(asking.task("serve", contender.name, size, index))}
    finally:
        shutil.rmtree(index, ignore_errors=True)
    write_whole(path, json.dumps(figures).encode())
    return figures


def _child(task: Task) -> dict[str, Any]:
    """Raises LikemarkError with the last line of what it said."""
    done = subprocess.run(
        [sys.executable, "-P", "-m", "likemark.benchmarks.scale.child"],
        input=json.dumps(asdict(task)), capture_output=True, text=True, encoding="utf-8",
        env={**os.environ, **_ENVIRONMENT, "OMP_NUM_THREADS": str(task.threads)},
    )  # fmt: skip
    if done.returncode:
        last = one_line((done.stderr.strip().splitlines() or ["no message"])[-1])
        raise LikemarkError(f"{task.stage}: {last}; exit code {done.returncode}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def _code() -> str:
    """Of likemark's own index as it is now."""
    folder = Path(likemark.index.__file__).parent
    return _digest(*(path.read_bytes() for path in sorted(folder.glob("*.py"))))


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _digest(*parts: str | bytes) -> str:
    whole = b"\0".join(part if isinstance(part, bytes) else part.encode() for part in parts)
    return hashlib.sha256(whole).hexdigest()[:12]
