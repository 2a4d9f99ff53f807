"""Filters become image ids, and image ids become marks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection as Several
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session, contains_eager, selectinload

from likemark.db.codes import vienna_prefix
from likemark.db.errors import NotFound
from likemark.db.schema import Collection, Mark, MarkImage, MarkNice, MarkVienna
from likemark.db.values import Filters
from likemark.db.vectors import parts


@dataclass(frozen=True, slots=True)
class MarkImageRow:
    image_id: int
    path: str
    artwork: bytes  # sha256 of the trimmed pixels, 32 bytes
    width: int  # px
    height: int  # px


@dataclass(frozen=True, slots=True)
class MarkRow:
    """A mark as the catalogue holds it; unknown fields are None."""

    id: int
    collection: str
    key: str
    source: str
    office: str | None
    application_number: str | None
    registration_number: str | None
    text: str | None
    kind: str | None
    status: str | None
    filing_date: dt.date | None
    registration_date: dt.date | None
    expiry_date: dt.date | None
    owner: str | None
    goods: str | None
    nice: tuple[int, ...]
    vienna: tuple[str, ...]
    extra: Mapping[str, Any]
    images: tuple[MarkImageRow, ...]

    @property
    def title(self) -> str:
        """The best short name that is known."""
        stem = self.source.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        return self.text or self.application_number or self.registration_number or stem


# MarkRow's fields that are Mark's columns under the same name.
_PLAIN = tuple(
    f.name for f in fields(MarkRow) if f.name not in ("collection", "nice", "vienna", "images")
)


def allowed_images(session: Session, filters: Filters) -> NDArray[np.int64] | None:
    """(N,) ascending ids of images that a mark within the filters shows; None: no filter is set.

    Raises NotFound for a collection that does not exist.
    """
    if not filters.active:
        return None
    require_collections(session, filters.collections)
    query = (
        select(MarkImage.image_id).distinct().join(Mark).where(*conditions(filters))
    ).execution_options(yield_per=20_000)
    return np.sort(np.fromiter(session.scalars(query), dtype=np.int64))


def require_collections(session: Session, names: Several[str]) -> None:
    known = set(session.scalars(select(Collection.name)))
    for name in names:
        if name not in known:
            there = ", ".join(sorted(known)) or "none yet"
            raise NotFound(f"no collection {name!r}; there are: {there}")


def conditions(filters: Filters) -> list[ColumnElement[bool]]:
    """What a mark must satisfy, as SQL on `marks`."""
    wanted: list[ColumnElement[bool]] = []
    if filters.collections:
        ids = select(Collection.id).where(Collection.name.in_(filters.collections))
        wanted.append(Mark.collection_id.in_(ids))
    if filters.nice:
        wanted.append(Mark.nice.any(MarkNice.nice_class.in_(filters.nice)))
    if filters.vienna:
        wanted.append(Mark.vienna.any(or_(*(_vienna(code) for code in filters.vienna))))
    for column, values in ((Mark.status, filters.status), (Mark.office, filters.office)):
        if values:
            wanted.append(func.lower(column).in_([func.lower(value) for value in values]))
    if filters.owner:
        wanted.append(Mark.owner.icontains(filters.owner, autoescape=True))
    if filters.filed_after:
        wanted.append(Mark.filing_date >= filters.filed_after)
    if filters.filed_before:
        wanted.append(Mark.filing_date <= filters.filed_before)
    return wanted


def _vienna(pattern: str) -> ColumnElement[bool]:
    text, exact = vienna_prefix(pattern)
    return MarkVienna.code == text if exact else MarkVienna.code.startswith(text)


def marks_of_images(
    session: Session, image_ids: Sequence[int], filters: Filters
) -> dict[int, list[MarkRow]]:
    """Per image, the marks within the filters that show it, by mark id."""
    found: dict[int, list[MarkRow]] = {}
    for part in parts(image_ids):
        query = select(Mark.id).join(MarkImage).where(MarkImage.image_id.in_(part))
        ids = set(session.scalars(query.where(*conditions(filters))))
        for mark in marks_by_id(session, sorted(ids)):
            for image_id in {image.image_id for image in mark.images} & set(part):
                found.setdefault(image_id, []).append(mark)
    return found


def marks_by_id(session: Session, mark_ids: Sequence[int]) -> list[MarkRow]:
    """The marks that exist, by id."""
    rows: list[MarkRow] = []
    for part in parts(mark_ids):
        query = (
            select(Mark)
            .join(Mark.collection)
            .where(Mark.id.in_(part))
            .order_by(Mark.id)
            .options(
                contains_eager(Mark.collection),
                selectinload(Mark.nice),
                selectinload(Mark.vienna),
                selectinload(Mark.images).joinedload(MarkImage.image),
            )
        )
        rows += [_row(mark) for mark in session.scalars(query)]
    return rows


def _row(mark: Mark) -> MarkRow:
    return MarkRow(
        **{name: getattr(mark, name) for name in _PLAIN},
        collection=mark.collection.name,
        nice=tuple(row.nice_class for row in mark.nice),
        vienna=tuple(row.code for row in mark.vienna),
        images=tuple(
            MarkImageRow(
                link.image_id, link.path, link.image.artwork, link.image.width, link.image.height
            )
            for link in mark.images
        ),
    )
