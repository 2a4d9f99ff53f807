"""The vector index kept true to the catalogue: caught up when stale, rebuilt when not trusted.

Both are read in one transaction, so the stamp that is saved says exactly what the index holds. What
another process has stored since that transaction began is newer than it: then all is read again.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from filelock import FileLock
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.errors import IndexDamaged, IndexFault, IndexStale
from likemark.db.schema import CatalogueInfo
from likemark.db.vectors import ModelRow, active_model, model_by_fingerprint
from likemark.index.factory import AUTO
from likemark.index.faiss_index import FaissIndex
from likemark.index.layers import LayeredIndex
from likemark.index.local import LocalIndex
from likemark.index.milvus.index import MilvusIndex
from likemark.index.promise import check_recall
from likemark.index.protocol import Stamp
from likemark.index.storage import stored_state
from likemark.retrieval.catching_up import Overtaken, Wanted, built, caught_up, rows_of
from likemark.retrieval.cluster import Action, open_cluster
from likemark.retrieval.cluster_setting import cluster_setting, remember
from likemark.retrieval.workspace import Workspace

# A stored index is written anew when this share of it has changed; until then a start catches up.
SAVE_SHARE = 0.05
# Or so many vectors: every start would add them again, a second or two of it.
SAVE_COUNT = 20_000
# Readers leave it to writers to write a crowded base anew, for it takes minutes where there are
# millions; past so many times that, in a workspace that is only read from, they do it themselves.
READERS_TOO = 2.0
# Held in an index's folder by whoever builds it.
BUILDING = "building.lock"


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
    why = "it was asked for" if rebuild else ""
    return _agreeing(workspace, _Asked(setting, recall, save, why))


def build_index(
    workspace: Workspace, fingerprint: str, *, setting: str | None, recall: float | None
) -> Opened:
    """Build and store the index of a model that may not be the active one yet.

    Raises IndexFault, and InvalidInput for a setting that FAISS does not know.
    """
    asked = _Asked(setting, recall, True, "it was asked for", fingerprint)
    built = _agreeing(workspace, asked)
    assert built is not None  # the model is there
    return built


def _on_cluster(workspace: Workspace, setting: str, *, save: bool, rebuild: bool) -> Opened | None:
    found = open_cluster(workspace, setting, write=save, rebuild=rebuild)
    if found is None:
        return None
    index, model, action = found
    return Opened(index, model, action, "", saved=action != "behind")


@dataclass(frozen=True, slots=True)
class _Asked:
    setting: str | None  # None: that of what is stored
    recall: float | None  # as the setting
    save: bool | None  # None: when it is worth it
    why: str  # not to look at what is stored; empty: look
    fingerprint: str | None = None  # the model's; None: the active one's


class _Unbuilt(Exception):
    """It is to be built, which one process does at a time."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder


def _agreeing(workspace: Workspace, asked: _Asked) -> Opened | None:
    seen: Stamp | None = None
    building: Path | None = None
    while True:
        try:
            with _turn(building):
                return _Attempt(workspace, asked, seen, building).opened()
        except Overtaken as other:
            seen = other.stamp
        except _Unbuilt as unbuilt:  # when it is our turn, another may have built it
            building = unbuilt.folder
        except IndexDamaged as fault:  # what opening does not read
            if asked.why:
                raise
            asked = replace(asked, why=str(fault))


@contextmanager
def _turn(folder: Path | None) -> Iterator[None]:
    """Alone in building a folder's index; where nothing can be locked, everybody builds."""
    with ExitStack() as stack:
        if folder is not None:
            with suppress(OSError):
                folder.mkdir(parents=True, exist_ok=True)
                stack.enter_context(FileLock(folder / BUILDING))
        yield


@dataclass(frozen=True, slots=True)
class _Attempt:
    """At one state of the catalogue. Raises Overtaken, _Unbuilt."""

    workspace: Workspace
    asked: _Asked
    seen: Stamp | None  # was stored before this began: where it is newer, it is another history's
    building: Path | None  # the folder whose turn is ours

    def opened(self) -> Opened | None:
        asked = self.asked
        with self.workspace.catalogue.read() as session:
            model = self._model(session)
            if model is None:
                return None
            identity = session.scalars(select(CatalogueInfo.identity)).one()
            stamp = Stamp(identity, model.fingerprint, model.generation, model.token)
            folder = self.workspace.index_folder(model.fingerprint)
            before = stored_state(folder)
            if before and before.stamp != self.seen and before.stamp.newer_than(stamp):
                raise Overtaken(before.stamp)
            wanted = Wanted(
                asked.setting or (before.setting if before else AUTO),
                asked.recall or (before.recall if before else None), folder, before,
            )  # fmt: skip
            rows = rows_of(self.workspace, model)
            try:
                if asked.why:
                    raise IndexStale(asked.why)
                index, changed = caught_up(session, model, stamp, wanted, rows)
                action: Action = "caught up" if changed else "current"
                opened = Opened(index, model, action, "", saved=not changed)
            except (IndexFault, FileNotFoundError) as fault:
                if self.building != folder:
                    raise _Unbuilt(folder) from fault
                why = str(fault) if isinstance(fault, IndexFault) else "there is none yet"
                index = built(session, model, wanted, rows)
                opened, changed = Opened(index, model, "rebuilt", why, saved=False), 1.0
        if isinstance(opened.index, FaissIndex) and opened.index.recall != wanted.recall:
            opened.index.recall, changed = wanted.recall, max(changed, SAVE_SHARE)
        much = changed > SAVE_SHARE or changed * opened.index.stats().count > SAVE_COUNT
        if changed and (asked.save or (asked.save is None and much)):
            return self._stored(opened, stamp, wanted)
        return opened

    def _model(self, session: Session) -> ModelRow | None:
        if self.asked.fingerprint is None:
            return active_model(session)
        return model_by_fingerprint(session, self.asked.fingerprint)

    def _stored(self, opened: Opened, stamp: Stamp, wanted: Wanted) -> Opened:
        index, quietly = opened.index, self.asked.save is None
        assert not isinstance(index, MilvusIndex)  # a cluster stores itself
        try:
            limit = READERS_TOO if quietly else 1.0
            if isinstance(index, LayeredIndex) and index.crowding > limit:
                index.compact(wanted.folder)
            before = wanted.before
            index.save(wanted.folder, stamp, instead=None if before is None else before.stamp)
        except IndexFault as fault:
            if quietly:
                return opened
            now = stored_state(wanted.folder)
            if now != wanted.before:  # and what this one begins with was swept away
                raise Overtaken(None if now is None else now.stamp) from fault
            raise
        return replace(opened, saved=True)
