"""Filters become image ids, and image ids become marks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from itertools import groupby
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import (
    ColumnElement,
    Integer,
    LargeBinary,
    Select,
    Subquery,
    func,
    literal,
    select,
)
from sqlalchemy.orm import Session, contains_eager, selectinload

from likemark.db.filters import is_postgresql, shown_images, tests
from likemark.db.manifest import BY_ID
from likemark.db.schema import Image, Mark, MarkImage
from likemark.db.stored import DamagedValue
from likemark.db.values import Filters
from likemark.db.vectors import ROWS, parts

# Ids that are one block: those that differ in so many low bits, half a MB at most.
BLOCK_BITS = 16
BLOCKS = 8  # that are fetched at once


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
        known = self.text or self.application_number or self.registration_number
        if known:
            return known
        if self.key.startswith(BY_ID):
            return self.key.removeprefix(BY_ID)
        file = self.images[0].path if self.images else self.source
        return file.rsplit("/", 1)[-1].rsplit(".", 1)[0]


@dataclass(frozen=True, slots=True)
class ShownImage:
    artwork: bytes  # sha256 of the trimmed pixels, 32 bytes
    # (its register says nothing of it, its id) of the marks that show it: the known ones first.
    marks: tuple[tuple[bool, int], ...]


@dataclass(frozen=True, slots=True)
class Filed:
    content: bytes  # sha256 of the file, 32 bytes
    paths: tuple[str, ...]  # where it was read, by name


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
    query = shown_images(session, filters)
    parts = _packed(session, query) if is_postgresql(session) else _listed(session, query)
    # Twice shown is common, so that sorting here is cheaper than in the database.
    return np.unique(np.concatenate([np.empty(0, np.int64), *parts]))


def count_allowed(session: Session, filters: Filters, limit: int) -> int | None:
    """How many images the filters allow, counted no further than `limit`; None: no filter is set.

    An image that several marks show counts as often, so this is never too low. The cost is that of
    finding `limit` of them, not all. Raises NotFound for a collection that does not exist.
    """
    if not filters.active:
        return None
    some = shown_images(session, filters).limit(limit).subquery()
    return session.execute(select(func.count()).select_from(some)).scalar_one()


def _packed(session: Session, query: Select[int]) -> Iterator[NDArray[np.int64]]:
    """The ids in blocks of bytes, which cost a tenth of rows of one number each."""
    ids = query.subquery()
    packed = func.string_agg(func.int8send(ids.c.image_id), literal(b"", LargeBinary))
    for found in _blocks(session, ids, packed):
        yield np.frombuffer(found, dtype=">i8").astype(np.int64)


def _listed(session: Session, query: Select[int]) -> Iterator[NDArray[np.int64]]:
    """The same of SQLite, which joins text: a fifth."""
    ids = query.subquery()
    for found in _blocks(session, ids, func.group_concat(ids.c.image_id)):
        yield np.fromstring(found, dtype=np.int64, sep=",")


def _blocks(session: Session, ids: Subquery, joined: ColumnElement[Any]) -> Iterator[Any]:
    block = ids.c.image_id.op(">>")(literal(BLOCK_BITS, Integer))
    blocks = select(joined).group_by(block)
    yield from session.scalars(blocks.execution_options(yield_per=BLOCKS))


def shown_marks(
    session: Session, image_ids: Sequence[int], filters: Filters
) -> dict[int, ShownImage]:
    """By the id of each image that is there, the marks within the filters that show it."""
    found: dict[int, ShownImage] = {}
    for part in parts(image_ids):
        images = select(Image.id, Image.artwork).where(Image.id.in_(part))
        artworks = {image_id: artwork for image_id, artwork in session.execute(images)}
        ids: dict[int, set[tuple[bool, int]]] = {image_id: set() for image_id in artworks}
        query = select(MarkImage.image_id, _is_unknown(), Mark.id).join(Mark)
        query = query.where(MarkImage.image_id.in_(part), *tests(session, filters))
        # Numbers alone: tens of thousands of marks can show one picture that says there is none.
        for image_id, *each in session.execute(query.execution_options(yield_per=ROWS)):
            if image_id not in ids:
                raise _missing(each[1], image_id)
            ids[image_id].add((bool(each[0]), each[1]))
        for image_id, marks in ids.items():
            found[image_id] = ShownImage(artworks[image_id], tuple(sorted(marks)))
    return found


def filed_at(session: Session, image_ids: Sequence[int], *, most: int = 3) -> dict[int, Filed]:
    """By the id of each image that a mark shows.

    most: places of each, of which there may be very many
    """
    place = func.row_number().over(partition_by=MarkImage.image_id, order_by=MarkImage.path)
    found: dict[int, Filed] = {}
    for part in parts(image_ids):
        links = select(MarkImage.image_id, MarkImage.path, place.label("place"))
        few = links.where(MarkImage.image_id.in_(part)).subquery()
        query = select(Image.id, Image.content, few.c.path).join(few, few.c.image_id == Image.id)
        query = query.where(few.c.place <= most).order_by(Image.id, few.c.path)
        for image_id, rows in groupby(session.execute(query), key=itemgetter(0)):
            own = list(rows)
            found[image_id] = Filed(own[0][1], tuple(dict.fromkeys(row[2] for row in own)))
    return found


def _is_unknown() -> ColumnElement[bool]:
    """Of a mark: its register says nothing by which it is known."""
    known = (Mark.text, Mark.office, Mark.application_number, Mark.registration_number, Mark.owner)
    return func.coalesce(*(func.nullif(column, "") for column in known)).is_(None)


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
        images=tuple(_image_row(link) for link in mark.images),
    )


def _image_row(link: MarkImage) -> MarkImageRow:
    image: Image | None = link.image
    if image is None:
        raise _missing(link.mark_id, link.image_id)
    return MarkImageRow(link.image_id, link.path, image.artwork, image.width, image.height)


def _missing(mark_id: int, image_id: int) -> DamagedValue:
    return DamagedValue(f"mark {mark_id}: picture {image_id} is missing")
