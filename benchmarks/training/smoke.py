"""A minute of training on the bundled sample, which must do its validation good.

python -m likemark.benchmarks.training.smoke OUT
"""

from __future__ import annotations

import argparse
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from likemark.benchmarks.protocol.validation import validation_map
from likemark.benchmarks.training.sample import write_sample
from likemark.db.errors import LikemarkError
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.observers import Observers
from likemark.retrieval.training.reports.kept import kept_in
from likemark.retrieval.training.reports.lines import Lines, Tally
from likemark.retrieval.training.trainer import train

CONFIG = Path(__file__).with_name("smoke.toml")


@dataclass(frozen=True, slots=True)
class Smoke:
    before: float  # validation mAP, before the first step
    after: float  # the best one since
    seconds: float
    waited: float  # share of the steps' time without a batch


def smoke(out: Path, tell: Callable[[str], None]) -> Smoke:
    """Train from a bundled model's weights in a folder, which is emptied first.

    tell: takes a line about the progress
    """
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    write_sample(out / "sample.csv")
    tally = Tally()
    observer = Observers(kept_in(out, tell), Lines(tell, every=10), tally)
    config = Training.read(CONFIG, [f"data.corpus={out / 'sample.csv'}"])
    trained = train(config, out, measure=validation_map, observer=observer)
    assert tally.first is not None
    return Smoke(tally.first, trained.best, tally.elapsed, tally.waited)


def main() -> int:
    parser = argparse.ArgumentParser(description="Train for a minute on the bundled sample.")
    parser.add_argument("out", type=Path, help="folder for weights, log and plots; emptied first")
    out: Path = parser.parse_args().out
    try:
        found = smoke(out, lambda line: print(line, file=sys.stderr, flush=True))
    except (LikemarkError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    better = found.after > found.before
    print(
        f"validation mAP {found.before:.4f} before, {found.after:.4f} after "
        f"{found.seconds:.0f} s: {'better' if better else 'NOT better'}; "
        f"{found.waited:.1%} of the steps' time waiting for views; {out}"
    )
    return 0 if better else 1


if __name__ == "__main__":
    sys.exit(main())
