"""A cluster's index kept true to the catalogue, as `sync` does it with the files of one machine.

What the cluster holds is stamped with the catalogue's state: the generation of the vectors and the
revision of the links, each with its token. Catching up reads what changed since, writes it under
the links' own ids, waits for the cluster's disk, and stamps it last: whoever is killed in between
has it done again, to the same end. A note on the collection, made before the first write and taken
back with the stamp, tells the next one so, even where another has stamped it meanwhile.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Literal

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from likemark.db.catalogue import stand_idle
from likemark.db.changes import changed_links, newest_revision, revision_token
from likemark.db.errors import Busy, IndexFault, IndexLost, IndexStale
from likemark.db.links import BATCH, Links, all_links, link_ids, links_of
from likemark.db.schema import CatalogueInfo
from likemark.db.vectors import (
    ModelRow,
    active_model,
    known_token,
    model_by_fingerprint,
    parts,
    removed_since,
)
from likemark.index.milvus.client import Client
from likemark.index.milvus.collections import Collections, Found
from likemark.index.milvus.filters import Register
from likemark.index.milvus.index import MilvusIndex
from likemark.index.milvus.schema import ClusterStamp, Entries, Unsure
from likemark.index.milvus.url import ClusterUrl
from likemark.index.protocol import Stamp
from likemark.retrieval.cluster_setting import cluster_setting, remember
from likemark.retrieval.cluster_turn import Turn, cluster_turn
from likemark.retrieval.workspace import Workspace

Action = Literal["current", "caught up", "rebuilt", "behind"]
# Seconds that a writer waits for another process to bring the cluster up to date.
PATIENCE = 60.0


def open_cluster(
    workspace: Workspace, setting: str, *, write: bool, rebuild: bool
) -> tuple[MilvusIndex, ModelRow, Action] | None:
    """The active model's index on the cluster, and what was done: current, caught up, rebuilt.

    "behind": another process is bringing it up to date, or it lets a reader write nothing; what it
    holds already is found. None while there is no model. write: fill it when there is none, wait
    for others; rebuild: fill it anew. Raises IndexFault when it cannot be reached or used, Busy.
    """
    with cluster_turn(workspace.catalogue, wait=PATIENCE if write or rebuild else 0.0) as turn:
        if rebuild and not turn:
            raise _busy(setting)
        with workspace.catalogue.read() as session:
            model = active_model(session)
            if model is None:
                return None
            kept = _Kept(session, model, setting, turn)
            index, action = kept.filled() if rebuild else kept.opened(write=write)
    if write or rebuild:
        remember(workspace, setting)
    return index, model, action


def fill_cluster(
    workspace: Workspace,
    setting: str,
    fingerprint: str,
    *,
    keep: Callable[[], None] = lambda: None,
) -> MilvusIndex:
    """A new collection with the vectors of a model that may not be the active one yet.

    The published collection answers until `publish_cluster`. keep: called before each batch.
    """
    with cluster_turn(workspace.catalogue, wait=PATIENCE) as turn:
        if turn is None:
            raise _busy(setting)
        with workspace.catalogue.read() as session:
            model = model_by_fingerprint(session, fingerprint)
            assert model is not None
            index = _Kept(session, model, setting, turn).fill(keep)
    remember(workspace, setting)
    return index


def publish_cluster(workspace: Workspace, index: MilvusIndex) -> None:
    """Let it answer, and drop all others of this catalogue. Raises Busy, IndexFault."""
    with cluster_turn(workspace.catalogue, wait=PATIENCE) as turn:
        if turn is None:  # somebody is writing to the old one
            raise _busy(index.setting)
        index.publish()


def reach_cluster(workspace: Workspace, setting: str | None) -> None:
    """Raises IndexFault where a cluster is used and does not answer: before long work, not after.

    setting: what was asked for; None: what is remembered
    """
    cluster = cluster_setting(workspace, setting)
    if cluster is None:
        return
    with closing(Client(ClusterUrl.parse(cluster))) as client:
        client.call(lambda m, s: m.list_collections(timeout=s))


def cluster_state(session: Session, model: ModelRow, setting: str) -> tuple[str, bool]:
    """What is to be said of the cluster's index, and whether all is well; nothing is changed."""
    kept = _Kept(session, model, setting)
    try:
        found = kept.collections.find(model.fingerprint)
        kept.check(found)
        if not kept.is_held_by(found):
            return "behind the catalogue; every command catches up by itself", True
        held = MilvusIndex(kept.collections, found).links()
    except IndexFault as fault:
        return str(fault), False
    wanted = link_ids(session, model)
    if not np.array_equal(held, wanted):
        return f"{found.name} holds other pictures than the catalogue", False
    return f"{len(wanted)} pictures of marks in {found.name}, those of the catalogue", True


def _busy(setting: str) -> Busy:
    where = ClusterUrl.parse(setting).address
    return Busy(f"index {where}: another process is bringing it up to date; try again")


class _Kept:
    """One model's collection, within one reading transaction of the catalogue.

    turn: to write to it; None: another's, perhaps.
    """

    def __init__(
        self, session: Session, model: ModelRow, setting: str, turn: Turn | None = None
    ) -> None:
        self.session = session
        self.model = model
        self.setting = setting
        self.turn = turn
        identity = session.scalars(select(CatalogueInfo.identity)).one()
        revision = newest_revision(session)
        vectors = Stamp(identity, model.fingerprint, model.generation, model.token)
        self.wanted = ClusterStamp(vectors, revision.number, revision.token)
        self.collections = Collections(Client(ClusterUrl.parse(setting)), identity)

    def opened(self, *, write: bool) -> tuple[MilvusIndex, Action]:
        try:
            found = self.collections.find(self.model.fingerprint)
        except IndexLost:
            if not write:
                raise
            if self.turn is None:  # another is filling it
                raise _busy(self.setting) from None
            return self.filled()
        self.check(found)
        index = MilvusIndex(self.collections, found)
        if self.turn is None:
            return index, "current" if self.is_held_by(found) else "behind"
        try:
            return self._brought_up_to_date(self.turn, index, found)
        except IndexFault:  # a cluster that lets nothing be written can be searched
            if write:
                raise
            return index, "behind"

    def is_held_by(self, found: Found) -> bool:
        """Whether a collection surely holds this state of the catalogue."""
        return found.stamp == self.wanted and found.unsure is None

    def filled(self) -> tuple[MilvusIndex, Action]:
        index = self.fill()
        index.publish()
        return index, "rebuilt"

    def fill(self, keep: Callable[[], None] = lambda: None) -> MilvusIndex:
        """keep: called before each batch, as the turn is asked whether it is still ours."""
        assert self.turn is not None
        turn = self.turn
        stand_idle(self.session)
        found = self.collections.create(self.model.fingerprint, self.model.dimension)
        index = MilvusIndex(self.collections, found)
        with self.collections.whole(found.name):
            for links in all_links(self.session, self.model):
                keep()
                turn.keep()
                index.put(_entries(links))
            turn.keep()
            index.store(self.wanted)
        return MilvusIndex(self.collections, self._stamped(found))

    def _brought_up_to_date(
        self, turn: Turn, index: MilvusIndex, found: Found
    ) -> tuple[MilvusIndex, Action]:
        action: Action = "current"
        if not self.is_held_by(found):
            self._catch_up(turn, index, found)
            index, action = MilvusIndex(self.collections, self._stamped(found)), "caught up"
        if not found.published:
            turn.keep()
            index.publish()
        return index, action

    def _catch_up(self, turn: Turn, index: MilvusIndex, found: Found) -> None:
        assert found.stamp is not None  # `find` gives no other
        stand_idle(self.session)
        since, left = found.unsure, None
        if since is None:
            # Who has lost its turn can still have a call under way: so it is done once more then.
            generation, revision = found.stamp.vectors.generation, found.stamp.revision
            since = Unsure(generation, revision, rounds=2 if turn.losable else 1)
            turn.keep()
            index.doubt(since)
        elif since.rounds > 1:
            left = replace(since, rounds=since.rounds - 1)
        turn.keep()
        gone = removed_since(self.session, self.model.id, since.generation)
        index.drop("image_id", gone.tolist())
        changed = changed_links(
            self.session, self.model, generation=since.generation, revision=since.revision
        )
        for part in parts(changed, BATCH):
            links = links_of(self.session, self.model, part)
            there = {link.id for link in links.links}
            turn.keep()
            index.drop("link_id", [link_id for link_id in part if link_id not in there])
            turn.keep()
            index.put(_entries(links))
        turn.keep()
        index.store(self.wanted, left)

    def check(self, found: Found) -> None:
        """Raises IndexStale for what only filling it anew can mend."""
        where = f"index {self.collections.client.url.address}: {found.name}"
        if found.layout.dimension != self.model.dimension:
            raise IndexStale(
                f"{where} holds vectors of {found.layout.dimension} numbers, the model's have "
                f"{self.model.dimension}; run: likemark reindex"
            )
        stamp = found.stamp
        assert stamp is not None
        vectors, number = stamp.vectors, stamp.vectors.generation
        known = known_token(self.session, self.model.id, number) == vectors.token
        newer = number > self.wanted.vectors.generation or stamp.revision > self.wanted.revision
        if newer and self.turn is None:  # somebody wrote it since this transaction began
            return
        if not known or revision_token(self.session, stamp.revision) != stamp.history:
            raise IndexStale(
                f"{where}: the catalogue has another history (restored from a backup?); "
                "run: likemark reindex"
            )

    def _stamped(self, found: Found) -> Found:
        return Found(found.name, found.layout, self.wanted, published=True)


def _entries(links: Links) -> Entries:
    registers = [
        Register(
            collection=link.collection_id, office=link.office, status=link.status,
            owner=link.owner, nice=link.nice, vienna=link.vienna,
            filed=link.filing_date.toordinal() if link.filing_date else None,
        )
        for link in links.links
    ]  # fmt: skip
    ids = [link.id for link in links.links]
    return Entries(ids, [link.image_id for link in links.links], registers, links.rows)
