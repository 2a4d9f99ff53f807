"""How well brands are named and strangers refused. P positives, N negatives.

A positive shows a known brand, a negative none. A classifier gives both a brand and a confidence.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput

Labels = NDArray[np.int64]
Values = NDArray[np.float64]

FALSE_ACCEPTS = 0.05  # the most negatives that may be taken for a brand, as a share
COVERED = 0.95  # of the bootstrap's samples lie within an interval
RESAMPLES = 10_000


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """What a classifier says of some pictures, in their order."""

    brands: Labels  # the likeliest brand's label
    confidences: Values  # higher: the likelier it is that a known brand is shown at all

    def __post_init__(self) -> None:
        if self.brands.shape != self.confidences.shape or self.brands.ndim != 1:
            raise InvalidInput(
                f"answers of shapes {self.brands.shape} and {self.confidences.shape}: "
                "give one brand and one confidence for each picture"
            )
        if not np.isfinite(self.confidences).all():
            raise InvalidInput("a confidence is not a finite number: look at the vectors")


@dataclass(frozen=True, slots=True)
class Scores:
    """Closed set: among the positives alone. Open set: negatives are to be refused."""

    accuracy: float  # share of the positives whose brand is right
    accuracy_low: float  # of the 95 % bootstrap interval over the positives
    accuracy_high: float  # of the same
    auroc: float  # as `auroc` defines it
    accuracy_accepted: float  # share of the positives that are accepted and whose brand is right
    false_accepts: float  # share of the negatives that are accepted, FALSE_ACCEPTS at most
    threshold: float  # accepted is what has a confidence above it


def judge(positives: Answers, truth: Labels, negatives: Answers, *, seed: int = 0) -> Scores:
    """truth: (P,), the positives' labels; seed: of the bootstrap."""
    if len(truth) != len(positives.brands):
        raise InvalidInput(f"{len(truth)} labels for {len(positives.brands)} pictures")
    right = positives.brands == truth
    threshold = threshold_for(negatives.confidences)
    low, high = accuracy_interval(int(right.sum()), len(right), seed=seed)
    return Scores(
        accuracy=float(right.mean()),
        accuracy_low=low,
        accuracy_high=high,
        auroc=auroc(positives.confidences, negatives.confidences),
        accuracy_accepted=float((right & (positives.confidences > threshold)).mean()),
        false_accepts=float((negatives.confidences > threshold).mean()),
        threshold=threshold,
    )


def auroc(positives: Values, negatives: Values) -> float:
    """The chance that a positive is held for likelier than a negative; a tie counts half.

    The area under the receiver operating characteristic, by Mann and Whitney's U.

    positives: (P,); negatives: (N,); neither empty
    """
    _check_some(positives, negatives)
    ordered = np.sort(negatives)
    below = np.searchsorted(ordered, positives, side="left")
    not_above = np.searchsorted(ordered, positives, side="right")
    return float((below + not_above).sum() / (2 * len(positives) * len(negatives)))


def threshold_for(negatives: Values, share: float = FALSE_ACCEPTS) -> float:
    """The least confidence above which at most this share of the negatives lies.

    It is found on the negatives that it is judged by, so it is the best that could be chosen.

    negatives: (N,), not empty; share: 0 to less than 1
    """
    _check_some(negatives)
    if not 0 <= share < 1:
        raise InvalidInput(f"a share of {share:g} false accepts: give 0 or more and less than 1")
    # 0.29 x 100 is 28.999999999999996 in binary, and 29 may be accepted.
    allowed = int(share * len(negatives) + 1e-9)
    return float(np.sort(negatives)[::-1][allowed])


def accuracy_interval(right: int, count: int, *, seed: int = 0) -> tuple[float, float]:
    """(low, high) of the percentile bootstrap over pictures (Efron, 1979).

    right of `count` pictures are right: drawing as many of them with replacement is a binomial.
    """
    if not 0 <= right <= count or not count:
        raise InvalidInput(f"{right} right of {count}: give 1 or more pictures, as many or fewer")
    drawn = np.random.default_rng(seed).binomial(count, right / count, size=RESAMPLES) / count
    low, high = np.quantile(drawn, [(1 - COVERED) / 2, (1 + COVERED) / 2])
    return float(low), float(high)


def _check_some(*groups: Values) -> None:
    if not all(len(group) for group in groups):
        raise InvalidInput("no confidences: give one positive and one negative picture or more")
