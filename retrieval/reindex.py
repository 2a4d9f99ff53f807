"""Re-embedding under another model, and building the vector index anew."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import islice

from likemark.db.browse import Unembedded, count_unembedded, unembedded
from likemark.db.errors import LikemarkError, PictureError
from likemark.db.lock import Held, writer_lock
from likemark.db.removal import sweep_orphans
from likemark.db.vectors import (
    ModelRow,
    activate,
    active_model,
    add_model,
    add_vectors,
    drop_other_models,
)
from likemark.index.factory import check_setting
from likemark.index.promise import check_recall
from likemark.index.storage import stored_recall, stored_setting
from likemark.retrieval.cluster import fill_cluster, publish_cluster, reach_cluster
from likemark.retrieval.cluster_setting import cluster_setting, remember
from likemark.retrieval.devices import AUTO as AUTO_DEVICE
from likemark.retrieval.embedder import Embedder, pixels_of
from likemark.retrieval.indexing import BATCH_ROWS
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.sync import Opened, build_index, open_index
from likemark.retrieval.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ReindexOptions:
    index: str | None = None  # a factory string or "auto"; None keeps what there is
    recall: float | None = None  # that an approximate index promises; None keeps what it is
    allow_missing: bool = False  # switch although some pictures cannot be read any more
    device: str = AUTO_DEVICE
    wait: float = 0.0  # seconds to wait for another writer
    limits: PictureLimits = field(default_factory=PictureLimits)

    def __post_init__(self) -> None:
        check_setting(self.index)
        check_recall(self.recall)


@dataclass(frozen=True, slots=True)
class ReindexReport:
    embedded: int  # pictures
    failed: int  # pictures that could not be read any more
    opened: Opened


def reindex(
    workspace: Workspace,
    model: FoundModel,
    options: ReindexOptions | None = None,
    *,
    problem: Callable[[str], None] = lambda line: None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> ReindexReport:
    """Give every picture a vector of this model, make it the active one, build the index anew.

    The old model answers queries until the new one's index is stored. A run that is killed goes on
    where it stopped. Raises Busy, IndexFault, and LikemarkError when pictures cannot be read any
    more and `allow_missing` is not set: nothing is switched then.
    """
    options = options or ReindexOptions()
    card = model.card
    reach_cluster(workspace, options.index)
    with writer_lock(workspace.catalogue, wait=options.wait) as held:
        with workspace.catalogue.write() as session:
            sweep_orphans(session)  # a killed run can have left some
            row = add_model(
                session, fingerprint=card.fingerprint, name=card.name, dimension=card.dimension
            )
        run = _Run(workspace, model, row, options, held)
        embedded, failed = run.embed(problem, progress)
        if failed and not options.allow_missing:
            raise LikemarkError(
                f"{failed} pictures cannot be read again; bring them back and run reindex again, "
                "or add --allow-missing to go on without them"
            )
        opened = run.replaced()
    return ReindexReport(embedded, failed, opened)


@dataclass(frozen=True, slots=True)
class _Run:
    workspace: Workspace
    model: FoundModel
    row: ModelRow
    options: ReindexOptions
    held: Held

    def embed(
        self, problem: Callable[[str], None], progress: Callable[[int, int], None]
    ) -> tuple[int, int]:
        """(pictures embedded, pictures that could not be read)."""
        with self.workspace.catalogue.read() as session:
            total = count_unembedded(session, self.row.id)
        done = failed = 0
        if not total:
            return 0, 0
        size, limits = self.model.card.input_size, self.options.limits
        with DecoderPool(size=size, limits=limits) as pool:
            embedder = Embedder.load(self.model, device=self.options.device)
            decoded = self._decoded(pool)
            pairs = embedder.stream(decoded, lambda item: pixels_of(item[1]))
            while batch := list(islice(pairs, BATCH_ROWS)):
                vectors = {item.image_id: row for (item, _), row in batch if row is not None}
                self.held.keep()
                with self.workspace.catalogue.write() as session:
                    add_vectors(session, self.row.id, vectors)
                done += len(vectors)
                failed += len(batch) - len(vectors)
                for _, result in (pair for pair, _ in batch):
                    if isinstance(result, PictureError):
                        problem(str(result))
                progress(done + failed, total)
        return done, failed

    def replaced(self) -> Opened:
        """The new index. The old model's answers until it is full."""
        self.held.keep()
        cluster = cluster_setting(self.workspace, self.options.index)
        fingerprint = self.model.card.fingerprint
        if cluster is None:
            options = self.kept()
            opened = build_index(
                self.workspace, fingerprint, setting=options.index, recall=options.recall
            )
            self.switch()
            if options.index is not None:
                remember(self.workspace, options.index)
            return opened
        filled = fill_cluster(self.workspace, cluster, fingerprint, keep=self.held.keep)
        self.switch()
        publish_cluster(self.workspace, filled)
        found = open_index(self.workspace, setting=self.options.index, save=True)
        assert found is not None
        return found

    def kept(self) -> ReindexOptions:
        """With the setting and recall of the index that there is, where no others are asked for."""
        with self.workspace.catalogue.read() as session:
            before = active_model(session)
        if before is None:
            return self.options
        folder, asked = self.workspace.index_folder(before.fingerprint), self.options
        return replace(
            asked, index=asked.index or stored_setting(folder),
            recall=asked.recall or stored_recall(folder),
        )  # fmt: skip

    def switch(self) -> None:
        self.held.keep()
        with self.workspace.catalogue.write() as session:
            before = active_model(session)
            activate(session, self.row.id)
            drop_other_models(session, self.row.id)
        new = self.workspace.index_folder(self.row.fingerprint)
        if before is not None and (old := self.workspace.index_folder(before.fingerprint)) != new:
            shutil.rmtree(old, ignore_errors=True)

    def _decoded(self, pool: DecoderPool) -> Iterator[tuple[Unembedded, Picture | PictureError]]:
        # Taken page by page: vectors are written while the list is read.
        after = 0
        while True:
            with self.workspace.catalogue.read() as session:
                page = unembedded(session, self.row.id, after=after, limit=1000)
            if not page:
                return
            after = page[-1].image_id
            results = pool.map(Request(item.paths[0]) for item in page)
            for item, result in zip(page, results, strict=True):
                yield item, _first_good(item, result, pool)


def _first_good(
    item: Unembedded, first: Picture | PictureError, pool: DecoderPool
) -> Picture | PictureError:
    """The picture from wherever it can still be read, else why not from its first place."""
    refusal = _same(item, item.paths[0], first)
    if isinstance(refusal, Picture):
        return refusal
    for path in item.paths[1:]:
        found = _same(item, path, pool.submit(Request(path)).result())
        if isinstance(found, Picture):
            return found
    return refusal


def _same(item: Unembedded, path: str, result: Picture | PictureError) -> Picture | PictureError:
    if isinstance(result, Picture) and result.content != item.content:
        changed = "the file has changed since it was indexed; run: likemark index"
        return PictureError(path, "unreadable", changed)
    return result
