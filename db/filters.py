"""Filters as SQL on marks, in whichever form the database answers from an index.

PostgreSQL's planner turns each condition round as it needs it. SQLite's takes them as they are
written: as a test of one mark after the other (right where the marks are few, or walked through in
order until a page is full), or as a set that is read from an index (right for all marks at once).
"""

from __future__ import annotations

from collections.abc import Collection as Several
from typing import Any

from sqlalchemy import CTE, ColumnElement, Select, and_, exists, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from likemark.db.codes import vienna_prefix
from likemark.db.errors import NotFound
from likemark.db.schema import Collection, Mark, MarkImage, MarkNice, MarkVienna
from likemark.db.values import Filters

# A character that follows the dot: "03.07/" ends what begins with "03.07.".
AFTER_DOT = "/"
_SHOWN = 40  # values that are listed; of more nothing is said
OF_MARKS = ("collections", "status", "office", "owner", "filed_after", "filed_before")


def require_collections(session: Session, names: Several[str]) -> None:
    """Raises NotFound for a collection that does not exist."""
    _collection_ids(session, names)


def unknown_values(session: Session, filters: Filters) -> list[str]:
    """A line for each status and office asked for that no mark of the catalogue has."""
    lines = []
    for column, values in ((Mark.status, filters.status), (Mark.office, filters.office)):
        if values:
            steps = _each_value(column)
            every = select(steps.c.value).where(steps.c.value.is_not(None)).limit(_SHOWN)
            there = [str(value) for value in session.scalars(every)]
            known = {value.lower() for value in there}
            listed = ", ".join(there) or "none"
            lines += [
                f"no mark has the {column.key} {value!r}; there are: {listed}"
                for value in values
                if value.lower() not in known and len(there) < _SHOWN
            ]
    return lines


def tests(session: Session, filters: Filters) -> list[ColumnElement[bool]]:
    """What a mark must satisfy, as SQL on `marks`: for few marks, or for a walk through them.

    Raises NotFound for a collection that does not exist.
    """
    listed = [exists().where(parts.mark_id == Mark.id, wanted) for parts, wanted in _lists(filters)]
    return [*listed, *_of_columns(session, filters, sets=False)]


def sets(session: Session, filters: Filters) -> list[ColumnElement[bool]]:
    """As `tests`, for all marks at once."""
    listed = [Mark.id.in_(select(parts.mark_id).where(wanted)) for parts, wanted in _lists(filters)]
    return [*listed, *_of_columns(session, filters, sets=not is_postgresql(session))]


def shown_images(session: Session, filters: Filters) -> Select[int]:
    """The image of every picture of a mark within the filters, as often as marks show it.

    Raises NotFound for a collection that does not exist.
    """
    query = select(MarkImage.image_id)
    for parts, wanted in _lists(filters):
        query = query.where(MarkImage.mark_id.in_(select(parts.mark_id).where(wanted)))
    # Marks are read only where a filter is about them: codes and pictures name the mark's id.
    if any(getattr(filters, name) for name in OF_MARKS):
        plain = _of_columns(session, filters, sets=not is_postgresql(session))
        query = query.join(Mark, Mark.id == MarkImage.mark_id).where(*plain)
    return query


def _lists(filters: Filters) -> list[tuple[Any, ColumnElement[bool]]]:
    """The tables that hold several values of a mark, with what one of them must be."""
    wanted: list[tuple[Any, ColumnElement[bool]]] = []
    if filters.nice:
        wanted.append((MarkNice, MarkNice.nice_class.in_(filters.nice)))
    if filters.vienna:
        wanted.append((MarkVienna, or_(*(_vienna(code) for code in filters.vienna))))
    return wanted


def _vienna(pattern: str) -> ColumnElement[bool]:
    text, exact = vienna_prefix(pattern)
    if exact:
        return MarkVienna.code == text
    # Not LIKE: for that neither database uses an index in every setting.
    return and_(MarkVienna.code >= text, MarkVienna.code < text[:-1] + AFTER_DOT)


def _of_columns(session: Session, filters: Filters, *, sets: bool) -> list[ColumnElement[bool]]:
    wanted: list[ColumnElement[bool]] = []
    if filters.collections:
        # By id: the planner knows how many marks that has.
        wanted.append(Mark.collection_id.in_(_collection_ids(session, filters.collections)))
    for column, values in ((Mark.status, filters.status), (Mark.office, filters.office)):
        if values:
            wanted.append(_in_any_case(column, values, sets=sets))
    if filters.owner:
        wanted.append(_holding(Mark.owner, filters.owner, sets=sets))
    if filters.filed_after:
        wanted.append(Mark.filing_date >= filters.filed_after)
    if filters.filed_before:
        wanted.append(Mark.filing_date <= filters.filed_before)
    return wanted


def _in_any_case(
    column: InstrumentedAttribute[str | None], values: Several[str], *, sets: bool
) -> ColumnElement[bool]:
    folded = [func.lower(value) for value in values]
    if not sets:
        return func.lower(column).in_(folded)
    steps = _each_value(column)
    return column.in_(select(steps.c.value).where(func.lower(steps.c.value).in_(folded)))


def _each_value(column: InstrumentedAttribute[str | None]) -> CTE:
    """From each value to the next through the index: an office words few of them."""
    steps = select(func.min(column).label("value")).cte(f"each_{column.key}", recursive=True)
    following = select(func.min(column)).where(column > steps.c.value).scalar_subquery()
    return steps.union_all(select(following).where(steps.c.value.is_not(None)))


def _holding(
    column: InstrumentedAttribute[str | None], part: str, *, sets: bool
) -> ColumnElement[bool]:
    if not sets:
        return column.icontains(part, autoescape=True)
    each = select(column.label("value")).distinct().cte(f"each_{column.key}")
    return column.in_(select(each.c.value).where(each.c.value.icontains(part, autoescape=True)))


def _collection_ids(session: Session, names: Several[str]) -> list[int]:
    known = {
        name: number for number, name in session.execute(select(Collection.id, Collection.name))
    }
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "none yet"
            raise NotFound(f"no collection {name!r}; there are: {there}")
    return [known[name] for name in names]


def is_postgresql(session: Session) -> bool:
    return session.get_bind().dialect.name == "postgresql"
