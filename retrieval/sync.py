"""The vector index kept true to the catalogue: caught up when stale, rebuilt when not trusted.

Both are read in one transaction, so the stamp that is saved says exactly what the index holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

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
    vectors_of,
    vectors_since,
)
from likemark.index.factory import AUTO, EXACT, choose_factory, outgrown
from likemark.index.faiss_index import FaissIndex
from likemark.index.layers import COMPACT_SHARE, LayeredIndex
from likemark.index.local import LocalIndex, build_local, open_local
from likemark.index.milvus.index import MilvusIndex
from likemark.index.promise import check_recall
from likemark.index.protocol import Ids, Rows, RowsOf, Stamp
from likemark.index.storage import stored_state
from likemark.retrieval.cluster import Action, open_cluster
from likemark.retrieval.cluster_setting import cluster_setting, remember
from likemark.retrieval.workspace import Workspace

# A stored index is written anew when this share of it has changed; until then a start catches up.
SAVE_SHARE = 0.05


@dataclass(frozen=True, slots=True)
class Opened:
    """An index that agrees with the catalogue as it was read."""

    index: LocalIndex | MilvusIndex
    model: ModelRow
    action: Action
    why: str  # of a rebuild; else empty
    saved: bool  # the files on disk hold this state


def open_index(
    workspace: Workspace,
    *,
    setting: str | None = None,
    recall: float | None = None,
    save: bool | None = None,
    rebuild: bool = False,
) -> Opened | None:
    """The active model's index, in agreement with the catalogue; None while there is no model.

    setting: a factory string or "auto"; recall: what an approximate index promises; None keeps what
    is stored. save: store what changed, or not; None: when it is worth it, and a folder that cannot
    be written is no fault. rebuild: do not even look at what is stored.
    """
    check_recall(recall)
    cluster = cluster_setting(workspace, setting)
    if cluster is not None:
        return _on_cluster(workspace, cluster, save=bool(save), rebuild=rebuild)
    if setting is not None:
        remember(workspace, setting)
    with workspace.catalogue.read() as session:
        model = active_model(session)
        if model is None:
            return None
        identity = session.scalars(select(CatalogueInfo.identity)).one()
        folder = workspace.index_folder(model.fingerprint)
        before = stored_state(folder)
        wanted = _Wanted(
            setting or (before.setting if before else AUTO),
            recall or (before.recall if before else None), folder,
        )  # fmt: skip
        stamp = Stamp(identity, model.fingerprint, model.generation, model.token)
        rows_of = _rows_of(workspace, model)
        try:
            if rebuild:
                raise IndexStale("it was asked for")
            opened, changed = _caught_up(session, model, stamp, wanted, rows_of)
        except (IndexFault, FileNotFoundError) as fault:
            why = str(fault) if isinstance(fault, IndexFault) else "there is none yet"
            index = _built(session, model, wanted, rows_of)
            opened, changed = Opened(index, model, "rebuilt", why, saved=False), 1.0
    if isinstance(opened.index, FaissIndex) and opened.index.recall != wanted.recall:
        opened.index.recall, changed = wanted.recall, max(changed, SAVE_SHARE)
    if changed and (save or (save is None and changed > SAVE_SHARE)):
        try:
            return _stored(workspace, opened, stamp, quietly=save is None)
        except IndexFault:
            if stored_state(folder) == before:
                raise
            # Another writer has stored its own, and swept away what this one begins with.
            return open_index(workspace, setting=setting, recall=recall, save=save)
    return opened


def _on_cluster(workspace: Workspace, setting: str, *, save: bool, rebuild: bool) -> Opened | None:
    found = open_cluster(workspace, setting, write=save, rebuild=rebuild)
    if found is None:
        return None
    index, model, action = found
    return Opened(index, model, action, "", saved=action != "behind")


@dataclass(frozen=True, slots=True)
class _Wanted:
    setting: str  # a factory string or "auto"
    recall: float | None  # promised; None: whatever it is
    folder: Path


def _caught_up(
    session: Session, model: ModelRow, stamp: Stamp, wanted: _Wanted, rows_of: RowsOf
) -> tuple[Opened, float]:
    """The stored index brought up to date, and the share that changed.

    Raises IndexDamaged, IndexStale or FileNotFoundError when it must be rebuilt.
    """
    index, stored = open_local(wanted.folder, rows_of=rows_of)
    count = count_vectors(session, model.id)
    why = _foreign(session, index, stored, stamp, model) or _unfit(index, wanted, count)
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


def _foreign(
    session: Session, index: LocalIndex, stored: Stamp, wanted: Stamp, model: ModelRow
) -> str:
    if stored.model != wanted.model or index.dimension != model.dimension:
        return "it holds another model's vectors"
    if stored.catalogue != wanted.catalogue:
        return "it belongs to another catalogue"
    if known_token(session, model.id, stored.generation) != stored.token:
        return "the catalogue has another history (restored from a backup?)"
    return ""


def _unfit(index: LocalIndex, wanted: _Wanted, count: int) -> str:
    setting = wanted.setting
    if setting != index.setting:
        return f"it was made for {index.setting}, {setting} is wanted"
    fitting = choose_factory(setting, expected=count, dimension=index.dimension)
    if setting == AUTO and (fitting == EXACT) != index.stats().exact:
        change = "shrunk to" if fitting == EXACT else "outgrown"
        return f"the collection has {change} exact search"
    if setting == AUTO and outgrown(index.factory, fitting):
        return f"the collection has outgrown {index.factory}"
    if setting != AUTO and count and index.factory != fitting:
        return f"it was {index.factory} while there was nothing to train {setting} on"
    if isinstance(index, LayeredIndex) and wanted.recall not in (None, index.promise.recall):
        return f"it promises recall {index.promise.recall}, {wanted.recall} is wanted"
    return ""


def _built(session: Session, model: ModelRow, wanted: _Wanted, rows_of: RowsOf) -> LocalIndex:
    def stream() -> Iterator[tuple[Ids, Rows]]:
        for part in vectors_since(session, model):
            yield part.ids, part.rows

    return build_local(
        wanted.setting, stream, wanted.folder, dimension=model.dimension,
        count=count_vectors(session, model.id), recall=wanted.recall, rows_of=rows_of,
    )  # fmt: skip


def _rows_of(workspace: Workspace, model: ModelRow) -> RowsOf:
    def rows_of(ids: Ids) -> tuple[Ids, Rows]:
        with workspace.catalogue.read() as session:
            found = vectors_of(session, model, ids)
        return found.ids, found.rows

    return rows_of


def _stored(workspace: Workspace, opened: Opened, stamp: Stamp, *, quietly: bool) -> Opened:
    index = opened.index
    assert not isinstance(index, MilvusIndex)  # a cluster stores itself
    try:
        # Readers leave it to writers: it takes minutes where there are millions.
        if not quietly and isinstance(index, LayeredIndex) and index.changed > COMPACT_SHARE:
            index.compact(workspace.index_folder(opened.model.fingerprint))
        index.save(workspace.index_folder(opened.model.fingerprint), stamp)
    except IndexFault:
        if not quietly:
            raise
        return opened
    return Opened(opened.index, opened.model, opened.action, opened.why, saved=True)
