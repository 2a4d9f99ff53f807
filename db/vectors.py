"""Embeddings in the catalogue, their generations, and what an index needs to catch up."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, insert, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from likemark.db.blobs import packed, read_back, unpacked
from likemark.db.copying import IN_LIMIT, insert_rows, rows_in
from likemark.db.errors import ModelMismatch
from likemark.db.schema import CatalogueInfo, Embedding, Generation, Image, Model, Removal
from likemark.db.stored import numbers

ROWS = 20_000  # that are fetched at once
_OF_IMAGES = "SELECT image_id, vector FROM embeddings WHERE model_id = :model AND image_id"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ModelRow:
    id: int
    fingerprint: str  # 64 hexadecimal digits: weights, preprocessing and picture rules
    name: str
    dimension: int
    generation: int  # advances with every change of the model's vectors
    token: str  # random, one for each generation


@dataclass(frozen=True, slots=True)
class Vectors:
    """Some of a model's embeddings: N images, D dimensions."""

    ids: NDArray[np.int64]  # (N,) image ids, ascending
    rows: NDArray[np.float32]  # (N, D), unit rows to float16 accuracy


def active_model(session: Session) -> ModelRow | None:
    found = session.execute(
        select(Model).join(CatalogueInfo, CatalogueInfo.active_model_id == Model.id)
    ).scalar_one_or_none()
    return None if found is None else _row(session, found)


def model_by_fingerprint(session: Session, fingerprint: str) -> ModelRow | None:
    found = session.scalars(select(Model).where(Model.fingerprint == fingerprint)).one_or_none()
    return None if found is None else _row(session, found)


def ensure_model(
    session: Session, *, fingerprint: str, name: str, dimension: int, reference: str | None = None
) -> ModelRow:
    """The model's row, made if it is new; it becomes the active one if there is none yet.

    reference: what names it on the command line; None: its name
    Raises ModelMismatch when another model is active: its vectors must not be mixed with these.
    """
    active = active_model(session)
    if active is None or active.fingerprint != fingerprint:
        picture_lock(session)  # of two that begin with different models, one is the first
        active = active_model(session)
    if active is not None and active.fingerprint != fingerprint:
        if count_vectors(session, active.id):
            raise mismatch(active, name, fingerprint, reference)
        active = None  # it has nothing to be mixed with
    row = model_by_fingerprint(session, fingerprint) or _new_model(
        session, fingerprint=fingerprint, name=name, dimension=dimension
    )
    if active is None:
        activate(session, row.id)
    return row


def mismatch(
    active: ModelRow, name: str, fingerprint: str, reference: str | None = None
) -> ModelMismatch:
    """reference: what names the model on the command line; None: its name."""
    return ModelMismatch(
        f"the catalogue is embedded with {active.name} ({active.fingerprint[:8]}), not with "
        f"{name} ({fingerprint[:8]}); run: likemark reindex --model {reference or name}"
    )


def add_model(session: Session, *, fingerprint: str, name: str, dimension: int) -> ModelRow:
    """The model's row, made if it is new, whichever model is active (for re-embedding)."""
    return model_by_fingerprint(session, fingerprint) or _new_model(
        session, fingerprint=fingerprint, name=name, dimension=dimension
    )


def activate(session: Session, model_id: int) -> None:
    session.execute(update(CatalogueInfo).values(active_model_id=model_id))


def drop_other_models(session: Session, model_id: int) -> None:
    session.execute(delete(Model).where(Model.id != model_id))


def picture_lock(session: Session) -> None:
    """Until the transaction ends, be the only one that adds pictures and vectors.

    SQLite's transactions that write are alone already. Others wait as long as a batch takes.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(hashtext('likemark pictures'))"))


def require_active(session: Session, model_id: int) -> None:
    """Raises ModelMismatch when another model has become the active one."""
    active = active_model(session)
    if active is not None and active.id != model_id:
        model = session.get_one(Model, model_id)
        raise mismatch(active, model.name, model.fingerprint)


def add_vectors(
    session: Session, model_id: int, vectors: Mapping[int, NDArray[np.float32]]
) -> None:
    """Store rows by image id: each (D,) float32 of length 1, kept as float16.

    Raises CatalogueError for a row of another length.
    """
    if not vectors:
        return
    ids = list(vectors)
    blobs = packed(ids, np.stack(list(vectors.values())))
    generation = _advance(session, model_id)
    rows = ((model_id, i, generation, blob) for i, blob in zip(ids, blobs, strict=True))
    insert_rows(session, "embeddings", ("model_id", "image_id", "generation", "vector"), rows)


def forget_vectors(session: Session, image_ids: Sequence[int]) -> None:
    """Drop images' vectors of every model, leaving word of it for the indices."""
    for part in parts(image_ids):
        held = select(Embedding.model_id, Embedding.image_id).where(Embedding.image_id.in_(part))
        by_model: dict[int, list[int]] = {}
        for model_id, image_id in session.execute(held):
            by_model.setdefault(model_id, []).append(image_id)
        for model_id, ids in by_model.items():
            generation = _advance(session, model_id)
            stamp = {"model_id": model_id, "generation": generation}
            session.execute(insert(Removal), [{**stamp, "image_id": image_id} for image_id in ids])
        session.execute(delete(Embedding).where(Embedding.image_id.in_(part)))


def embedded_contents(session: Session, model_id: int, contents: Iterable[bytes]) -> set[bytes]:
    """Those of the files' hashes whose picture has a vector of this model."""
    found: set[bytes] = set()
    for part in parts(list(contents)):
        query = select(Image.content).join(Embedding, Embedding.image_id == Image.id)
        query = query.where(Embedding.model_id == model_id, Image.content.in_(part))
        found.update(session.scalars(query))
    return found


def known_token(session: Session, model_id: int, generation: int) -> str | None:
    return session.scalars(
        select(Generation.token).where(
            Generation.model_id == model_id, Generation.number == generation
        )
    ).one_or_none()


def count_vectors(session: Session, model_id: int) -> int:
    query = select(func.count()).select_from(Embedding).where(Embedding.model_id == model_id)
    return session.execute(query).scalar_one()


def removed_since(session: Session, model_id: int, generation: int) -> NDArray[np.int64]:
    query = (
        select(Removal.image_id)
        .where(Removal.model_id == model_id, Removal.generation > generation)
        .execution_options(yield_per=ROWS)
    )
    return numbers(session.scalars(query))


def vectors_since(
    session: Session, model: ModelRow, generation: int = 0, *, batch: int = 8192
) -> Iterator[Vectors]:
    """The model's vectors stored after a generation, streamed by ascending image id."""
    if generation:
        # The ids are sorted here, lest the database sort them with their vectors.
        changed = _changed_since(session, model.id, generation)
        for start in range(0, len(changed), batch):
            yield vectors_of(session, model, changed[start : start + batch])
        return
    for ids, blobs in _stored(session, model, batch):
        yield Vectors(numbers(ids), unpacked(session, ids, blobs, model.dimension))


def damaged_vectors(session: Session, model: ModelRow, *, batch: int = 8192) -> Iterator[int]:
    """Ids of images, ascending, whose stored vector is no unit row of the model's dimension."""
    for ids, blobs in _stored(session, model, batch):
        _, sound = read_back(blobs, model.dimension)
        yield from (ids[place] for place in np.flatnonzero(~sound))


def _stored(
    session: Session, model: ModelRow, batch: int
) -> Iterator[tuple[list[int], list[bytes]]]:
    """All of the model's vectors as they are stored, by ascending image id."""
    query = (
        select(Embedding.image_id, Embedding.vector)
        .where(Embedding.model_id == model.id)
        .order_by(Embedding.image_id)
        .execution_options(yield_per=batch)
    )
    with session.execute(query) as found:  # closed even where a reader leaves early
        for rows in found.partitions():
            yield [row.image_id for row in rows], [row.vector for row in rows]


def _changed_since(session: Session, model_id: int, generation: int) -> NDArray[np.int64]:
    """(N,) ascending ids of images whose vector was stored after a generation."""
    query = (
        select(Embedding.image_id)
        .where(Embedding.model_id == model_id, Embedding.generation > generation)
        .execution_options(yield_per=ROWS)
    )
    return np.sort(numbers(session.scalars(query)))


def vectors_of(session: Session, model: ModelRow, ids: NDArray[np.int64]) -> Vectors:
    """The vectors of those of the images (any number) that have one, by ascending id."""
    found = list(rows_in(session, _OF_IMAGES, np.unique(ids).tolist(), model=model.id))
    image_ids, blobs = zip(*found, strict=True) if found else ((), ())
    known = numbers(image_ids)
    order = np.argsort(known)
    rows = unpacked(session, image_ids, blobs, model.dimension)
    return Vectors(known[order], rows[order])


def parts(values: Sequence[T], size: int = IN_LIMIT) -> Iterator[Sequence[T]]:
    for start in range(0, len(values), size):
        yield values[start : start + size]


def _advance(session: Session, model_id: int) -> int:
    # The row's lock is held until commit, so generations become visible in their order.
    number = session.execute(
        update(Model)
        .where(Model.id == model_id)
        .values(generation=Model.generation + 1)
        .returning(Model.generation)
        .execution_options(synchronize_session=False)
    ).scalar_one()
    session.execute(
        insert(Generation).values(model_id=model_id, number=number, token=secrets.token_hex(16))
    )
    return number


def _new_model(session: Session, *, fingerprint: str, name: str, dimension: int) -> ModelRow:
    model = Model(fingerprint=fingerprint, name=name, dimension=dimension, generation=0)
    try:
        with session.begin_nested():
            session.add(model)
    except IntegrityError:  # another process was quicker
        found = model_by_fingerprint(session, fingerprint)
        assert found is not None
        return found
    session.execute(
        insert(Generation).values(model_id=model.id, number=0, token=secrets.token_hex(16))
    )
    return _row(session, model)


def _row(session: Session, model: Model) -> ModelRow:
    session.refresh(model)
    token = known_token(session, model.id, model.generation) or ""
    return ModelRow(
        model.id, model.fingerprint, model.name, model.dimension, model.generation, token
    )
