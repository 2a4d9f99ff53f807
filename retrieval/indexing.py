"""Indexing: rows in, catalogue and index out, resumable at any moment.

Every batch of rows is one transaction: what a killed run has committed is found again by its hash,
and the rest is done as if nothing had happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError, PictureError
from likemark.db.ingest import Entry, apply_batch, collection_id
from likemark.db.lock import Held, writer_lock
from likemark.db.removal import forget_rejects, prune, sweep_orphans, unseen
from likemark.db.values import DEFAULT_COLLECTION
from likemark.db.vectors import embedded_contents, ensure_model
from likemark.index.factory import check_setting
from likemark.index.promise import check_recall
from likemark.retrieval.cluster import reach_cluster
from likemark.retrieval.devices import AUTO as AUTO_DEVICE
from likemark.retrieval.distributed.options import WorkerOptions
from likemark.retrieval.embedder import Embedder
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.pipeline import LocalStages, Pipeline, Stages
from likemark.retrieval.rows import Row
from likemark.retrieval.scan import Inputs
from likemark.retrieval.sync import Opened, open_index
from likemark.retrieval.workspace import Workspace

# Rows per transaction: what a killed run does again at most, a few seconds of work.
BATCH_ROWS = 128


@dataclass(frozen=True, slots=True)
class IndexingOptions:
    collection: str = DEFAULT_COLLECTION
    prune: bool = False  # remove what these inputs once held and hold no more
    index: str | None = None  # a factory string or "auto"; None keeps what there is
    recall: float | None = None  # that an approximate index promises; None keeps what it is
    device: str = AUTO_DEVICE
    wait: float = 0.0  # seconds to wait for another writer
    batch_rows: int = BATCH_ROWS  # rows per transaction
    limits: PictureLimits = field(default_factory=PictureLimits)
    workers: WorkerOptions | None = None  # who decodes and embeds; None: this machine alone

    def __post_init__(self) -> None:
        if not self.collection.strip() or not self.collection.isprintable():
            raise InvalidInput(f"collection {self.collection!r}: give a name of printable text")
        check_setting(self.index)
        check_recall(self.recall)


@dataclass(slots=True)
class IndexingReport:
    """What a run did; it grows while the run goes on."""

    rows: int = 0  # of the input, read so far
    written: int = 0  # rows dealt with so far
    added: int = 0  # marks
    updated: int = 0  # marks
    removed: int = 0  # marks, by pruning
    embedded: int = 0  # pictures that went through the network
    rejected: Counter[str] = field(default_factory=Counter)  # pictures by reason code
    unusable_rows: int = 0  # of manifests

    @property
    def nothing_used(self) -> bool:
        """Whether there were rows, and all of them were refused."""
        refused = sum(self.rejected.values()) + self.unusable_rows
        return 0 < self.rows <= refused and not (self.added or self.updated)


@dataclass(frozen=True, slots=True)
class Listeners:
    """Called while a run goes on: `problem` once a line, `progress` after every batch."""

    problem: Callable[[str], None] = lambda line: None
    progress: Callable[[IndexingReport], None] = lambda report: None


def index_paths(
    workspace: Workspace,
    paths: Sequence[Path | str],
    model: FoundModel,
    *,
    options: IndexingOptions | None = None,
    listeners: Listeners | None = None,
) -> tuple[IndexingReport, Opened]:
    """Index folders, pictures, manifests, tar shards and fsspec addresses into one collection.

    Returns what was done and the index that now holds it. Raises Busy, NotFound, ManifestError,
    ModelMismatch, IndexFault; a picture or row that cannot be used is reported and passed over.
    """
    options = options or IndexingOptions()
    inputs = Inputs.of(paths)
    reach_cluster(workspace, options.index)
    with writer_lock(workspace.catalogue, wait=options.wait, collection=options.collection) as held:
        run = _Run(workspace, model, options, listeners or Listeners(), held)
        run.index(inputs)
        if options.prune:
            run.prune(inputs)
        opened = open_index(workspace, setting=options.index, recall=options.recall, save=True)
        run.sweep()  # where the others that wrote have ended while the index was stored
    assert opened is not None  # the run has made its model the active one
    return run.report, opened


class SeenIds:
    """Which of a catalogue's ids a run has come by: a bit each, for there may be 10^8 of them."""

    def __init__(self) -> None:
        self._bits = bytearray()

    def update(self, ids: Iterable[int]) -> None:
        for number in ids:
            if number >> 3 >= len(self._bits):
                self._bits.extend(bytes((number >> 3) + 1 - len(self._bits)))
            self._bits[number >> 3] |= 1 << (number & 7)

    def __contains__(self, number: object) -> bool:
        if not isinstance(number, int) or number >> 3 >= len(self._bits):
            return False
        return bool(self._bits[number >> 3] >> (number & 7) & 1)


class _Run:
    def __init__(
        self,
        workspace: Workspace,
        model: FoundModel,
        options: IndexingOptions,
        listeners: Listeners,
        held: Held,
    ) -> None:
        self.held = held
        self.catalogue = workspace.catalogue
        self.found = model
        self.options = options
        self.listeners = listeners
        self.report = IndexingReport()
        self.seen_links, self.seen_marks = SeenIds(), SeenIds()
        self.swept = False
        self.refused_paths: set[str] = set()
        self.incomplete: set[str] = set()  # what was read in part, by name
        self.begins: tuple[str, ...] = ()  # of the places of pictures in folders and shards
        self.sources: frozenset[str] = frozenset()  # manifests, and shards with data
        self.named_in: set[str] = set()  # those that name pictures
        self.found_in: set[str] = set()  # of both, those of which a picture is there
        card = model.card
        with self.catalogue.write() as session:
            self.model = ensure_model(
                session, fingerprint=card.fingerprint, name=card.name,
                dimension=card.dimension, reference=model.reference,
            )  # fmt: skip
            self.collection = collection_id(session, options.collection)

    def index(self, inputs: Inputs) -> None:
        self.begins, self.sources = tuple(inputs.holders().values()), frozenset(inputs.sources())
        with self._stages() as stages:
            pipeline = Pipeline(stages, known=self._known)
            entries = pipeline.entries(self._rows(inputs))
            while batch := list(islice(entries, self.options.batch_rows)):
                self._write(batch)
                pipeline.written(batch)
                self.listeners.progress(self.report)
        self.sweep()

    def sweep(self) -> None:
        """Pictures that no mark shows go, once; while others write it is left to them."""
        if self.swept:
            return
        with self.held.alone() as alone, self.catalogue.write() as session:
            if alone:
                sweep_orphans(session)
        self.swept = alone

    @contextmanager
    def _stages(self) -> Iterator[Stages]:
        options = self.options
        if options.workers is not None:
            from likemark.retrieval.distributed.stages import joined_stages

            with joined_stages(
                options.workers, self.found, limits=options.limits, device=options.device
            ) as stages:
                yield stages
            return
        with DecoderPool(size=self.found.card.input_size, limits=options.limits) as pool:
            yield LocalStages(options.limits, pool, self._load)

    def prune(self, inputs: Inputs) -> None:
        for path in sorted(self.incomplete):
            self.listeners.problem(f"{path}: not pruned, since part of it could not be read")
        unseen_whole = self._unseen(inputs)
        for path in sorted(unseen_whole):
            self.listeners.problem(
                f"{path}: not pruned, since none of its pictures are there (is its disk?); "
                "likemark remove takes marks out"
            )
        kept = self.incomplete | unseen_whole
        holders = inputs.holders().items()
        folders = [begin for name, begin in holders if name not in kept]
        manifests = [name for name in inputs.sources() if name not in kept]
        with self.held.alone() as alone, self.catalogue.write() as session:
            links, marks = unseen(
                session,
                self.collection,
                folders=folders,
                manifests=manifests,
                seen_links=self.seen_links,
                seen_marks=self.seen_marks,
            )
            self.report.removed = prune(session, links, marks, alone=alone)
            forget_rejects(
                session,
                self.collection,
                folders=folders,
                manifests=manifests,
                keep=self.refused_paths,
            )

    def _unseen(self, inputs: Inputs) -> set[str]:
        """Folders without a picture, and manifests whose pictures have all gone."""
        empty = {name for name, begin in inputs.holders().items() if begin not in self.found_in}
        return empty | (self.named_in - self.found_in)

    def _rows(self, inputs: Inputs) -> Iterator[Row]:
        for row in inputs.rows(self.incomplete.add, self.listeners.problem):
            self.report.rows += 1
            if isinstance(row, LikemarkError):
                self._refuse(row)
                continue
            for warning in row.warnings:
                self.listeners.problem(warning)
            yield row

    def _refuse(self, error: LikemarkError) -> None:
        if isinstance(error, PictureError):
            self.report.rejected[error.reason] += 1
        else:
            self.report.unusable_rows += 1
        self.listeners.problem(str(error))

    def _note_place(self, entry: Entry) -> None:
        if entry.path is None:
            return
        named = self.sources & {entry.mark.source}
        self.named_in |= named
        if entry.error is None or entry.error.reason != "missing":
            self.found_in |= named
            place = entry.path
            self.found_in.update(b for b in self.begins if place.startswith(f"{b.rstrip('/')}/"))

    def _known(self, contents: list[bytes]) -> set[bytes]:
        with self.catalogue.read() as session:
            return embedded_contents(session, self.model.id, contents)

    def _load(self) -> Embedder:
        return Embedder.load(self.found, device=self.options.device)

    def _write(self, batch: Sequence[Entry]) -> None:
        self.held.keep()
        with self.catalogue.write() as session:
            applied = apply_batch(
                session, self.collection, self.model.id, batch, seen_marks=self.seen_marks
            )
        self.report.written += len(batch)
        self.report.added += applied.added
        self.report.updated += applied.updated
        self.report.embedded += sum(entry.vector is not None for entry in batch)
        if self.options.prune:
            self.seen_links.update(applied.link_ids)
        self.seen_marks.update(applied.mark_ids)
        for entry in batch:
            self._note_place(entry)
            if entry.error is not None:
                self.refused_paths.add(entry.path or "")
                self._refuse(entry.error)
