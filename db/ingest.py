"""Batches of marks and pictures into the catalogue, each batch in one transaction.

A batch can be applied again without change: what a killed run committed is found, compared and
left alone, and what it did not is written.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session, selectinload

from likemark.db.changes import note_links, note_marks
from likemark.db.errors import CatalogueError, PictureError
from likemark.db.manifest import file_key
from likemark.db.register import join_rows
from likemark.db.removal import is_bare
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
from likemark.db.vectors import add_vectors, parts, picture_lock, require_active

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
    bare: bool = False  # a picture alone: it changes nothing that a manifest says of its mark


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
    session: Session,
    collection: int,
    model_id: int,
    entries: Sequence[Entry],
    *,
    seen_marks: Container[int] = (),
) -> Applied:
    """Write a batch: marks inserted or updated, pictures and vectors added, links set.

    seen_marks: ids of marks that earlier batches of the same run have written: further rows add to
    them, where rows of another run replace what there is.
    """
    before = _load_marks(session, collection, [entry.mark.key for entry in entries])
    whole, entries = entries, _without_claimed(session, collection, entries, before)
    marks = dict(before)
    for data in _data(entries, before, seen_marks).values():
        _put_mark(session, collection, marks, data)
    changed = {key for key, mark in before.items() if session.is_modified(mark)}
    # Of all: the first of several files with the same bytes brings what the others need.
    images, embedded = _put_images(session, model_id, whole)
    links = _put_links(session, marks, images, entries, changed)
    told = [link for key in changed for link in marks[key].images]
    if len(entries) < len(whole):
        told += _renewed(session, collection, images, whole)
    # A link whose picture was embedded just now is told of by the vector's generation.
    note_links(session, [link.id for link in told if link.image_id not in embedded])
    drop_bare(session, collection, entries)
    note_rejects(session, collection, entries)
    seen = {e.mark.key for e in entries if not (e.bare and _is_missing(e))}
    return Applied(
        added=len(marks) - len(before),
        updated=len(changed & before.keys()),
        link_ids=tuple(link.id for link in links),
        mark_ids=tuple(mark.id for key, mark in marks.items() if key in seen),
    )


def _without_claimed(
    session: Session, collection: int, entries: Sequence[Entry], before: Mapping[str, Mark]
) -> Sequence[Entry]:
    """The entries but pictures alone that another mark of the collection shows already."""
    bare = [e.path for e in entries if e.bare and e.path and e.mark.key not in before]
    claimed = {e.path for e in entries if not e.bare}
    for part in parts(bare):
        query = select(MarkImage.path).join(Mark).where(*_shown_in(collection, part)).distinct()
        claimed.update(session.scalars(query))
    return [e for e in entries if not (e.bare and e.path in claimed)]


def _renewed(
    session: Session, collection: int, images: Mapping[bytes, Image], entries: Sequence[Entry]
) -> Iterator[MarkImage]:
    """Links set anew: a mark shows what its file holds now, whoever comes by the file."""
    found = {e.path: _image(images, e).id for e in entries if e.path and e.content and e.bare}
    for part in parts(sorted(found)):
        query = select(MarkImage).join(Mark).where(*_shown_in(collection, part))
        for link in session.scalars(query):
            if link.image_id != found[link.path]:
                link.image_id = found[link.path]
                yield link


def _shown_in(collection: int, paths: Sequence[str]) -> tuple[ColumnElement[bool], ...]:
    """Of a link and its mark: it shows one of these files in this collection."""
    # By the sum no index is chosen: SQLite would look through the collection for a few paths.
    return MarkImage.path.in_(paths), Mark.collection_id + 0 == collection


def _data(
    entries: Sequence[Entry], before: Mapping[str, Mark], seen_marks: Container[int]
) -> dict[str, MarkData]:
    """What is to be written of each mark: its rows add up, those of earlier batches too."""
    data: dict[str, MarkData] = {}
    for entry in entries:
        key = entry.mark.key
        mark = before.get(key)
        if key in data:
            if not entry.bare:
                data[key] = join_rows(data[key], entry.mark)
        elif mark is None:
            if entry.create:
                data[key] = entry.mark
        elif not entry.bare:
            data[key] = (
                join_rows(_as_data(mark), entry.mark) if mark.id in seen_marks else entry.mark
            )
    return data


def _as_data(mark: Mark) -> MarkData:
    return MarkData(
        key=mark.key,
        nice=tuple(row.nice_class for row in mark.nice),
        vienna=tuple(row.code for row in mark.vienna),
        **{name: getattr(mark, name) for name in _PLAIN},
    )


def _is_missing(entry: Entry) -> bool:
    return entry.error is not None and entry.error.reason == "missing"


def drop_bare(session: Session, collection: int, entries: Sequence[Entry]) -> None:
    """Marks that were a picture alone go when a row of a manifest shows that picture."""
    keys = {file_key(e.path) for e in entries if not e.bare and e.path}
    for part in parts(sorted(keys - {e.mark.key for e in entries})):
        bare = (Mark.collection_id == collection, Mark.key.in_(part), is_bare())
        note_marks(session, session.scalars(select(Mark.id).where(*bare)).all())
        session.execute(delete(Mark).where(*bare))


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


def _put_images(
    session: Session, model_id: int, entries: Sequence[Entry]
) -> tuple[dict[bytes, Image], set[int]]:
    """The batch's images by content, and the ids of those that got their vector now."""
    if any(entry.facts is not None or entry.vector is not None for entry in entries):
        picture_lock(session)
        require_active(session, model_id)
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
        _image(images, e).id: e.vector
        for e in entries
        if e.content is not None and e.vector is not None
    }
    for image_id in _with_vector(session, model_id, list(vectors)):
        del vectors[image_id]
    add_vectors(session, model_id, vectors)
    return images, set(vectors)


def _image(images: Mapping[bytes, Image], entry: Entry) -> Image:
    """Raises CatalogueError for a picture that was known when the row was read, and has gone."""
    image = images.get(entry.content or b"")
    if image is None:
        raise CatalogueError(
            f"{entry.path}: its picture has left the catalogue since it was looked up, by another "
            "writer; run the same command again"
        )
    return image


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
            image = _image(images, entry)
            if link is None:
                link = MarkImage(path=entry.path, image_id=image.id)
                mark.images.append(link)
                changed.add(mark.key)
            elif link.image_id != image.id:
                link.image_id = image.id
                changed.add(mark.key)
        # A picture that has become unreadable keeps its last good link; one that is gone does so
        # until it is pruned.
        if link is not None and not _is_missing(entry):
            links.append(link)
    session.flush()
    return links


def note_rejects(session: Session, collection: int, entries: Sequence[Entry]) -> None:
    paths = sorted({e.path for e in entries if e.path is not None})
    for part in parts(paths):
        session.execute(
            delete(Reject).where(Reject.collection_id == collection, Reject.path.in_(part))
        )
    refused = {e.path: (e.mark.source, e.error) for e in entries if e.path and e.error}
    session.add_all(
        Reject(
            collection_id=collection,
            path=path,
            source=source,
            reason=error.reason,
            detail=error.detail,
        )
        for path, (source, error) in refused.items()
    )
