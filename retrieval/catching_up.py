"""One model's index brought to the state of the catalogue that a transaction reads."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session

from likemark.db.catalogue import stand_idle
from likemark.db.errors import IndexStale
from likemark.db.vectors import (
    ModelRow,
    count_vectors,
    removed_since,
    vectors_of,
    vectors_since,
)
from likemark.index.local import LocalIndex, build_local, open_local
from likemark.index.protocol import Ids, Rows, RowsOf, Stamp
from likemark.index.storage import State
from likemark.retrieval.trust import foreign, unfit
from likemark.retrieval.workspace import Workspace


class Overtaken(Exception):
    """Another process has stored a state, which this transaction may be too old for."""

    def __init__(self, stamp: Stamp | None) -> None:
        self.stamp = stamp


@dataclass(frozen=True, slots=True)
class Wanted:
    setting: str  # a factory string or "auto"
    recall: float | None  # promised; None: whatever it is
    folder: Path
    before: State | None  # what is stored there


def caught_up(
    session: Session, model: ModelRow, stamp: Stamp, wanted: Wanted, rows_of: RowsOf
) -> tuple[LocalIndex, float]:
    """The stored index brought up to date, and the share that changed; 0: it was current.

    Raises Overtaken, and IndexDamaged, IndexStale or FileNotFoundError when it must be rebuilt.
    """
    index, stored = open_local(wanted.folder, rows_of=rows_of)
    if wanted.before is None or stored != wanted.before.stamp:
        raise Overtaken(stored)
    if why := foreign(session, index, stored, stamp, model):
        raise IndexStale(why)
    current = stored.generation == stamp.generation
    # To count them in the catalogue is to pass over all of them.
    count = index.stats().count if current else count_vectors(session, model.id)
    if why := unfit(index, wanted.setting, wanted.recall, count):
        raise IndexStale(why)
    if current:
        return index, 0.0
    changed = index.remove(removed_since(session, model.id, stored.generation))
    for part in vectors_since(session, model, stored.generation):
        index.add(part.ids, part.rows)
        changed += len(part.ids)
    if index.stats().count != count:
        raise IndexStale(f"it holds {index.stats().count} vectors, the catalogue {count}")
    # A change of generations alone still counts as some change.
    return index, max(changed, 1) / max(count, 1)


def built(session: Session, model: ModelRow, wanted: Wanted, rows_of: RowsOf) -> LocalIndex:
    def stream() -> Iterator[tuple[Ids, Rows]]:
        for part in vectors_since(session, model):
            yield part.ids, part.rows

    stand_idle(session)
    return build_local(
        wanted.setting, stream, wanted.folder, dimension=model.dimension,
        count=count_vectors(session, model.id), recall=wanted.recall, rows_of=rows_of,
    )  # fmt: skip


def rows_of(workspace: Workspace, model: ModelRow) -> RowsOf:
    """The catalogue's own vectors, as they are when they are asked for."""

    def fetched(ids: Ids) -> tuple[Ids, Rows]:
        with workspace.catalogue.read() as session:
            found = vectors_of(session, model, ids)
        return found.ids, found.rows

    return fetched
