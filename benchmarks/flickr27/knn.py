"""A picture has the brand of the training vectors nearest to it. N training rows, Q queries, D."""

from __future__ import annotations

import numpy as np

from likemark.benchmarks.encoders import Rows
from likemark.benchmarks.flickr27.scores import Answers, Labels
from likemark.db.errors import InvalidInput

NEIGHBOURS = 5  # half of a brand's photos in the second subset; not tuned


def classify_by_neighbours(
    training: Rows, labels: Labels, queries: Rows, *, k: int = NEIGHBOURS
) -> Answers:
    """The k nearest by cosine vote, each with its cosine, or not at all below 0.

    A tie goes to the brand of the nearest neighbour among the tied. The confidence is the highest
    cosine with any training row.

    training: (N, D) float32, unit rows; labels: (N,); queries: (Q, D) float32, unit rows
    k: all training rows where there are fewer
    """
    if k < 1 or not len(training) or len(training) != len(labels):
        raise InvalidInput(
            f"{k} neighbours among {len(training)} vectors with {len(labels)} labels: "
            "give 1 or more, and a label for each vector"
        )
    cosines = queries.astype(np.float64) @ training.astype(np.float64).T
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    weights = np.take_along_axis(cosines, nearest, axis=1)
    voters = labels[nearest]
    votes = np.zeros((len(queries), int(labels.max()) + 1))
    np.add.at(votes, (np.arange(len(queries))[:, None], voters), weights.clip(min=0))
    # The first of the greatest is the nearest among the tied.
    winner = np.take_along_axis(votes, voters, axis=1).argmax(axis=1)
    brands = voters[np.arange(len(queries)), winner]
    return Answers(brands, weights[:, 0])
