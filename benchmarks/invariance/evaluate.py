"""Recall of transformed pictures in a gallery that holds the originals among many others.

N: gallery rows; D: dimensions; Q: queries ranked at once.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Encoder, Pixels, Rows
from likemark.benchmarks.invariance.queries import Derived, Named, derive
from likemark.benchmarks.invariance.results import Invariance, Recall, summed_up
from likemark.benchmarks.invariance.suite import select
from likemark.benchmarks.invariance.transformations import Transformation
from likemark.db.errors import InvalidInput

# A query's own row in the gallery, then those that show the same mark and get no rank.
Truth = tuple[int, ...]

# Scores this close are a tie: two ways to sum up a product differ in the last bits.
TIE = 2e-6
BATCH = 256  # queries ranked at once
BLOCK = 16384  # gallery rows scored at once: 16 MiB of scores
_UNIT = 1e-3  # how far a row's length may be from 1


@dataclass(frozen=True, slots=True)
class Source:
    """A picture whose row stands in the gallery."""

    picture: str  # its id
    pixels: Pixels  # (H, W, 3 or 4)
    row: int  # its place in the gallery, from 0
    equivalents: tuple[int, ...] = ()  # other rows of the same mark: neither right nor wrong

    def __post_init__(self) -> None:
        if self.row < 0 or min(self.equivalents, default=0) < 0 or self.row in self.equivalents:
            raise InvalidInput(
                f"{self.picture}: row {self.row} and equivalents {self.equivalents} must be "
                "different rows, counted from 0"
            )


def evaluate(
    encoder: Encoder,
    sources: Iterable[Source],
    gallery: Rows,
    *,
    companions: Sequence[Named] = (),
    transformations: tuple[Transformation, ...] | None = None,
) -> Invariance:
    """R@1 and R@10 of each transformation: a hit is the source's own row; ties count against us.

    gallery: (N, D) float32, unit rows of the same encoder; each source's own among them
    companions: as for `derive`
    transformations: None: the whole suite
    """
    _check(gallery, encoder.dimension)
    ways = select(()) if transformations is None else transformations
    truths: dict[str, Truth] = {}
    pictures = _noted(sources, truths, len(gallery))
    asked = derive(pictures, companions=companions, transformations=ways)
    ranks: dict[str, list[int]] = {way.name: [] for way in ways}
    for queries, rows in _encoded(encoder, asked):
        found = ranks_of(rows, [truths[picture] for picture, _ in queries], gallery)
        for (_, way), rank in zip(queries, found.tolist(), strict=True):
            ranks[way].append(rank)
    return summed_up(
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        sources=len(truths),
        gallery=len(gallery),
        recalls=tuple(_recall(way, ranks[way.name]) for way in ways),
    )


def ranks_of(rows: Rows, truths: Sequence[Truth], gallery: Rows) -> NDArray[np.int64]:
    """(Q,): the rank, from 1, of each query's own row; rows that tie with it come first.

    rows: (Q, D); truths: Q of them; gallery: (N, D)
    """
    own = np.array([truth[0] for truth in truths], np.int64)
    least = np.einsum("qd,qd->q", rows, gallery[own]) - TIE
    aside = np.array([row for truth in truths for row in truth], np.int64)
    asking = np.repeat(np.arange(len(truths)), [len(truth) for truth in truths])
    ranks = np.ones(len(rows), np.int64)
    for start in range(0, len(gallery), BLOCK):
        scores = gallery[start : start + BLOCK] @ rows.T
        here = (aside >= start) & (aside < start + len(scores))
        scores[aside[here] - start, asking[here]] = -np.inf
        ranks += (scores >= least).sum(axis=0)
    return ranks


def _encoded(
    encoder: Encoder, asked: Iterator[Derived]
) -> Iterator[tuple[list[tuple[str, str]], Rows]]:
    """Batches of picture and transformation, and their (Q, D) rows."""
    waiting: deque[tuple[str, str]] = deque()

    def pixels() -> Iterator[Pixels]:
        for query in asked:
            waiting.append((query.picture, query.transformation))
            yield query.pixels

    queries: list[tuple[str, str]] = []
    rows: list[Rows] = []
    for row in encoder.encode(pixels()):
        queries.append(waiting.popleft())
        rows.append(row)
        if len(rows) == BATCH:
            yield queries, _stacked(rows, encoder)
            queries, rows = [], []
    if waiting:
        raise InvalidInput(f"{encoder.name} gave {len(waiting)} rows fewer than it got pictures")
    if rows:
        yield queries, _stacked(rows, encoder)


def _stacked(rows: list[Rows], encoder: Encoder) -> Rows:
    stacked = np.stack(rows)
    if stacked.shape[1:] != (encoder.dimension,) or not _are_unit(stacked):
        raise InvalidInput(
            f"{encoder.name} gave rows of shape {stacked.shape[1:]} or of other lengths than 1: "
            f"they must be unit rows of {encoder.dimension} dimensions"
        )
    return stacked


def _noted(sources: Iterable[Source], truths: dict[str, Truth], gallery: int) -> Iterator[Named]:
    """The pictures one by one; the rows that each is judged by go into `truths`."""
    for source in sources:
        if source.picture in truths:
            raise InvalidInput(f"picture {source.picture!r} comes twice: ids must be unique")
        truth = (source.row, *source.equivalents)
        if max(truth) >= gallery:
            raise InvalidInput(
                f"{source.picture}: row {max(truth)} is beyond the {gallery} rows of the gallery"
            )
        truths[source.picture] = truth
        yield source.picture, source.pixels


def _check(gallery: Rows, dimension: int) -> None:
    if gallery.ndim != 2 or gallery.shape[1] != dimension or gallery.dtype != np.float32:
        raise InvalidInput(
            f"a gallery of {gallery.dtype} and shape {gallery.shape} must be float32 and "
            f"(N, {dimension}), as the encoder's rows are"
        )
    for start in range(0, len(gallery), BLOCK):
        if not _are_unit(gallery[start : start + BLOCK]):
            raise InvalidInput("the gallery's rows must have length 1: divide each by its norm")


def _are_unit(rows: Rows) -> bool:
    squares = np.einsum("nd,nd->n", rows, rows)
    return bool((np.abs(squares - 1) <= 2 * _UNIT).all())  # False for NaN too


def _recall(way: Transformation, ranks: list[int]) -> Recall:
    """The shares of ranks up to 1 and up to 10."""
    count = len(ranks)
    at_1, at_10 = (sum(rank <= k for rank in ranks) / count if count else None for k in (1, 10))
    return Recall(way.name, way.description, count, at_1, at_10)
