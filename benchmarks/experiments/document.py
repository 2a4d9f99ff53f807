"""`likemark bench experiments`: from a plan to the document of its result."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from likemark.benchmarks.corpus.dataset import OpenBenchmark, TrainingCorpus
from likemark.benchmarks.experiments.plan import Plan
from likemark.benchmarks.experiments.run import Bench, run_experiments
from likemark.benchmarks.runs import written_up


def experiments_document(
    plan: Path,
    *,
    data: Path,
    corpus: Path,
    weights: Path | None,
    out: Path,
    distractors: int | None,
    progress: Callable[[str], None],
) -> dict[str, Any]:
    """Raises what reading the plan, the data and the weights raises, and what training does."""
    read = Plan.read(plan)
    training = TrainingCorpus.read(corpus)
    benchmark = OpenBenchmark.read(data, distractors=distractors)
    result = run_experiments(Bench(read, corpus, weights, benchmark, out, progress))
    folders = {"data": data, "corpus": corpus, "weights": weights, "out": out}
    words = f"likemark bench experiments {shlex.quote(plan.name)}" + "".join(
        f" --{name} {shlex.quote(folder.name)}" for name, folder in folders.items() if folder
    )
    words += f" --distractors {distractors}" if distractors else ""
    about = {"name": "likemark-open", "sha256": benchmark.data, "trained_on": training.data}
    model = {"name": "each row's own", "fingerprint": None}
    return written_up("experiments", words, asdict(result), about, model=model, device="auto")
