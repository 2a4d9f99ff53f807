"""Filters in SQL are held against their meaning in plain Python, on random marks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import replace
from random import Random
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.marks import entry, put

from likemark.db.browse import list_marks
from likemark.db.catalogue import Catalogue
from likemark.db.codes import vienna_prefix
from likemark.db.search import allowed_images
from likemark.db.values import Filters, MarkData

# Letters whose upper and lower forms are one to one everywhere.
LETTERS = "aAbBéÉжЖ%_\\/ "
CODES = ["01.01.01", "01.01.02", "01.02.01", "10.01.01", "11.01.01"]
FIRST_DAY = dt.date(2024, 1, 1)


def random_mark(random: Random, key: str) -> MarkData:
    def maybe(value: Any) -> Any:
        return random.choice([None, value, value, value])

    name = "".join(random.choices(LETTERS, k=random.randint(1, 4)))
    return MarkData(
        key, "/in/m.csv",
        nice=tuple(sorted(random.sample(range(1, 5), random.randint(0, 2)))),
        vienna=tuple(sorted(random.sample(CODES, random.randint(0, 2)))),
        status=maybe(name[:2]), office=maybe(random.choice(["EM", "em", "US"])), owner=maybe(name),
        filing_date=maybe(FIRST_DAY + dt.timedelta(days=random.randint(0, 4))),
    )  # fmt: skip


def several(values: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.lists(values, max_size=2).map(tuple)


NAMES = st.text(LETTERS, min_size=1, max_size=2)
DAYS = st.dates(FIRST_DAY, FIRST_DAY + dt.timedelta(days=4))
FILTERS = st.builds(
    lambda days, **fields: Filters(
        **fields, filed_after=min(days, default=None), filed_before=max(days[1:], default=None)
    ),
    nice=several(st.integers(1, 5)),
    vienna=several(st.sampled_from([*CODES, "1", "1.1.*", "10"])),
    status=several(NAMES), office=several(st.sampled_from(["EM", "Us"])),
    owner=st.none() | NAMES, days=st.lists(DAYS, max_size=2).map(sorted),
)  # fmt: skip


def plainly(mark: MarkData, filters: Filters) -> bool:
    """The filters' meaning without any SQL."""

    def any_of(values: Iterable[Any], wanted: Iterable[Any]) -> bool:
        wanted = list(wanted)
        return not wanted or bool(set(values) & set(wanted))

    def lower(value: str | None) -> list[str]:
        return [] if value is None else [value.lower()]

    prefixes = [vienna_prefix(pattern) for pattern in filters.vienna]
    codes = [code for code in mark.vienna for text, exact in prefixes
             if code == text or (not exact and code.startswith(text))]  # fmt: skip
    return (
        any_of(mark.nice, filters.nice)
        and (not prefixes or bool(codes))
        and any_of(lower(mark.status), [value.lower() for value in filters.status])
        and any_of(lower(mark.office), [value.lower() for value in filters.office])
        and (not filters.owner or any(filters.owner.lower() in name for name in lower(mark.owner)))
        and (not filters.filed_after or (mark.filing_date or dt.date.min) >= filters.filed_after)
        and (not filters.filed_before or (mark.filing_date or dt.date.max) <= filters.filed_before)
    )


def test_filters_mean_the_same_in_sql_as_in_plain_python(catalogue: Catalogue) -> None:
    random = Random(0)
    marks = [random_mark(random, f"id:{n}") for n in range(60)]
    put(
        catalogue,
        *(replace(entry(m.key, f"picture {n % 40}"), mark=m) for n, m in enumerate(marks)),
    )

    @given(FILTERS)
    def check(wanted: Filters) -> None:
        with catalogue.read() as session:
            rows = list_marks(session, wanted)
            images = allowed_images(session, wanted)
        assert [row.key for row in rows] == [m.key for m in marks if plainly(m, wanted)]
        shown = sorted({image.image_id for row in rows for image in row.images})
        assert (images is None) == (not wanted.active)
        assert images is None or images.tolist() == shown

    check()
