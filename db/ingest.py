"""Batches of marks and pictures into the catalogue, each batch in one transaction.

A batch can be applied again without change: what a killed run committed is found, compared and
left alone, and what it did not is written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, select
from sqlalchemy.orm import Session, selectinload

from likemark.db.errors import PictureError
from likemark.db.schema import (
    Collection,
    Embedding,
    Image,
    Mark,
    MarkImage,
    MarkNice,
    MarkVienna,
    Reject,
)
from likemark.db.values import ImageFacts, MarkData
from likemark.db.vectors import add_vectors, parts

# Mark's columns that are set from MarkData under the same name.
_PLAIN = tuple(f.name for f in fields(MarkData) if f.name not in ("key", "nice", "vienna"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of the input, ready to be written."""

    mark: MarkData
    path: str | None = None  # the picture's path; None: a mark without a picture
    content: bytes | None = None  # sha256 of the picture's file; None: it could not be read
    facts: ImageFacts | None = None  # for a picture new to the catalogue
    vector: NDArray[np.float32] | None = None  # (D,), for a picture without a vector
    error: PictureError | None = None  # why the picture could not be read
    create: bool = True  # False: a mark that is not there yet stays away


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch changed."""

    added: int  # marks
    updated: int  # marks
    link_ids: tuple[int, ...]  # of every picture seen in the batch, changed or not
    mark_ids: tuple[int, ...]  # of every mark seen in the batch


def collection_id(session: Session, name: str) -> int:
    """The collection's id; it is made if it is new."""
    found = session.scalars(select(Collection).where(Collection.name == name)).one_or_none()
    if found is None:
        found = Collection(name=name)
        session.add(found)
        session.flush()
    return found.id


def apply_batch(
    session: Session, collection: int, model_id: int, entries: Sequence[Entry]
) -> Applied:
    """Write a batch: marks inserted or updated, pictures and vectors added, links set."""
    before = _load_marks(session, collection, [entry.mark.key for entry in entries])
    marks = dict(before)
    # Rows of one mark stand together and each holds what those before it said: the last counts.
    data = {e.mark.key: e.mark for e in entries if e.create or e.mark.key in before}
    for mark in data.values():
        _put_mark(session, collection, marks, mark)
    changed = {key for key, mark in before.items() if session.is_modified(mark)}
    images = _put_images(session, model_id, entries)
    links = _put_links(session, marks, images, entries, changed)
    _note_rejects(session, collection, entries)
    return Applied(
        added=len(marks) - len(before),
        updated=len(changed & before.keys()),
        link_ids=tuple(link.id for link in links),
        mark_ids=tuple(mark.id for mark in marks.values()),
    )


def _load_marks(session: Session, collection: int, keys: Sequence[str]) -> dict[str, Mark]:
    found: dict[str, Mark] = {}
    for part in parts(keys):
        query = select(Mark).where(Mark.collection_id == collection, Mark.key.in_(part))
        query = query.options(
            selectinload(Mark.nice), selectinload(Mark.vienna), selectinload(Mark.images)
        )
        found.update((mark.key, mark) for mark in session.scalars(query))
    return found


def _put_mark(session: Session, collection: int, marks: dict[str, Mark], data: MarkData) -> None:
    mark = marks.get(data.key)
    if mark is None:
        mark = marks[data.key] = Mark(
            collection_id=collection, key=data.key, nice=[], vienna=[], images=[]
        )
        session.add(mark)
    for name in _PLAIN:
        value = dict(data.extra) if name == "extra" else getattr(data, name)
        if getattr(mark, name) != value:
            setattr(mark, name, value)
    nice = {row.nice_class: row for row in mark.nice}
    if list(nice) != list(data.nice):
        mark.nice = [nice.get(number) or MarkNice(nice_class=number) for number in data.nice]
    vienna = {row.code: row for row in mark.vienna}
    if list(vienna) != list(data.vienna):
        mark.vienna = [vienna.get(code) or MarkVienna(code=code) for code in data.vienna]


def _put_images(session: Session, model_id: int, entries: Sequence[Entry]) -> dict[bytes, Image]:
    images: dict[bytes, Image] = {}
    for part in parts([e.content for e in entries if e.content is not None]):
        query = select(Image).where(Image.content.in_(part))
        images.update((image.content, image) for image in session.scalars(query))
    for entry in entries:
        if entry.facts is not None and entry.facts.content not in images:
            facts = {f.name: getattr(entry.facts, f.name) for f in fields(ImageFacts)}
            images[entry.facts.content] = image = Image(**facts)
            session.add(image)
    session.flush()
    vectors = {
        images[e.content].id: e.vector
        for e in entries
        if e.content is not None and e.vector is not None
    }
    for image_id in _with_vector(session, model_id, list(vectors)):
        del vectors[image_id]
    add_vectors(session, model_id, vectors)
    return images


def _with_vector(session: Session, model_id: int, image_ids: Sequence[int]) -> Iterable[int]:
    for part in parts(image_ids):
        query = select(Embedding.image_id).where(
            Embedding.model_id == model_id, Embedding.image_id.in_(part)
        )
        yield from session.scalars(query)


def _put_links(
    session: Session,
    marks: dict[str, Mark],
    images: dict[bytes, Image],
    entries: Sequence[Entry],
    changed: set[str],
) -> list[MarkImage]:
    """The links of the batch.

    An image that loses its last link stays until `removal.sweep_orphans`: a later row of the same
    run can be about to show it.
    """
    links: list[MarkImage] = []
    for entry in entries:
        mark = marks.get(entry.mark.key)
        if mark is None or entry.path is None:
            continue
        link = next((known for known in mark.images if known.path == entry.path), None)
        if entry.content is not None:
            image = images[entry.content]
            if link is None:
                link = MarkImage(path=entry.path, image_id=image.id)
                mark.images.append(link)
                changed.add(mark.key)
            elif link.image_id != image.id:
                link.image_id = image.id
                changed.add(mark.key)
        # A picture that has become unreadable keeps its last good link; one that is gone does so
        # until it is pruned.
        if link is not None and not (entry.error and entry.error.reason == "missing"):
            links.append(link)
    session.flush()
    return links


def _note_rejects(session: Session, collection: int, entries: Sequence[Entry]) -> None:
    paths = sorted({e.path for e in entries if e.path is not None})
    for part in parts(paths):
        session.execute(
            delete(Reject).where(Reject.collection_id == collection, Reject.path.in_(part))
        )
    errors = {e.path: e.error for e in entries if e.path is not None and e.error is not None}
    session.add_all(
        Reject(collection_id=collection, path=path, reason=error.reason, detail=error.detail)
        for path, error in errors.items()
    )
