"""Taking marks out, and the pictures and vectors that nothing shows any more."""

from __future__ import annotations

from collections.abc import Collection as Several
from collections.abc import Container, Sequence

from sqlalchemy import ColumnElement, Select, delete, exists, func, literal, or_, select
from sqlalchemy.orm import InstrumentedAttribute, Session

from likemark.db.changes import note_links, note_marks
from likemark.db.manifest import file_key
from likemark.db.schema import Image, Mark, MarkImage, Reject
from likemark.db.vectors import ROWS, forget_vectors, parts


def remove_marks(session: Session, mark_ids: Sequence[int], *, alone: bool = True) -> int:
    """Remove marks with all that hangs on them; the number of marks that were there.

    alone: nobody else writes; False leaves pictures that nothing shows any more to a later sweep.
    """
    removed = 0
    note_marks(session, mark_ids)
    for part in parts(mark_ids):
        shown = session.scalars(select(MarkImage.image_id).where(MarkImage.mark_id.in_(part))).all()
        gone = session.scalars(delete(Mark).where(Mark.id.in_(part)).returning(Mark.id)).all()
        removed += len(gone)
        if alone:
            drop_orphans(session, shown)
    return removed


def drop_orphans(session: Session, image_ids: Several[int]) -> None:
    """Of these images, drop those that no mark shows, with their vectors."""
    for part in parts(sorted(set(image_ids))):
        still = set(session.scalars(select(MarkImage.image_id).where(MarkImage.image_id.in_(part))))
        orphans = [image_id for image_id in part if image_id not in still]
        forget_vectors(session, orphans)
        session.execute(delete(Image).where(Image.id.in_(orphans)))


def sweep_orphans(session: Session) -> None:
    """Drop every image that no mark shows, with its vectors."""
    query = select(Image.id).where(~exists().where(MarkImage.image_id == Image.id))
    drop_orphans(session, session.scalars(query).all())


def unseen(
    session: Session, collection: int, *, folders: Sequence[str], manifests: Sequence[str],
    seen_links: Container[int], seen_marks: Container[int],
) -> tuple[list[int], list[int]]:  # fmt: skip
    """(link ids, mark ids) that came from these folders and manifests but were not seen there."""
    links: list[int] = []
    marks: list[int] = []
    for scope in [_under(folder) for folder in folders] + [_from(name) for name in manifests]:
        of_marks = scope.where(Mark.collection_id == collection)
        marks += [i for i in session.scalars(_streamed(of_marks)) if i not in seen_marks]
        of_links = select(MarkImage.id).where(MarkImage.mark_id.in_(of_marks))
        links += [i for i in session.scalars(_streamed(of_links)) if i not in seen_links]
    return links, marks


def prune(
    session: Session, link_ids: Sequence[int], mark_ids: Sequence[int], *, alone: bool = True
) -> int:
    """Remove marks, and single pictures of marks that stay; the number of marks removed.

    alone: as in `remove_marks`
    """
    removed = remove_marks(session, mark_ids, alone=alone)
    note_links(session, link_ids)
    for part in parts(link_ids):
        shown = session.scalars(
            delete(MarkImage).where(MarkImage.id.in_(part)).returning(MarkImage.image_id)
        ).all()
        if alone:
            drop_orphans(session, shown)
    return removed


def forget_rejects(
    session: Session,
    collection: int,
    *,
    folders: Sequence[str],
    manifests: Sequence[str],
    keep: Several[str],
) -> None:
    """Drop the notes on unreadable pictures that these folders and manifests no longer hold."""
    scopes = [_inside(Reject.source, _slash(folder)) & (Reject.source == Reject.path)
              for folder in folders] + [Reject.source == name for name in manifests]  # fmt: skip
    for scope in scopes:
        query = select(Reject.path).where(Reject.collection_id == collection, scope)
        for part in parts([path for path in session.scalars(query) if path not in keep]):
            session.execute(
                delete(Reject).where(Reject.collection_id == collection, Reject.path.in_(part))
            )


def _streamed(query: Select[int]) -> Select[int]:
    return query.execution_options(yield_per=ROWS)


def _under(folder: str) -> Select[int]:
    return select(Mark.id).where(_inside(Mark.key, file_key(_slash(folder))), is_bare())


def is_bare() -> ColumnElement[bool]:
    """Of a mark: it is a picture alone, not a row of a manifest."""
    # A manifest's mark can carry a file's key too, but not the file as its source.
    return Mark.key == literal(file_key("")) + Mark.source


def _begins(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    # Not LIKE: SQLite's takes "Logos" and "logos" for one folder.
    return func.substr(column, 1, len(text)) == text


def _inside(column: InstrumentedAttribute[str], text: str) -> ColumnElement[bool]:
    # A folder's shards are indexed for themselves: the folder's own pictures leave theirs alone.
    rest = func.lower(func.substr(column, len(text) + 1))
    shards = (rest.contains(ending + "!/") for ending in (".tar", ".tar.gz", ".tgz"))
    return _begins(column, text) & ~or_(*shards)


def _from(manifest: str) -> Select[int]:
    return select(Mark.id).where(Mark.source == manifest)


def _slash(folder: str) -> str:
    return folder.rstrip("/") + "/"
