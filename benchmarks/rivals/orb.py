"""ORB with geometric verification: local features, the classic way to find a mark.

N: pictures; Q: queries.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.rivals.descriptor import recipe_hash
from likemark.benchmarks.rivals.orb_features import (
    EDGE,
    MOST,
    SIZE,
    Descriptors,
    Features,
    Places,
    extract,
)
from likemark.benchmarks.rivals.orb_votes import LISTS, NEAR, NEIGHBOURS, PROBED, Votes
from likemark.benchmarks.rivals.pool import worked
from likemark.benchmarks.rivals.rival import RivalUnavailable
from likemark.benchmarks.rivals.scorer import Scores
from likemark.db.errors import InvalidInput

NAME = "ORB + RANSAC"
VERIFIED = 50  # pictures of each query
FEWEST = 4  # matches that agree by chance are fewer
_REACH = 5.0  # px that an inlier may be off
_SCALE = 4.0  # times larger or smaller that a mark may be
_QUERIES = 32  # at once
_SEED = 1

Keypoints = tuple[Descriptors, Places]


@dataclass(frozen=True, slots=True)
class OrbScorer:
    verified: int = VERIFIED  # pictures whose geometry is checked, of each query

    def __post_init__(self) -> None:
        if self.verified < 0:
            raise InvalidInput(f"{NAME}: verified {self.verified} must be 0 or more")

    @property
    def name(self) -> str:
        return NAME

    @property
    def fingerprint(self) -> str:
        import cv2

        voting = (MOST, EDGE, NEAR, NEIGHBOURS, LISTS, PROBED)
        geometry = (self.verified, FEWEST, _REACH, _SCALE)
        return recipe_hash(f"orb {voting} {geometry}, OpenCV {cv2.__version__}", SIZE)

    def scores(
        self,
        pictures: Sequence[Pixels],
        queries: NDArray[np.integer],
        *,
        progress: Progress = lambda line: None,
    ) -> Iterator[tuple[slice, Scores]]:
        """See `Scorer.scores`: inliers, and below 1 the share of the query's keypoints that vote.

        Past the `verified` pictures with most votes the votes alone count.
        """
        features = extract(pictures, progress)
        votes = Votes.build(features)
        for start in range(0, len(queries), _QUERIES):
            rows = slice(start, min(start + _QUERIES, len(queries)))
            asked = [features.of(int(query)) for query in queries[rows]]
            scores = votes.count([descriptors for descriptors, _ in asked])
            scores /= MOST + 1
            add_inliers(scores, asked, features, self.verified)
            progress(f"ORB: {rows.stop:,} of {len(queries):,} queries")
            yield rows, scores


def load_orb() -> OrbScorer:
    """Raises RivalUnavailable without OpenCV."""
    try:
        import cv2  # noqa: F401
    except ImportError as error:
        raise RivalUnavailable("needs the package OpenCV: pip install opencv-python") from error
    return OrbScorer()


def add_inliers(
    scores: Scores, asked: Sequence[Keypoints], features: Features, verified: int
) -> None:
    """To the `verified` best of each query what agrees in geometry.

    scores: (q, N), changed in place
    asked: q queries
    features: of N pictures
    """
    pairs = [(row, i) for row, votes in enumerate(scores) for i in most_voted(votes, verified)]
    counts = worked(lambda pair: agreeing(asked[pair[0]], features.of(pair[1])), pairs)
    for pair, count in zip(pairs, counts, strict=True):
        scores[pair] += count


def most_voted(votes: Scores, count: int) -> list[int]:
    """Of the pictures with a vote the `count` with most, of equals the first. votes: (N,)."""
    voted = np.flatnonzero(votes)
    order = np.argsort(-votes[voted], kind="stable")[:count]
    best: list[int] = voted[order].tolist()
    return best


def agreeing(query: Keypoints, other: Keypoints) -> int:
    """How many keypoints match, each the other's nearest, under one turn, shift and scale.

    query, other: (n, 32) and (n, 2)
    result: 0 where fewer than FEWEST do
    """
    import cv2

    if min(len(query[0]), len(other[0])) < FEWEST:
        return 0
    matches = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(query[0], other[0])
    near = [match for match in matches if match.distance <= NEAR]
    if len(near) < FEWEST:
        return 0
    source = query[1][[match.queryIdx for match in near]].astype(np.float32)
    target = other[1][[match.trainIdx for match in near]].astype(np.float32)
    cv2.setRNGSeed(_SEED)
    transform, inliers = cv2.estimateAffinePartial2D(
        source, target, method=cv2.RANSAC, ransacReprojThreshold=_REACH, maxIters=500
    )
    if transform is None or not _plausible(transform):
        return 0
    count = int(inliers.sum())
    return count if count >= FEWEST else 0


def _plausible(transform: NDArray[np.number]) -> bool:
    scale = float(np.hypot(transform[0, 0], transform[1, 0]))
    return 1 / _SCALE <= scale <= _SCALE
