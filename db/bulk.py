"""Whole registers into the catalogue: rows by the ten thousand, for marks that are not there yet.

What is written is what `ingest.apply_batch` writes of the same rows, an order of magnitude faster.
It changes nothing that is there: a mark whose key the collection holds already is passed over and
counted. So a load that was killed is begun again from the start, and passes over what it had done.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import exists, select, text
from sqlalchemy.orm import Session

from likemark.db.catalogue import Catalogue, named_faults
from likemark.db.changes import note_links
from likemark.db.copying import insert_rows, new_ids, rows_in
from likemark.db.errors import InvalidInput
from likemark.db.ingest import Entry, collection_id, drop_bare, note_rejects
from likemark.db.lock import writer_lock
from likemark.db.register import join_rows
from likemark.db.removal import is_bare
from likemark.db.schema import Base, Mark
from likemark.db.values import DEFAULT_COLLECTION, ImageFacts, MarkData
from likemark.db.vectors import ModelRow, add_vectors, picture_lock, require_active

# Rows per transaction: a second of work, some 20 MB with vectors.
BATCH_ROWS = 10_000
# From so many new marks on, the database is told to look at its tables anew.
SETTLE_MARKS = 10_000
SQLITE_CACHE = "PRAGMA cache_size = -262144"  # 256 MiB
PLAIN = tuple(f.name for f in fields(MarkData) if f.name not in ("nice", "vienna", "extra"))
FACTS = tuple(f.name for f in fields(ImageFacts))


@dataclass(slots=True)
class BulkReport:
    """What a load did; it grows while the load goes on."""

    rows: int = 0  # of the input, dealt with
    added: int = 0  # marks
    passed: int = 0  # rows of marks that were there already
    pictures: int = 0  # new to the catalogue
    vectors: int = 0  # new to the catalogue


def bulk_load(
    catalogue: Catalogue,
    entries: Iterable[Entry],
    *,
    collection: str = DEFAULT_COLLECTION,
    model: ModelRow | None = None,
    batch_rows: int = BATCH_ROWS,
    wait: float = 0.0,
    progress: Callable[[BulkReport], None] = lambda report: None,
) -> BulkReport:
    """Load register rows into a collection, each batch in one transaction.

    entries: rows of one mark stand one behind the other; what parts them is passed over
    model: whose vectors the entries bring; wait: seconds to wait for another writer
    Raises Busy, ModelMismatch, InvalidInput, CatalogueError; the batches before it are kept.
    """
    report = BulkReport()
    with writer_lock(catalogue, wait=wait, collection=collection) as held:
        with catalogue.write() as session:
            number = collection_id(session, collection)
            bare = exists().where(Mark.collection_id == number, is_bare())
            has_bare = bool(session.execute(select(bare)).scalar_one())
        load = _Load(number, None if model is None else model.id, has_bare, report)
        for batch in _batches(entries, batch_rows):
            held.keep()
            with catalogue.write() as session:
                if catalogue.engine.dialect.name == "sqlite":
                    session.execute(text(SQLITE_CACHE))  # the indices grow all over
                done = load.batch(session, batch)
            load.count(done)
            progress(report)
        if report.added >= SETTLE_MARKS:
            settle(catalogue)
    return report


def settle(catalogue: Catalogue) -> None:
    """Let the database plan by what its tables hold now; writers and readers go on meanwhile."""
    if catalogue.engine.dialect.name != "postgresql":
        with catalogue.write() as session:
            session.execute(text("PRAGMA analysis_limit = 1000"))
            session.execute(text("ANALYZE"))
        return
    with named_faults(catalogue), catalogue.engine.connect() as connection:
        connection = connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text(f"VACUUM (ANALYZE) {', '.join(Base.metadata.tables)}"))


def _batches(entries: Iterable[Entry], size: int) -> Iterator[list[Entry]]:
    """About `size` rows each; the rows of one mark stay together."""
    batch: list[Entry] = []
    for entry in entries:
        if entry.bare or not entry.create:
            raise InvalidInput(f"{entry.path}: a bulk load takes rows of a register alone")
        if len(batch) >= size and entry.mark.key != batch[-1].mark.key:
            yield batch
            batch = []
        batch.append(entry)
    if batch:
        yield batch


@dataclass(frozen=True, slots=True)
class _Load:
    collection: int
    model_id: int | None
    has_bare: bool  # the collection holds marks that are a picture alone
    report: BulkReport

    def count(self, done: BulkReport) -> None:
        for name in (f.name for f in fields(BulkReport)):
            setattr(self.report, name, getattr(self.report, name) + getattr(done, name))

    def batch(self, session: Session, entries: Sequence[Entry]) -> BulkReport:
        keys = list(dict.fromkeys(entry.mark.key for entry in entries))
        found = "SELECT key FROM marks WHERE collection_id = :number AND key"
        there = {key for (key,) in rows_in(session, found, keys, number=self.collection)}
        new = [entry for entry in entries if entry.mark.key not in there]
        ids = self._marks(session, new)
        images, added, fresh = self._images(session, new)
        self._links(session, new, ids, images, added | fresh)
        if self.has_bare:
            drop_bare(session, self.collection, new)
        note_rejects(session, self.collection, new)
        return BulkReport(len(entries), len(ids), len(entries) - len(new), len(added), len(fresh))

    def _marks(self, session: Session, entries: Sequence[Entry]) -> dict[str, int]:
        data: dict[str, MarkData] = {}
        for mark in (entry.mark for entry in entries):
            data[mark.key] = join_rows(data[mark.key], mark) if mark.key in data else mark
        ids = dict(zip(data, new_ids(session, "marks", len(data)), strict=True))
        rows = ((ids[key], self.collection, *_plain(mark)) for key, mark in data.items())
        insert_rows(session, "marks", ("id", "collection_id", *PLAIN, "extra"), rows)
        for table, column, name in (
            ("mark_nice", "nice_class", "nice"), ("mark_vienna", "code", "vienna")
        ):  # fmt: skip
            several = (
                (ids[key], value) for key, mark in data.items() for value in getattr(mark, name)
            )
            insert_rows(session, table, ("mark_id", column), several)
        return ids

    def _images(
        self, session: Session, entries: Sequence[Entry]
    ) -> tuple[dict[bytes, int], set[int], set[int]]:
        """Image ids by content, those that are new, and those that got their vector now."""
        contents = list(dict.fromkeys(e.content for e in entries if e.content is not None))
        facts = {e.facts.content: e.facts for e in entries if e.facts is not None}
        vectors = {e.content: e.vector for e in entries if e.vector is not None and e.content}
        if facts or vectors:
            picture_lock(session)
        images: dict[bytes, int] = {
            bytes(content): number
            for content, number in rows_in(
                session, "SELECT content, id FROM images WHERE content", contents
            )
        }
        new = [facts[content] for content in contents if content in facts and content not in images]
        numbers = new_ids(session, "images", len(new))
        rows = (
            (number, *(getattr(each, name) for name in FACTS))
            for number, each in zip(numbers, new, strict=True)
        )
        insert_rows(session, "images", ("id", *FACTS), rows)
        images.update((each.content, n) for n, each in zip(numbers, new, strict=True))
        known = {images[c]: row for c, row in vectors.items() if c in images}
        return images, set(numbers), self._vectors(session, known)

    def _vectors(self, session: Session, rows: dict[int, NDArray[np.float32]]) -> set[int]:
        if not rows:
            return set()
        if self.model_id is None:
            raise InvalidInput("the rows bring vectors: name the model that made them")
        require_active(session, self.model_id)
        held = "SELECT image_id FROM embeddings WHERE model_id = :model AND image_id"
        there = {i for (i,) in rows_in(session, held, list(rows), model=self.model_id)}
        fresh = {image_id: row for image_id, row in rows.items() if image_id not in there}
        add_vectors(session, self.model_id, fresh)
        return set(fresh)

    def _links(
        self, session: Session, entries: Sequence[Entry], ids: dict[str, int],
        images: dict[bytes, int], told: set[int],
    ) -> None:  # fmt: skip
        shown: dict[tuple[int, str], int] = {}
        for entry in entries:
            if entry.path is not None and entry.content is not None:
                if entry.content not in images:
                    raise InvalidInput(f"{entry.path}: new to the catalogue, and without its facts")
                shown[ids[entry.mark.key], entry.path] = images[entry.content]
        numbers = new_ids(session, "mark_images", len(shown))
        rows = [(n, *at, image) for n, (at, image) in zip(numbers, shown.items(), strict=True)]
        insert_rows(session, "mark_images", ("id", "mark_id", "path", "image_id"), rows)
        # A vector's generation tells of its picture's links: of old vectors it did so already.
        note_links(session, [number for number, _, _, image in rows if image not in told])


def _plain(mark: MarkData) -> Iterator[Any]:
    for name in PLAIN:
        value = getattr(mark, name)
        yield value.isoformat() if hasattr(value, "isoformat") else value
    yield json.dumps(dict(mark.extra), ensure_ascii=False)
