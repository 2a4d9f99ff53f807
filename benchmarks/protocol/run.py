"""likemark-open for a model and its rivals, in one run, on one gallery."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.embedded import embedded
from likemark.benchmarks.encoders import Encoder, Rows
from likemark.benchmarks.metrics.ranks import Ranks
from likemark.benchmarks.metrics.scored import rank_blocks
from likemark.benchmarks.protocol.retrieval import (
    MANY,
    Failure,
    Standing,
    failures,
    judged,
    rank_rows,
    standing,
)
from likemark.benchmarks.rivals.rival import Rival, RivalUnavailable
from likemark.benchmarks.rivals.scorer import Scorer
from likemark.db.errors import InvalidInput

SPEED_PICTURES = 192  # timed, after as many that are not
Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class RetrievalRow:
    name: str
    kind: str  # model, or what kind of rival
    fingerprint: str | None  # None where there is none to run
    dimension: int | None  # None of what has no vectors
    pictures_per_second: float | None  # decoding left out; None of what has no vectors
    standing: Standing | None
    unavailable: str | None  # why there are no figures

    def __post_init__(self) -> None:
        if (self.standing is None) == (self.unavailable is None):
            raise InvalidInput(f"row {self.name!r} needs figures, or the reason for having none")


@dataclass(frozen=True, slots=True)
class RetrievalResult:
    data: str  # sha256 of the benchmark's manifest
    groups: int
    groups_of_many: int  # with three drawings or more
    queries: int
    queries_unseen: int  # whose mark no shipped model was trained on, under whatever name
    distractors: int
    rows: tuple[RetrievalRow, ...]  # the model first
    failures: tuple[Failure, ...]  # of the model


@dataclass(frozen=True, slots=True)
class Gallery:
    """What all systems of one run search, and where their rows are kept."""

    benchmark: OpenBenchmark
    cache: Path
    progress: Progress

    def rows(self, encoder: Encoder) -> Rows:
        pictures, data = self.benchmark.pictures, self.benchmark.data
        return embedded(encoder, pictures, self.cache, data=data, progress=self.progress)


def run_retrieval(
    gallery: Gallery, model: Encoder, rivals: Sequence[Rival] = ()
) -> RetrievalResult:
    """The model's row first, then one for each rival, in their order."""
    benchmark = gallery.benchmark
    rows = gallery.rows(model)
    ranks = rank_rows(benchmark, rows)
    first = _vector_row(gallery, model, "model", standing(benchmark, ranks))
    _, sizes = np.unique(benchmark.groups, return_counts=True)
    return RetrievalResult(
        data=benchmark.data,
        groups=len(sizes),
        groups_of_many=int((sizes >= MANY).sum()),
        queries=len(benchmark.groups),
        queries_unseen=int(benchmark.unseen.sum()),
        distractors=benchmark.distractors,
        rows=(first, *(_rival_row(gallery, rival) for rival in rivals)),
        failures=failures(benchmark, rows, ranks),
    )


def _rival_row(gallery: Gallery, rival: Rival) -> RetrievalRow:
    gallery.progress(f"{rival.name}: loading")
    try:
        system = rival.load()
    except RivalUnavailable as error:
        gallery.progress(f"{rival.name}: {error}")
        return RetrievalRow(rival.name, rival.kind, None, None, None, None, str(error))
    if isinstance(system, Scorer):
        figures = standing(gallery.benchmark, _scored(gallery, system))
        return RetrievalRow(rival.name, rival.kind, system.fingerprint, None, None, figures, None)
    ranks = rank_rows(gallery.benchmark, gallery.rows(system))
    return _vector_row(gallery, system, rival.kind, standing(gallery.benchmark, ranks))


def _scored(gallery: Gallery, scorer: Scorer) -> Ranks:
    relevant, own = judged(gallery.benchmark)
    queries = np.arange(len(relevant))
    blocks = scorer.scores(gallery.benchmark.pictures, queries, progress=gallery.progress)
    return rank_blocks(blocks, relevant, own)


def _vector_row(gallery: Gallery, encoder: Encoder, kind: str, figures: Standing) -> RetrievalRow:
    return RetrievalRow(
        encoder.name,
        kind,
        encoder.fingerprint,
        encoder.dimension,
        _speed(gallery, encoder),
        figures,
        None,
    )


def _speed(gallery: Gallery, encoder: Encoder) -> float:
    """Pictures a second on this machine, from decoded pictures to rows."""
    pictures = list(islice(gallery.benchmark.pictures, SPEED_PICTURES))
    _exhaust(encoder, pictures)
    start = time.perf_counter()
    _exhaust(encoder, pictures)
    return len(pictures) / (time.perf_counter() - start)


def _exhaust(encoder: Encoder, pictures: Sequence[np.ndarray]) -> None:
    for _ in encoder.encode(pictures):
        pass
