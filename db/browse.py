"""Looking at the catalogue: marks in pages, and counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, select, union
from sqlalchemy.orm import Session

from likemark.db.errors import InvalidInput, NoSuchMark
from likemark.db.filters import is_postgresql, require_collections, sets, tests
from likemark.db.manifest import file_key, id_key
from likemark.db.schema import Collection, Embedding, Image, Mark, MarkImage, Reject
from likemark.db.search import MarkRow, marks_by_id
from likemark.db.values import Filters
from likemark.db.vectors import active_model, count_vectors

WALK = 20_000  # ids that are looked at one by one for a page, a few hundredths of a second
_LARGEST = 2**63 - 1  # a database's id


@dataclass(frozen=True, slots=True)
class RejectRow:
    path: str
    reason: str  # one of errors.PICTURE_REASONS
    detail: str


@dataclass(frozen=True, slots=True)
class CollectionCount:
    name: str
    marks: int
    pictures: int  # distinct
    rejected: int  # pictures that could not be read


@dataclass(frozen=True, slots=True)
class CatalogueCounts:
    collections: tuple[CollectionCount, ...]  # by name
    marks: int
    pictures: int  # distinct, over all collections
    vectors: int  # of the active model
    model: str | None  # the active model's name
    model_fingerprint: str | None
    dimension: int | None


def list_marks(
    session: Session, filters: Filters, *, limit: int = 100, after: int = 0
) -> list[MarkRow]:
    """Marks within the filters by id, beginning behind id `after`."""
    if limit < 1:
        raise InvalidInput(f"limit {limit}: give 1 or more")
    return marks_by_id(session, _page(session, filters, limit, after))


def each_mark(session: Session, filters: Filters, *, batch: int = 1000) -> Iterator[MarkRow]:
    """As `list_marks`, all of them, with no more than `batch` in memory."""
    query = select(Mark.id).where(*sets(session, filters)).order_by(Mark.id)
    with session.scalars(query.execution_options(yield_per=batch)) as ids:
        for part in ids.partitions():
            yield from marks_by_id(session, part)


def _page(session: Session, filters: Filters, limit: int, after: int) -> list[int]:
    """Ids of the next marks within the filters."""

    def some(conditions: list[ColumnElement[bool]], wanted: int) -> list[int]:
        query = select(Mark.id).where(*conditions).order_by(Mark.id).limit(wanted)
        return list(session.scalars(query))

    behind = Mark.id > after
    if is_postgresql(session) or not filters.active:
        return some([behind, *tests(session, filters)], limit)
    # SQLite does not weigh its ways: what is frequent is found by walking on, and a walk to what
    # is rare would never end.
    walked = min(after + WALK, _LARGEST)
    near = some([behind, Mark.id <= walked, *tests(session, filters)], limit)
    if len(near) == limit:
        return near
    return near + some([Mark.id > walked, *sets(session, filters)], limit - len(near))


def find_mark(session: Session, reference: str, collection: str | None = None) -> MarkRow:
    """A mark by its number, the id it has in its manifest, or the catalogue's own id.

    "@7" is the own id 7 and nothing else, where "7" could be several.

    Raises NoSuchMark when there is none, InvalidInput when several answer.
    """
    ids = _candidates(session, reference, collection)
    if not ids:
        raise NoSuchMark(f"no mark {reference!r}; `likemark list` shows what there is")
    if len(ids) > 1:
        shown = ", ".join(f"@{mark_id}" for mark_id in ids[:5])
        raise InvalidInput(f"{reference!r} names {len(ids)} marks; give one of: {shown}")
    return marks_by_id(session, ids)[0]


def _candidates(session: Session, reference: str, collection: str | None) -> list[int]:
    scope = select(Collection.id)
    if collection is not None:
        require_collections(session, [collection])
        scope = scope.where(Collection.name == collection)
    there = session.scalars(scope).all()
    # By the sum no index is chosen: the collection is the worse one of each pair.
    here = (Mark.collection_id + 0).in_(there)
    if reference[:1] == "@":
        own = select(Mark.id).where(Mark.id == _own_id(reference[1:]), here)
        return list(session.scalars(own))
    keys = [id_key(reference), file_key(reference)]
    ways = (
        (Mark.collection_id.in_(there), Mark.key.in_(keys)),
        (Mark.application_number == reference, here),
        (Mark.registration_number == reference, here),
        (Mark.id == _own_id(reference), here),
    )
    # Each by an index of its own, where one query of them all would look through the marks.
    return sorted(session.scalars(union(*(select(Mark.id).where(*way) for way in ways))))


def _own_id(text: str) -> int:
    """The catalogue's own id that a reference can mean; no mark has the id -1."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1


def rejects(session: Session, collection: str | None = None) -> list[RejectRow]:
    query = select(Reject).order_by(Reject.path)
    if collection is not None:
        require_collections(session, [collection])
        query = query.join(Collection).where(Collection.name == collection)
    return [RejectRow(r.path, r.reason, r.detail) for r in session.scalars(query)]


def count(session: Session) -> CatalogueCounts:
    model = active_model(session)
    return CatalogueCounts(
        collections=tuple(_count_one(session, row) for row in _collections(session)),
        marks=_total(session, Mark),
        pictures=_total(session, Image),
        vectors=0 if model is None else count_vectors(session, model.id),
        model=None if model is None else model.name,
        model_fingerprint=None if model is None else model.fingerprint,
        dimension=None if model is None else model.dimension,
    )


def _collections(session: Session) -> list[Collection]:
    return list(session.scalars(select(Collection).order_by(Collection.name)))


def _count_one(session: Session, collection: Collection) -> CollectionCount:
    here = Mark.collection_id == collection.id
    pictures = select(func.count(MarkImage.image_id.distinct())).join(Mark).where(here)
    rejected = select(func.count()).where(Reject.collection_id == collection.id)
    return CollectionCount(
        name=collection.name,
        marks=session.execute(select(func.count(Mark.id)).where(here)).scalar_one(),
        pictures=session.execute(pictures).scalar_one(),
        rejected=session.execute(rejected).scalar_one(),
    )


def _total(session: Session, table: type[Mark] | type[Image]) -> int:
    return session.execute(select(func.count()).select_from(table)).scalar_one()


@dataclass(frozen=True, slots=True)
class Unembedded:
    """A picture without a vector of some model, and the places where it was read."""

    image_id: int
    content: bytes  # sha256 of the file, 32 bytes
    paths: tuple[str, ...]


def count_unembedded(session: Session, model_id: int) -> int:
    query = select(func.count()).select_from(Image).where(_lacks(model_id))
    return session.execute(query).scalar_one()


def unembedded(session: Session, model_id: int, *, after: int, limit: int) -> list[Unembedded]:
    """Pictures without a vector of this model by image id, beginning behind id `after`."""
    query = select(Image.id, Image.content).where(Image.id > after, _lacks(model_id))
    page = session.execute(query.order_by(Image.id).limit(limit)).all()
    paths: dict[int, list[str]] = {image_id: [] for image_id, _ in page}
    links = select(MarkImage.image_id, MarkImage.path).order_by(MarkImage.path)
    for image_id, path in session.execute(links.where(MarkImage.image_id.in_(paths))):
        paths[image_id].append(path)
    return [Unembedded(image_id, content, tuple(paths[image_id])) for image_id, content in page]


def _lacks(model_id: int) -> ColumnElement[bool]:
    held = select(Embedding.image_id).where(
        Embedding.model_id == model_id, Embedding.image_id == Image.id
    )
    return ~held.exists()
