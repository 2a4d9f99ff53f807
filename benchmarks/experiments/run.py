"""Trains and measures every arm of a plan; what is done already is not done again.

A: arms; S: seeds; Q: queries.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.corpus.manifest import MANIFEST, data_hash
from likemark.benchmarks.experiments.plan import Arm, Plan
from likemark.benchmarks.metrics.bootstrap import Interval, bootstrap
from likemark.benchmarks.metrics.measures import per_query
from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.protocol.retrieval import rank_rows
from likemark.benchmarks.protocol.validation import validation_map
from likemark.retrieval.cards import file_sha256
from likemark.retrieval.devices import choose_device
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.files import whole_file, write_whole
from likemark.retrieval.network import MarkNetwork
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.embedding import load_best
from likemark.retrieval.training.folder import LAST, SHAPES
from likemark.retrieval.training.observers import Facts, Quiet, Step, Validated
from likemark.retrieval.training.trainer import train
from likemark.retrieval.training.whitening import whiten_on

Values = NDArray[np.float64]
Progress = Callable[[str], None]
_DONE = "done.npz"


@dataclass(frozen=True, slots=True)
class Outcome:
    """One arm with one seed."""

    seed: int
    map: float  # on the benchmark
    r_at_1: float
    validation: float  # best mAP on held-out groups of the training corpus
    train_rate: float  # pictures per second in training, without validation
    embed_rate: float  # pictures per second of the finished network


@dataclass(frozen=True, slots=True)
class ArmResult:
    table: str
    name: str
    settings: tuple[str, ...]
    outcomes: tuple[Outcome, ...]  # S
    map: float  # mean over the seeds
    spread: float | None  # standard deviation of mAP over the seeds; None for one seed
    r_at_1: float
    gain: Interval  # of mAP over the first arm of the table: bootstrap over marks and seeds' mean


@dataclass(frozen=True, slots=True)
class Experiments:
    queries: int
    distractors: int
    steps: int  # of each training
    batch: int  # views of a step
    arms: tuple[ArmResult, ...]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the arms train and what they are measured on."""

    plan: Plan
    corpus: Path  # to train on
    weights: Path | None  # folder of the pretrained weights
    benchmark: OpenBenchmark
    out: Path  # a folder for each arm and seed
    progress: Progress


def run_experiments(bench: Bench) -> Experiments:
    found: list[tuple[Arm, list[Outcome], Values]] = []
    for arm in bench.plan.arms:
        each = list(_seeds(bench, arm))
        values = np.mean([values for _, values in each], axis=0)
        found.append((arm, [outcome for outcome, _ in each], values))
    firsts: dict[str, Values] = {}
    for arm, _, values in found:
        firsts.setdefault(arm.table, values)
    groups = bench.benchmark.groups
    base = bench.plan.training(bench.plan.arms[0], 0, corpus=bench.corpus, weights=bench.weights)
    return Experiments(
        queries=len(groups),
        distractors=bench.benchmark.distractors,
        steps=base.run.steps,
        batch=base.batch.groups * base.batch.views,
        arms=tuple(
            _summed(arm, outcomes, bootstrap(values - firsts[arm.table], groups))
            for arm, outcomes, values in found
        ),
    )


def _summed(arm: Arm, outcomes: list[Outcome], gain: Interval) -> ArmResult:
    maps = [outcome.map for outcome in outcomes]
    return ArmResult(
        table=arm.table,
        name=arm.name,
        settings=arm.settings,
        outcomes=tuple(outcomes),
        map=float(np.mean(maps)),
        spread=float(np.std(maps, ddof=1)) if len(maps) > 1 else None,
        r_at_1=float(np.mean([outcome.r_at_1 for outcome in outcomes])),
        gain=gain,
    )


def _seeds(bench: Bench, arm: Arm) -> Iterator[tuple[Outcome, Values]]:
    for seed in arm.seeds:
        training = bench.plan.training(arm, seed, corpus=bench.corpus, weights=bench.weights)
        folder = bench.out / _key(bench, training, arm.whiten)
        bench.progress(f"{arm.table}: {arm.name}, seed {seed}")
        if not (folder / _DONE).exists():
            _train_and_measure(bench, training, folder, arm.whiten)
        with np.load(folder / _DONE) as held:
            outcome = Outcome(**json.loads(str(held["outcome"])))
            yield outcome, np.asarray(held["ap"], np.float64)


def _key(bench: Bench, training: Training, most: int) -> str:
    """Equal for equal settings on equal data: arms of two tables may be one training."""
    settings = training.to_dict()
    settings["run"].pop("device")
    # What they hold, not where they stand.
    if (bench.corpus / MANIFEST).exists():
        settings["data"]["corpus"] = data_hash(bench.corpus)
    if (weights := Path(training.network.weights)).is_file():
        settings["network"]["weights"] = file_sha256(weights)
    facts = [settings, bench.benchmark.data, bench.benchmark.distractors, most]
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]


def _train_and_measure(bench: Bench, training: Training, folder: Path, most: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    share_shapes(bench.out, folder)
    watch = _Watch(bench.progress)
    trained = train(training, folder, measure=validation_map, observer=watch)
    embedder = _embedder(folder, training, most)
    encoder = ModelEncoder(embedder, embedder.card.name)
    began = time.monotonic()
    rows = np.stack(list(encoder.encode(bench.benchmark.pictures)))
    seconds = time.monotonic() - began
    each = per_query(rank_rows(bench.benchmark, rows), k=(1,))
    outcome = Outcome(
        seed=training.run.seed,
        map=float(each.ap.mean()),
        r_at_1=float(each.hit_rate_at[1].mean()),
        validation=trained.best,
        train_rate=watch.pictures / max(watch.seconds, 1e-9),
        embed_rate=len(rows) / seconds,
    )
    bench.progress(f"  mAP {outcome.map:.3f}, R@1 {outcome.r_at_1:.3f}")
    with whole_file(folder / _DONE) as stream:
        np.savez(stream, outcome=json.dumps(asdict(outcome)), ap=each.ap)
    (folder / LAST).unlink(missing_ok=True)  # hundreds of megabytes each


def share_shapes(out: Path, folder: Path) -> None:
    """What one training has found out about the corpus's drawings, the next need not."""
    held = next((path for path in sorted(out.glob(f"*/{SHAPES}"))), None)
    if held is not None and held.parent != folder:
        write_whole(folder / SHAPES, held.read_bytes())


def _embedder(folder: Path, training: Training, most: int) -> Embedder:
    card, network = load_best(training, folder)
    if most:
        assert isinstance(network, MarkNetwork)
        whiten_on(network, card, training.data, most, device=training.run.device)
    return Embedder(card, network, choose_device(training.run.device))


class _Watch(Quiet):
    """Counts, and passes validations on."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress
        self.pictures = 0
        self.seconds = 0.0

    def started(self, facts: Facts) -> None:
        for line in facts.unreadable:
            self.progress(line)

    def stepped(self, step: Step) -> None:
        for line in step.lost:
            self.progress(line)
        self.pictures += step.pictures
        self.seconds += step.seconds

    def validated(self, validated: Validated) -> None:
        self.progress(f"  step {validated.step}: validation mAP {validated.value:.3f}")
