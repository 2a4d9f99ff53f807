"""The vector index kept true to the catalogue: caught up when stale, rebuilt when not trusted.

Both are read in one transaction, so the stamp that is saved says exactly what the index holds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.errors import IndexFault, IndexStale
from likemark.db.schema import CatalogueInfo
from likemark.db.vectors import (
    ModelRow,
    active_model,
    count_vectors,
    known_token,
    removed_since,
    vectors_since,
)
from likemark.index.factory import AUTO, EXACT, choose_factory, training_size
from likemark.index.faiss_index import FaissIndex
from likemark.index.protocol import Rows, Stamp
from likemark.index.storage import stored_setting
from likemark.retrieval.workspace import Workspace

# A stored index is written anew when this share of it has changed; until then a start catches up.
SAVE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that agrees with the catalogue as it was read."""

    index: FaissIndex
    model: ModelRow
    action: Literal["current", "caught up", "rebuilt"]
    why: str  # of a rebuild; else empty
    saved: bool  # the files on disk hold this state


def open_index(
    workspace: Workspace,
    *,
    setting: str | None = None,
    save: bool | None = None,
    rebuild: bool = False,
) -> Opened | None:
    """The active model's index, in agreement with the catalogue; None while there is no model.

    setting: a factory string or "auto"; None keeps what is stored. save: store what changed, or
    not; None: when it is worth it, and a folder that cannot be written is no fault. rebuild: do not
    even look at what is stored.
    """
    with workspace.catalogue.read() as session:
        model = active_model(session)
        if model is None:
            return None
        identity = session.scalars(select(CatalogueInfo.identity)).one()
        if setting is None:
            setting = stored_setting(workspace.index_folder(model.fingerprint)) or AUTO
        stamp = Stamp(identity, model.fingerprint, model.generation, model.token)
        try:
            if rebuild:
                raise IndexStale("it was asked for")
            opened, changed = _caught_up(session, workspace, model, stamp, setting)
        except (IndexFault, FileNotFoundError) as fault:
            why = str(fault) if isinstance(fault, IndexFault) else "there is none yet"
            index = _built(session, model, setting)
            opened, changed = Opened(index, model, "rebuilt", why, saved=False), 1.0
    if changed and (save or (save is None and changed > SAVE_SHARE)):
        return _stored(workspace, opened, stamp, quietly=save is None)
    return opened


def _caught_up(
    session: Session, workspace: Workspace, model: ModelRow, stamp: Stamp, setting: str
) -> tuple[Opened, float]:
    """The stored index brought up to date, and the share that changed.

    Raises IndexDamaged, IndexStale or FileNotFoundError when it must be rebuilt.
    """
    index, stored = FaissIndex.open(workspace.index_folder(model.fingerprint))
    count = count_vectors(session, model.id)
    why = _distrust(session, index, stored, stamp, model, setting, count)
    if why:
        raise IndexStale(why)
    if stored.generation == stamp.generation:
        return Opened(index, model, "current", "", saved=True), 0.0
    changed = index.remove(removed_since(session, model.id, stored.generation))
    for part in vectors_since(session, model, stored.generation):
        index.add(part.ids, part.rows)
        changed += len(part.ids)
    if index.stats().count != count:
        raise IndexStale(f"it holds {index.stats().count} vectors, the catalogue {count}")
    # A change of generations alone still counts as some change.
    share = max(changed, 1) / max(count, 1)
    return Opened(index, model, "caught up", "", saved=False), share


def _distrust(
    session: Session, index: FaissIndex, stored: Stamp, wanted: Stamp, model: ModelRow,
    setting: str, count: int,
) -> str:  # fmt: skip
    if stored.model != wanted.model or index.dimension != model.dimension:
        return "it holds another model's vectors"
    if stored.catalogue != wanted.catalogue:
        return "it belongs to another catalogue"
    if known_token(session, model.id, stored.generation) != stored.token:
        return "the catalogue has another history (restored from a backup?)"
    if setting != index.setting:
        return f"it was made for {index.setting}, {setting} is wanted"
    fitting = choose_factory(setting, expected=count)
    if setting == AUTO and (fitting == EXACT) != index.stats().exact:
        change = "shrunk to" if fitting == EXACT else "outgrown"
        return f"the collection has {change} exact search"
    if setting != AUTO and count and index.factory != fitting:
        return f"it was {index.factory} while there was nothing to train {setting} on"
    return ""


def _built(session: Session, model: ModelRow, setting: str) -> FaissIndex:
    count = count_vectors(session, model.id)
    index = FaissIndex.create(setting, dimension=model.dimension, expected=count)
    if not index.trained:
        index.train(_sample(session, model, training_size(index.factory) / count))
    for part in vectors_since(session, model):
        index.add(part.ids, part.rows)
    return index


def _sample(session: Session, model: ModelRow, share: float) -> Rows:
    """About this share of the vectors, drawn evenly with a fixed seed."""
    rng = np.random.default_rng(0)
    return np.concatenate(
        [part.rows[rng.random(len(part.ids)) < share] for part in vectors_since(session, model)]
    )


def _stored(workspace: Workspace, opened: Opened, stamp: Stamp, *, quietly: bool) -> Opened:
    try:
        opened.index.save(workspace.index_folder(opened.model.fingerprint), stamp)
    except IndexFault:
        if not quietly:
            raise
        return opened
    return Opened(opened.index, opened.model, opened.action, opened.why, saved=True)
