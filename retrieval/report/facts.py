"""What was asked and what the register says, as labels and values in words."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from likemark.db.errors import PICTURE_REASONS, PictureError
from likemark.db.search import MarkRow
from likemark.db.values import Filters
from likemark.retrieval.pictures.picture import Crop
from likemark.retrieval.report.text import clean, counted, either, shorten
from likemark.retrieval.results import Search

# Characters shown of one register field, and of a path.
_FIELD = 240
_PATH = 1000


@dataclass(frozen=True, slots=True)
class Fact:
    label: str
    value: str  # clean, never empty
    code: bool = False  # a path or an identifier: set in fixed width


def search_facts(search: Search, *, created: dt.datetime, version: str) -> list[Fact]:
    """What was asked, of what, with what and when."""
    facts = [
        Fact("Asked for", f"up to {counted(search.k, 'hit')} for each query picture"),
        Fact("Filters", filters_in_words(search.filters)),
        Fact("Part searched", f"{area(search.crop)} of each picture" if search.crop else ""),
        Fact("Elements", "of a composite query ask too" if search.blocks else "do not ask"),
        Fact("Turned", "by eighths, each picture asks too" if search.turned else ""),
        Fact("Parts", "halves ask too, and the nearest are looked into" if search.parts else ""),
        Fact("Minimum score", "none" if search.min_score is None else f"{search.min_score:.3f}"),
        Fact("Searched", f"{counted(search.vectors, 'picture')} in the index, before filters"),
        Fact("Model", clean(search.model)),
        Fact("Fingerprint", clean(search.model_fingerprint), code=True),
        Fact("Index", clean(search.index), code=True),
        Fact("Written", f"{created.isoformat(' ', 'minutes')} by likemark {clean(version)}"),
    ]
    return [fact for fact in facts if fact.value]


def filters_in_words(filters: Filters) -> str:
    words = []
    if filters.collections:
        words.append(f"collection {either(filters.collections)}")
    if filters.nice:
        words.append(f"Nice class {either(filters.nice)}")
    if filters.vienna:
        words.append(f"Vienna code {either(filters.vienna)}")
    if filters.status:
        words.append(f"status {either(filters.status)}")
    if filters.office:
        words.append(f"office {either(filters.office)}")
    if filters.owner:
        words.append(f"owner “{clean(filters.owner)}”, or part of it")
    if filters.filed_after:
        words.append(f"filed on {filters.filed_after} or later")
    if filters.filed_before:
        words.append(f"filed on {filters.filed_before} or earlier")
    return "; ".join(words) or "none"


def mark_facts(mark: MarkRow, path: str) -> tuple[Fact, ...]:
    """What is known of one mark; unknown fields are left out."""
    numbers = (mark.application_number, mark.registration_number)
    found = (
        ("Application", _number(mark, numbers[0])),
        ("Registration", _number(mark, numbers[1])),
        ("Office", None if any(numbers) else mark.office),
        ("Owner", mark.owner),
        ("Status", mark.status),
        ("Kind", mark.kind),
        ("Nice classes", ", ".join(map(str, mark.nice))),
        ("Vienna codes", ", ".join(mark.vienna)),
        ("Filed", _day(mark.filing_date)),
        ("Registered", _day(mark.registration_date)),
        ("Expires", _day(mark.expiry_date)),
        ("Collection", mark.collection),
    )
    short = [Fact(label, shorten(value or "", _FIELD)) for label, value in found]
    short.append(Fact("Picture file", shorten(path, _PATH), code=True))
    return tuple(fact for fact in short if fact.value)


def error_in_words(error: PictureError) -> str:
    reason = PICTURE_REASONS[error.reason]
    detail = clean(error.detail)
    return reason if detail == reason else f"{reason} ({detail})"


def empty_in_words(search: Search) -> str:
    """Why a query that could be read has no hits."""
    within = " among the marks within the filters" if search.filters.active else ""
    if search.min_score is not None:
        return f"Nothing passes the minimum score of {search.min_score:.3f}{within}."
    return f"Nothing was found{within}."


def _number(mark: MarkRow, number: str | None) -> str | None:
    return f"{mark.office} {number}" if number and mark.office else number


def _day(day: dt.date | None) -> str | None:
    return None if day is None else day.isoformat()


def area(crop: Crop) -> str:
    return f"{crop.width} × {crop.height} px from ({crop.x}, {crop.y})"  # noqa: RUF001
