"""Building an approximate index from a stream of vectors, in bounded memory.

The stream passes twice: a sample of the first pass trains the engine; in the second all vectors
are added, and the true nearest of held-out queries are found on the way. Sizes: N vectors, D
dimensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from likemark.db.errors import IndexFault, InvalidInput, one_line
from likemark.index.base import Draft
from likemark.index.checks import check_rows
from likemark.index.factory import training_size
from likemark.index.faiss_index import too_few
from likemark.index.layers import LayeredIndex
from likemark.index.probing import faiss
from likemark.index.promise import DEPTHS, PROMISED, Effort, Promise, Truth, held_out, measured
from likemark.index.protocol import Rows, RowsOf, Stream
from likemark.index.rescoring import Remembered

# Vectors held in memory at once; more are written to the disk and joined at the end.
SHARD = 1_000_000
# Queries to measure recall with: of a large collection more, since effort is dear there and the
# interval of few is wide.
QUERIES, MOST_QUERIES = 400, 2000


@dataclass(frozen=True, slots=True)
class Plan:
    factory: str
    setting: str  # what was asked for
    dimension: int
    count: int  # vectors in the stream, about
    recall: float = PROMISED
    shard: int = SHARD


def build(
    plan: Plan, stream: Stream, folder: Path, *, rows_of: RowsOf | None = None
) -> LayeredIndex:
    """An index of all vectors of the stream, its search effort set to keep the promised recall.

    folder: where it will be stored; what is being built stands there too, if it can. Raises
    InvalidInput for what FAISS does not know, IndexFault when there are too few vectors to train
    on or the disk is full.
    """
    engine = _engine(plan)
    rows = sample(stream, training_size(plan.factory) / max(plan.count, 1))
    if not len(rows):
        raise too_few(plan.factory, 0, ValueError("there are none"))
    _train(engine, rows, plan)
    trained = faiss.clone_index(engine)
    truth = held_out(rows, count=min(max(QUERIES, plan.count // 500), MOST_QUERIES))
    del rows
    draft = Draft(folder)
    sources = list(_shards(engine, stream, truth, draft, plan))
    base = draft.finished(trained, [source.invlists for source in sources])
    for path in draft.folder.glob("shard-*"):
        path.unlink()
    unmeasured = Promise(plan.recall, 0, (Effort(1, int(engine.nlist), 1.0),))
    index = LayeredIndex(
        base, unmeasured, factory=plan.factory, setting=plan.setting,
        rows_of=None if rows_of is None else Remembered(rows_of),
    )  # fmt: skip
    index.promise = measured(
        index.search_with, truth, lists=int(engine.nlist), count=base.count, recall=plan.recall,
        depths=(1.0,) if base.exact else DEPTHS,
    )  # fmt: skip
    index.rows_of = rows_of
    return index


def _engine(plan: Plan) -> Any:
    try:
        engine = faiss.index_factory(plan.dimension, plan.factory, faiss.METRIC_INNER_PRODUCT)
    except RuntimeError as error:
        reason = one_line(str(error), limit=120)
        raise InvalidInput(f"index {plan.factory!r}: FAISS cannot build it: {reason}") from None
    if isinstance(engine, faiss.IndexIVFScalarQuantizer):
        # Float16 codes of the vectors themselves are what the catalogue has; others gain from
        # being of what is left of a vector without its list's centre.
        engine.by_residual = engine.sq.qtype != faiss.ScalarQuantizer.QT_fp16
    return engine


def _train(engine: Any, rows: Rows, plan: Plan) -> None:
    try:
        engine.train(check_rows(rows, plan.dimension))
    except RuntimeError as error:
        raise too_few(plan.factory, len(rows), error) from None


def sample(stream: Stream, share: float) -> Rows:
    """About this share of the vectors, drawn evenly with a fixed seed."""
    rng = np.random.default_rng(0)
    parts = [rows[rng.random(len(ids)) < share] for ids, rows in stream()]
    return np.concatenate(parts) if parts else np.empty((0, 0), np.float32)


def _shards(engine: Any, stream: Stream, truth: Truth, draft: Draft, plan: Plan) -> Iterator[Any]:
    """Engines that hold all vectors between them: those on the disk mapped, the last in memory."""
    number = 0
    for ids, rows in stream():
        truth.take(ids, rows)
        engine.add_with_ids(check_rows(rows, plan.dimension), np.ascontiguousarray(ids))
        if engine.ntotal >= plan.shard:
            yield _put_away(engine, draft.file(f"shard-{number}.faiss"))
            engine.reset()
            number += 1
    yield engine


def _put_away(engine: Any, path: Path) -> Any:
    try:
        faiss.write_index(engine, str(path))
        return faiss.read_index(str(path), faiss.IO_FLAG_MMAP)
    except RuntimeError as error:
        reason = one_line(str(error), limit=160)
        raise IndexFault(f"index {path.parent}: cannot be built ({reason})") from error
