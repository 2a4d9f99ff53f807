"""Recall of transformed pictures in a gallery that holds the originals among many others.

N: gallery rows; D: dimensions; Q: queries ranked at once; R: rows that ask, one or more a query.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Container, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field

import numpy as np
from numpy.typing import NDArray

from likemark.benchmarks.encoders import Encoder, Pixels, Rows
from likemark.benchmarks.invariance.asking import (
    AS_QUERY,
    PARTS,
    TURNED,
    WHOLE,
    Manner,
    Part,
    views_of,
)
from likemark.benchmarks.invariance.holding import Looks, look, with_parts
from likemark.benchmarks.invariance.queries import Derived, Named, derive
from likemark.benchmarks.invariance.results import Asked, Invariance, Recall, Sampled, summed_up
from likemark.benchmarks.invariance.suite import select
from likemark.benchmarks.invariance.transformations import Transformation
from likemark.db.errors import InvalidInput
from likemark.retrieval.parts import Grey
from likemark.retrieval.results import weighted

# A query's own row in the gallery, then those that show the same mark and get no rank.
Truth = tuple[int, ...]

# Scores this close are a tie: two ways to sum up a product differ in the last bits.
TIE = 2e-6
BATCH = 256  # rows that ask at once, or a few more
BLOCK = 16384  # gallery rows scored at once: 16 MiB of scores
MANNERS = (WHOLE, AS_QUERY, TURNED)
SAMPLED = 4  # of so many pictures one is asked by parts too: that costs half a second a query
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
    looks: Looks | None = None,
) -> Invariance:
    """R@1 and R@10 of each transformation: a hit is the source's own row; ties count against us.

    gallery: (N, D) float32, unit rows of the same encoder; each source's own among them
    companions: as for `derive`
    transformations: None: the whole suite
    looks: the gallery's pictures, for what is asked by parts too; None: nothing is
    """
    _check(gallery, encoder.dimension)
    ways = select(()) if transformations is None else transformations
    truths: dict[str, Truth] = {}
    some: set[str] = set()  # that are asked by parts too
    pictures = _noted(sources, truths, None if looks is None else some, len(gallery))
    asked = derive(pictures, companions=companions, transformations=ways)
    ranks: dict[tuple[str, str], list[int]] = {
        (manner.name, way.name): [] for manner in MANNERS for way in ways
    }
    by_parts: dict[str, list[int]] = {way.name: [] for way in ways}
    beside: dict[str, list[int]] = {way.name: [] for way in ways}  # the same, without
    for batch in _encoded(encoder, asked, some):
        own = [truths[picture] for picture, _ in batch.queries]
        rows = _stacked(batch.rows, encoder)
        for manner in MANNERS:
            found = _ranks(batch, rows, manner, own, gallery)
            for place, ((_, way), rank) in enumerate(
                zip(batch.queries, found.tolist(), strict=True)
            ):
                ranks[manner.name, way].append(rank)
                if manner is TURNED and batch.looks[place] is not None:
                    beside[way].append(rank)
        if looks is not None:
            for way, rank in _ranks_by_parts(batch, rows, own, gallery, looks):
                by_parts[way].append(rank)
    whole = tuple(_recall(way, ranks[WHOLE.name, way.name]) for way in ways)
    return Invariance(
        encoder=encoder.name,
        fingerprint=encoder.fingerprint,
        sources=len(truths),
        gallery=len(gallery),
        transformations=whole,
        **asdict(summed_up(whole)),
        asked_also=tuple(
            _asked(m, ways, {way.name: ranks[m.name, way.name] for way in ways})
            for m in MANNERS
            if m is not WHOLE
        ),
        sampled=None if looks is None else Sampled(
            len(some), _asked(TURNED, ways, beside), _asked(PARTS, ways, by_parts)
        ),
    )  # fmt: skip


def _asked(manner: Manner, ways: Sequence[Transformation], ranks: dict[str, list[int]]) -> Asked:
    recalls = tuple(_recall(way, ranks[way.name]) for way in ways)
    return Asked(manner.name, manner.description, recalls, **asdict(summed_up(recalls)))


def ranks_of(
    rows: Rows, truths: Sequence[Truth], gallery: Rows, *,
    of: NDArray[np.int64] | None = None, weights: Rows | None = None,
) -> NDArray[np.int64]:  # fmt: skip
    """(Q,): the rank, from 1, of each query's own row; rows that tie with it come first.

    rows: (R, D); truths: Q of them; gallery: (N, D)
    of: (R,), ascending: which query each row asks for, every one at least once; None: its own each.
        A gallery's row counts as its best score with any of them
    weights: (R,), of scores above 0; None: 1 each
    """
    of = np.arange(len(rows)) if of is None else of
    first = np.searchsorted(of, np.arange(len(truths)))
    weights = np.ones(len(rows), np.float32) if weights is None else weights
    own = np.array([truth[0] for truth in truths], np.int64)
    scores = np.einsum("rd,rd->r", rows, gallery[own[of]])
    least = np.maximum.reduceat(weighted(scores, weights), first) - TIE
    aside = np.array([row for truth in truths for row in truth], np.int64)
    asking = np.repeat(np.arange(len(truths)), [len(truth) for truth in truths])
    ranks = np.ones(len(truths), np.int64)
    for start in range(0, len(gallery), BLOCK):
        scores = gallery[start : start + BLOCK] @ rows.T
        best = np.maximum.reduceat(weighted(scores, weights), first, axis=1)
        here = (aside >= start) & (aside < start + len(best))
        best[aside[here] - start, asking[here]] = -np.inf
        ranks += (best >= least).sum(axis=0)
    return ranks


@dataclass(slots=True)
class _Batch:
    queries: list[tuple[str, str]] = field(default_factory=list)  # picture and transformation
    rows: list[Rows] = field(default_factory=list)  # R of them
    parts: list[Part] = field(default_factory=list)  # what each row shows of its query
    weights: list[float] = field(default_factory=list)  # of each row's cosines
    of: list[int] = field(default_factory=list)  # the query that each row asks for
    looks: list[Grey | None] = field(default_factory=list)  # of each query that asks by parts too


def _ranks(
    batch: _Batch, rows: Rows, manner: Manner, truths: Sequence[Truth], gallery: Rows
) -> NDArray[np.int64]:
    asks = [part in manner.parts for part in batch.parts]
    of = np.array(batch.of, np.int64)[asks]
    weights = np.array(batch.weights, np.float32)[asks]
    return ranks_of(rows[asks], truths, gallery, of=of, weights=weights)


def _ranks_by_parts(
    batch: _Batch, rows: Rows, truths: Sequence[Truth], gallery: Rows, looks: Looks
) -> Iterator[tuple[str, int]]:
    """The rank of each query that asks so, with its transformation."""
    of, weights = np.array(batch.of), np.array(batch.weights, np.float32)
    for place, asked in enumerate(batch.looks):
        if asked is None:
            continue
        mine = of == place
        scores = weighted(gallery @ rows[mine].T, weights[mine]).max(axis=1)
        scores = with_parts(scores, asked, looks)
        own, *others = truths[place]
        least = scores[own] - TIE
        scores[[own, *others]] = -np.inf
        yield batch.queries[place][1], 1 + int((scores >= least).sum())


def _encoded(encoder: Encoder, asked: Iterator[Derived], some: Container[str]) -> Iterator[_Batch]:
    """Whole queries, with the rows of all their views.

    some: pictures whose queries are looked for as parts too
    """
    waiting: deque[tuple[tuple[str, str], Part, float, Grey | None]] = deque()

    def pixels() -> Iterator[Pixels]:
        for query in asked:
            looked = look(query.pixels) if query.picture in some else None
            named = (query.picture, query.transformation)
            for view in views_of(query.pixels, by_parts=looked is not None):
                waiting.append((named, view.part, view.weight, looked))
                yield view.pixels

    batch = _Batch()
    for row in encoder.encode(pixels()):
        query, part, weight, looked = waiting.popleft()
        if part == "whole":
            if len(batch.rows) >= BATCH:
                yield batch
                batch = _Batch()
            batch.queries.append(query)
            batch.looks.append(looked)
        batch.rows.append(row)
        batch.parts.append(part)
        batch.weights.append(weight)
        batch.of.append(len(batch.queries) - 1)
    if waiting:
        raise InvalidInput(f"{encoder.name} gave {len(waiting)} rows fewer than it got pictures")
    if batch.rows:
        yield batch


def _stacked(rows: list[Rows], encoder: Encoder) -> Rows:
    stacked = np.stack(rows)
    if stacked.shape[1:] != (encoder.dimension,) or not _are_unit(stacked):
        raise InvalidInput(
            f"{encoder.name} gave rows of shape {stacked.shape[1:]} or of other lengths than 1: "
            f"they must be unit rows of {encoder.dimension} dimensions"
        )
    return stacked


def _noted(
    sources: Iterable[Source], truths: dict[str, Truth], some: set[str] | None, gallery: int
) -> Iterator[Named]:
    """The pictures one by one; the rows that each is judged by go into `truths`.

    some: gets one of `SAMPLED`, before the queries of it are made
    """
    for source in sources:
        if source.picture in truths:
            raise InvalidInput(f"picture {source.picture!r} comes twice: ids must be unique")
        truth = (source.row, *source.equivalents)
        if max(truth) >= gallery:
            raise InvalidInput(
                f"{source.picture}: row {max(truth)} is beyond the {gallery} rows of the gallery"
            )
        if some is not None and len(truths) % SAMPLED == 0:
            some.add(source.picture)
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
