"""Links between marks and pictures with all that an index of register data stores of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.blobs import unpacked
from likemark.db.schema import Embedding, Mark, MarkImage, MarkNice, MarkVienna
from likemark.db.stored import numbers
from likemark.db.vectors import ROWS, ModelRow

BATCH = 2000


@dataclass(frozen=True, slots=True)
class LinkRow:
    id: int
    image_id: int
    collection_id: int
    office: str | None
    status: str | None
    owner: str | None
    filing_date: dt.date | None
    nice: tuple[int, ...]
    vienna: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Links:
    """N links, D dimensions; links without a vector of the model are left out."""

    links: list[LinkRow]  # N, by id
    rows: NDArray[np.float32]  # (N, D) unit rows of their pictures


def all_links(session: Session, model: ModelRow, *, batch: int = BATCH) -> Iterator[Links]:
    """Every link whose picture has a vector of this model, by id."""
    after = 0
    while True:
        page = select(MarkImage.id).where(MarkImage.id > after).order_by(MarkImage.id).limit(batch)
        ids = session.scalars(page).all()
        if not ids:
            return
        after = ids[-1]
        yield links_of(session, model, ids)


def link_ids(session: Session, model: ModelRow) -> NDArray[np.int64]:
    """(N,) ids of the links that `all_links` gives, ascending."""
    query = (
        select(MarkImage.id)
        .join(Embedding, Embedding.image_id == MarkImage.image_id)
        .where(Embedding.model_id == model.id)
        .order_by(MarkImage.id)
        .execution_options(yield_per=ROWS)
    )
    return numbers(session.scalars(query))


def links_of(session: Session, model: ModelRow, link_ids: Sequence[int]) -> Links:
    """Those of the links that are there; at most `vectors.IN_LIMIT` of them."""
    query = (
        select(
            MarkImage.id, MarkImage.image_id, MarkImage.mark_id, Mark.collection_id, Mark.office,
            Mark.status, Mark.owner, Mark.filing_date, Embedding.vector,
        )
        .join(Mark, Mark.id == MarkImage.mark_id)
        .join(Embedding, Embedding.image_id == MarkImage.image_id)
        .where(Embedding.model_id == model.id, MarkImage.id.in_(link_ids))
        .order_by(MarkImage.id)
    )  # fmt: skip
    found = session.execute(query).all()
    marks = sorted({row.mark_id for row in found})
    nice: dict[int, list[int]] = {}
    vienna: dict[int, list[str]] = {}
    of_nice = select(MarkNice.mark_id, MarkNice.nice_class).where(MarkNice.mark_id.in_(marks))
    for mark, number in session.execute(of_nice):
        nice.setdefault(mark, []).append(number)
    of_vienna = select(MarkVienna.mark_id, MarkVienna.code).where(MarkVienna.mark_id.in_(marks))
    for mark, code in session.execute(of_vienna):
        vienna.setdefault(mark, []).append(code)
    links = [
        LinkRow(
            row.id, row.image_id, row.collection_id, row.office, row.status, row.owner,
            row.filing_date, tuple(sorted(nice.get(row.mark_id, ()))),
            tuple(sorted(vienna.get(row.mark_id, ()))),
        )
        for row in found
    ]  # fmt: skip
    ids, blobs = [row.image_id for row in found], [row.vector for row in found]
    return Links(links, unpacked(session, ids, blobs, model.dimension))
