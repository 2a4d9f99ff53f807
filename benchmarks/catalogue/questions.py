"""What is asked of the catalogue: every filter with several values, and how long answers take."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy.orm import Session

from likemark.benchmarks.catalogue.synthetic import Made, owner_name
from likemark.db.browse import list_marks
from likemark.db.catalogue import Catalogue
from likemark.db.search import allowed_images, count_allowed
from likemark.db.values import Filters

EVERYTHING = 2**62
CAPPED = 10_000
FIRST = 20
PAGE = 100
TIMES = 10  # that one measure is repeated
SECONDS = 20.0  # after which it is not repeated again


@dataclass(frozen=True, slots=True)
class Timing:
    p50: float  # ms
    p95: float  # ms
    times: int


@dataclass(frozen=True, slots=True)
class Answered:
    """One filter's times; repetitions ask with its values in turn."""

    filter: str
    images: int  # that the first value allows
    share: float  # of all marks
    capped: Timing  # counted up to 10,000
    count: Timing  # counted to the end
    first: Timing  # the first 20 marks, with all their data
    ids: Timing  # all image ids


def questions(made: Made) -> dict[str, tuple[Filters, ...]]:
    days = [dt.date(1990 + n, 3, 1) for n in range(5)]
    ranks = [made.owners // 50 + n for n in range(5)]
    return {
        "collection": (Filters(collections=("register",)),),
        "Nice class, frequent": tuple(Filters(nice=(n,)) for n in (9, 35, 41, 25, 42)),
        "Nice class, rare": tuple(Filters(nice=(n,)) for n in (13, 23, 15, 34, 22)),
        "Vienna code": tuple(Filters(vienna=(f"{n:02d}.03.05",)) for n in (1, 5, 11, 17, 26)),
        "Vienna beginning": tuple(Filters(vienna=(f"{n}.7.*",)) for n in (1, 5, 11, 17, 26)),
        "status": tuple(
            Filters(status=(s,)) for s in ("registered", "expired", "refused", "withdrawn")
        ),
        "office": tuple(Filters(office=(o,)) for o in ("us", "em", "de", "ch", "at")),
        "owner": tuple(Filters(owner=owner_name(rank)[:12]) for rank in ranks),
        "owner, three letters": tuple(Filters(owner=part) for part in ("zen", "sol", "ver")),
        "filing year": tuple(
            Filters(filed_after=day, filed_before=day + dt.timedelta(days=364)) for day in days
        ),
        "combined": tuple(
            Filters(
                nice=(9, 42),
                vienna=(f"{n}.*",),
                office=("em",),
                status=("registered",),
                filed_after=dt.date(2005, 1, 1),
            )
            for n in (1, 5, 11, 17, 26)
        ),
    }


def ask(
    catalogue: Catalogue, name: str, given: Sequence[Filters], made: Made, times: int
) -> Answered:
    with catalogue.read() as session:
        images = count_allowed(session, given[0], EVERYTHING) or 0

    def timed(work: Callable[[Session, Filters], object]) -> Timing:
        return _timed(catalogue, given, work, times)

    return Answered(
        filter=name,
        images=images,
        share=images / made.marks,
        capped=timed(lambda s, f: count_allowed(s, f, CAPPED)),
        count=timed(lambda s, f: count_allowed(s, f, EVERYTHING)),
        first=timed(lambda s, f: list_marks(s, f, limit=FIRST)),
        ids=timed(allowed_images),
    )


def pages(catalogue: Catalogue, made: Made) -> Timing:
    """A page of 100 marks from places all over the catalogue."""
    places = np.random.default_rng(0).integers(0, made.marks, 20).tolist()
    times = []
    for place in places:
        start = time.perf_counter()
        with catalogue.read() as session:
            list_marks(session, Filters(), limit=PAGE, after=place)
        times.append(time.perf_counter() - start)
    return _summary(times)


def _timed(
    catalogue: Catalogue,
    given: Sequence[Filters],
    work: Callable[[Session, Filters], object],
    most: int,
) -> Timing:
    times: list[float] = []
    while not times or (len(times) < most and sum(times) < SECONDS):
        start = time.perf_counter()
        with catalogue.read() as session:
            work(session, given[len(times) % len(given)])
        times.append(time.perf_counter() - start)
    return _summary(times)


def _summary(times: Sequence[float]) -> Timing:
    p50, p95 = np.percentile(np.array(times) * 1000, [50, 95]).tolist()
    return Timing(round(p50, 3), round(p95, 3), len(times))
