"""`likemark bench speed`: how fast and how small, on this machine, beside the targets.

Other programs on the machine change every figure; the report says how much they took.
"""

from __future__ import annotations

import datetime as dt
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from likemark.benchmarks.speed_indexing import IndexingSpeed, measure_indexing
from likemark.benchmarks.speed_machine import Machine, describe_machine
from likemark.benchmarks.speed_pictures import make_pictures
from likemark.benchmarks.speed_search import SearchSpeed, engines, measure_search
from likemark.benchmarks.speed_startup import StartUp, measure_start_up
from likemark.db.errors import InvalidInput, LikemarkError
from likemark.retrieval.devices import AUTO, choose_device
from likemark.retrieval.models import find_model

LEAST_EFFICIENCY = 0.9
MOST_HELP_SECONDS = 0.3
MOST_MEMORY = 1.1  # x raw vectors, exact search

Bound = Literal["at least", "at most"]
AT_LEAST: Bound = "at least"
AT_MOST: Bound = "at most"


@dataclass(frozen=True, slots=True)
class SpeedOptions:
    pictures: int = 640  # 128 each at the start and the end are indexed, but not measured
    repetitions: int = 3  # of decode, network, pipeline in turn
    vectors: tuple[int, ...] = (10_000, 100_000, 1_000_000)  # sizes of index
    queries: int = 200  # timed one by one, per index
    helps: int = 7  # runs of `likemark --help`
    cold_queries: int = 3  # runs of `likemark query`
    device: str = AUTO
    small: bool = False  # made by `quick`

    def __post_init__(self) -> None:
        counts = ("pictures", "repetitions", "queries", "helps", "cold_queries")
        for name, value in [(name, getattr(self, name)) for name in counts]:
            if value < 1:
                raise InvalidInput(f"{name} = {value}: give 1 or more")
        if not self.vectors or min(self.vectors) < 100:
            raise InvalidInput(f"vectors = {self.vectors}: give sizes of 100 or more")

    @classmethod
    def quick(cls) -> SpeedOptions:
        """A run to see that it works; its figures are of no worth."""
        return cls(32, 1, (10_000, 20_000), queries=20, helps=2, cold_queries=1, small=True)

    @property
    def command(self) -> str:
        """What a reader types to repeat the run."""
        quick = "--quick " if self.small else ""
        sizes = ",".join(map(str, self.vectors))
        return (
            f"likemark bench speed {quick}--pictures {self.pictures} "
            f"--repetitions {self.repetitions} --vectors {sizes} --device {self.device}"
        )


@dataclass(frozen=True, slots=True)
class Measure:
    name: str
    value: float
    unit: str
    target: float | None = None
    bound: Bound = AT_MOST  # the target is the least or the most that will do

    @property
    def met(self) -> bool | None:
        if self.target is None:
            return None
        return self.value >= self.target if self.bound == AT_LEAST else self.value <= self.target


@dataclass(frozen=True, slots=True)
class SpeedReport:
    command: str  # that repeats the run
    date: str  # when it ran, ISO 8601, UTC
    machine: Machine
    model: str
    options: SpeedOptions
    indexing: IndexingSpeed
    search: tuple[SearchSpeed, ...]
    start_up: StartUp

    def measures(self) -> list[Measure]:
        """Every figure in one line, with its target where there is one."""
        searches = [measure for one in self.search for measure in _search(one)]
        return [*_indexing(self.indexing), *searches, *_start_up(self.start_up)]


def run_speed(
    options: SpeedOptions | None = None, progress: Callable[[str], None] = lambda line: None
) -> SpeedReport:
    """Measure everything, in a temporary folder that is gone afterwards.

    progress: called with a line before each part. Raises LikemarkError.
    """
    options = options or SpeedOptions()
    model = find_model()
    machine = describe_machine(choose_device(options.device))
    with tempfile.TemporaryDirectory(prefix="likemark-speed-") as name:
        folder = Path(name) / "pictures"
        folder.mkdir()
        progress(f"drawing {options.pictures} pictures")
        pictures = make_pictures(folder, options.pictures)
        indexing, workspace = measure_indexing(
            pictures,
            model,
            Path(name),
            repetitions=options.repetitions,
            device=options.device,
            progress=progress,
        )
        progress("start-up")
        start_up = measure_start_up(
            workspace,
            pictures[0],
            marks=options.pictures,
            helps=options.helps,
            queries=options.cold_queries,
        )
    return SpeedReport(
        command=options.command,
        date=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
        machine=machine,
        model=model.card.name,
        options=options,
        indexing=indexing,
        search=tuple(_searches(options, model.card.dimension, progress)),
        start_up=start_up,
    )


def report_json(report: SpeedReport) -> dict[str, Any]:
    """The report as one JSON document: its fields, and `measures` with every figure in one list."""
    measures = [{**asdict(one), "met": one.met} for one in report.measures()]
    return {**asdict(report), "measures": measures}


def write_json(path: Path, report: SpeedReport) -> None:
    """Raises LikemarkError when the file cannot be written."""
    try:
        path.write_text(json.dumps(report_json(report), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise LikemarkError(f"{path}: cannot be written: {error.strerror}") from error


def _searches(
    options: SpeedOptions, dimension: int, progress: Callable[[str], None]
) -> Iterator[SearchSpeed]:
    for count in options.vectors:
        for index in engines(count):
            progress(f"search among {count} vectors, index {index}")
            yield measure_search(count, dimension=dimension, index=index, queries=options.queries)


def _indexing(speed: IndexingSpeed) -> Iterator[Measure]:
    parts = {"decode": speed.decode, "network": speed.network, "pipeline": speed.pipeline}
    for name, cost in parts.items():
        yield Measure(name, cost.rate, "pictures/s")
        yield Measure(f"{name}, core time", 1000 * cost.core_seconds, "ms/picture")
    yield Measure("allowed by core time", speed.allowed, "pictures/s")
    yield Measure("allowed by rates", speed.allowed_by_rates, "pictures/s")
    # A whole run that is too short has its start in it, which the target does not mean.
    judged = speed.window == "between writes"
    least = LEAST_EFFICIENCY if judged else None
    yield Measure("pipeline / allowed by core time", speed.efficiency, "", least, AT_LEAST)
    if speed.of_the_rest is not None:
        name = "the same, of what other programs left"
        yield Measure(name, speed.of_the_rest, "", least, AT_LEAST)
    yield Measure("core time that is decode or network", speed.useful, "")
    if speed.idle is not None and speed.others is not None:
        yield Measure("cores idle meanwhile", speed.idle, "")
        yield Measure("cores taken by other programs", speed.others, "")


def _search(speed: SearchSpeed) -> Iterator[Measure]:
    name = f"{speed.vectors:,} {speed.index}"
    yield Measure(f"{name}: p50", speed.p50_ms, "ms")
    yield Measure(f"{name}: p95", speed.p95_ms, "ms")
    yield Measure(f"{name}: build", speed.build_seconds, "s")
    yield Measure(f"{name}: recall@10", speed.recall_at_10, "")
    held = speed.stored_bytes if speed.resident_bytes is None else speed.resident_bytes
    yield Measure(f"{name}: memory", held, "bytes/mark")
    most = MOST_MEMORY if speed.exact else None
    yield Measure(f"{name}: memory / raw vectors", speed.memory_ratio, "", most, AT_MOST)


def _start_up(speed: StartUp) -> Iterator[Measure]:
    yield Measure("python -c pass, best", speed.python.best, "s")
    yield Measure("likemark --help, best", speed.help.best, "s", MOST_HELP_SECONDS, AT_MOST)
    yield Measure("likemark --help, median", speed.help.median, "s")
    yield Measure("cold query, best", speed.query.best, "s")
    yield Measure("cold query, median", speed.query.median, "s")
