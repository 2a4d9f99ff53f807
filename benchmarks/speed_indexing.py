"""Pictures a second: of decoding, of the network alone, and of the whole indexing pipeline.

The three are measured in turn, again and again, over the same pictures, so that a noisy neighbour
hits all alike; what is reported are medians.

The pipeline is `index_paths` into a fresh workspace. It writes its rows in batches, and what counts
is the time between two writes: from the first batch's to that of the last but one. The start (the
network is loaded, decoders are started) and the end (nothing more to read ahead) stand outside, as
in the indexing of a large register, and at both moments about as much work lies half done. Decoding
and network are measured over the pictures between these two writes. A run of fewer than three
batches is too short for that: it counts as a whole, its start and end included.

On a machine that works for others too, the efficiency falls by what they take, though nothing
waits. So the share that they took is told, what is left idle, and the efficiency of the rest. That
one flatters where they fill our waits, so it is no more than a bound; all agree where they rest.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Literal

from likemark.benchmarks.speed_machine import Clock
from likemark.db.errors import LikemarkError, PictureError
from likemark.retrieval.devices import cores
from likemark.retrieval.embedder import Embedder, pixels_of
from likemark.retrieval.indexing import (
    BATCH_ROWS,
    IndexingOptions,
    IndexingReport,
    Listeners,
    index_paths,
)
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.workspace import Workspace

WARM_UP = 16  # pictures that start the decoders and wake the network before a measurement


@dataclass(frozen=True, slots=True)
class Cost:
    rate: float  # pictures/s, with all cores
    core_seconds: float  # CPU time of all processes per picture


@dataclass(frozen=True, slots=True)
class Repetition:
    decode: Cost
    network: Cost
    pipeline: Cost
    idle: float | None  # share of the cores' time that nobody used while the pipeline ran
    others: float | None  # share of the cores' time that other programs took meanwhile


@dataclass(frozen=True, slots=True)
class IndexingSpeed:
    """Medians over the repetitions, and what follows from them."""

    pictures: int  # that each repetition measures
    window: Literal["between writes", "whole run"]  # what counts of the pipeline
    decode: Cost
    network: Cost
    pipeline: Cost
    allowed: float  # pictures/s: cores / (core-seconds of decoding + of the network)
    allowed_by_rates: float  # pictures/s: as if decoding and network took turns on all cores
    efficiency: float  # pipeline rate / allowed
    of_the_rest: float | None  # efficiency, had there been only the cores that others left
    useful: float  # (decode + network) / pipeline core-seconds; above 1 by noise alone
    idle: float | None
    others: float | None
    repetitions: tuple[Repetition, ...]


def measure_indexing(
    pictures: Sequence[Path],
    model: FoundModel,
    scratch: Path,
    *,
    repetitions: int,
    device: str,
    progress: Callable[[str], None],
) -> tuple[IndexingSpeed, Path]:
    """pictures: all of one folder, by name. Returns the figures and the last run's workspace.

    Raises LikemarkError for a picture that cannot be decoded.
    """
    chosen = pictures[_window(len(pictures))]
    embedder = Embedder.load(model, device=device)
    done = []
    root = scratch
    for number in range(repetitions):
        progress(f"decode, network, pipeline: repetition {number + 1} of {repetitions}")
        decode, decoded = measure_decode(chosen, size=embedder.size)
        network = measure_network(embedder, decoded)
        root = scratch / f"workspace-{number}"
        start, end, count = _pipeline(pictures, model, root, device)
        done.append(_repetition(decode, network, start, end, count))
    return summary(done, on_cpu=embedder.device.is_cpu, pictures=len(pictures)), root


def measure_decode(paths: Sequence[Path], *, size: int) -> tuple[Cost, list[Picture]]:
    """All cores decode, processes that have started already. Raises PictureError."""
    requests = [Request(str(path)) for path in paths]
    with DecoderPool(size=size) as pool:
        _good(pool.map((requests * WARM_UP)[:WARM_UP]))
        start = Clock.read()
        decoded = _good(pool.map(requests))
        # Read while the processes live.
        return _cost(start, Clock.read(), len(paths)), decoded


def measure_network(embedder: Embedder, decoded: Sequence[Picture]) -> Cost:
    """Pixels in memory to vectors, as indexing does it."""
    for _ in embedder.stream((list(decoded) * WARM_UP)[:WARM_UP], pixels_of):
        pass
    start = Clock.read()
    for _ in embedder.stream(decoded, pixels_of):
        pass
    return _cost(start, Clock.read(), len(decoded))


def summary(done: Sequence[Repetition], *, on_cpu: bool, pictures: int) -> IndexingSpeed:
    """on_cpu: the network shares the cores with decoding; otherwise it bounds the rate alone."""
    decode = _median([one.decode for one in done])
    network = _median([one.network for one in done])
    pipeline = _median([one.pipeline for one in done])
    work = decode.core_seconds + network.core_seconds
    by_rates = 1 / (1 / decode.rate + 1 / network.rate)
    allowed = cores() / work
    if not on_cpu:
        by_rates = min(decode.rate, network.rate)
        allowed = min(allowed, network.rate)
    others = _median_known([one.others for one in done])
    rest = None if others is None or not on_cpu else pipeline.rate / allowed / (1 - others)
    return IndexingSpeed(
        pictures=len(range(pictures)[_window(pictures)]),
        window="between writes" if _batches(pictures) > 2 else "whole run",
        decode=decode,
        network=network,
        pipeline=pipeline,
        allowed=allowed,
        allowed_by_rates=by_rates,
        efficiency=pipeline.rate / allowed,
        of_the_rest=rest,
        useful=work / pipeline.core_seconds,
        idle=_median_known([one.idle for one in done]),
        others=others,
        repetitions=tuple(done),
    )


def _pipeline(
    pictures: Sequence[Path], model: FoundModel, root: Path, device: str
) -> tuple[Clock, Clock, int]:
    """The clocks at the window's two ends, and how many pictures lie between them."""
    marks: list[tuple[int, Clock]] = [(0, Clock.read())]

    def note(report: IndexingReport) -> None:
        marks.append((report.embedded, Clock.read()))

    with Workspace.open(root) as workspace:
        report, _ = index_paths(
            workspace,
            [pictures[0].parent],
            model,
            options=IndexingOptions(device=device),
            listeners=Listeners(progress=note),
        )
    if report.embedded != len(pictures):
        raise LikemarkError(f"{report.embedded} of {len(pictures)} pictures could be indexed")
    if _batches(len(pictures)) > 2:
        first, last = marks[1], marks[-2]
    else:
        first, last = marks[0], (report.embedded, Clock.read())
    return first[1], last[1], last[0] - first[0]


def _batches(pictures: int) -> int:
    return -(-pictures // BATCH_ROWS)


def _window(pictures: int) -> slice:
    """The pictures that lie between the first batch's write and that of the last but one."""
    batches = _batches(pictures)
    return slice(BATCH_ROWS, (batches - 1) * BATCH_ROWS) if batches > 2 else slice(None)


def _repetition(decode: Cost, network: Cost, start: Clock, end: Clock, count: int) -> Repetition:
    available = (end.wall - start.wall) * cores()
    pipeline = _cost(start, end, count)
    if start.idle is None or end.idle is None:
        return Repetition(decode, network, pipeline, None, None)
    idle = (end.idle - start.idle) / available
    ours = (end.core - start.core) / available
    return Repetition(decode, network, pipeline, idle, max(0.0, 1 - idle - ours))


def _cost(start: Clock, end: Clock, count: int) -> Cost:
    return Cost(count / (end.wall - start.wall), (end.core - start.core) / count)


def _good(results: Iterable[Picture | PictureError]) -> list[Picture]:
    pictures = []
    for result in results:
        if isinstance(result, PictureError):
            raise result
        pictures.append(result)
    return pictures


def _median(costs: Sequence[Cost]) -> Cost:
    return Cost(median(c.rate for c in costs), median(c.core_seconds for c in costs))


def _median_known(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return median(known) if known else None
