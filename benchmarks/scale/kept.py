"""The drawn vectors in a catalogue, where likemark's own index gets its exact scores from.

Row i of the vectors' file is the vector of image i + 1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager

from likemark.benchmarks.embedded import Progress
from likemark.benchmarks.scale.mixture import Rows
from likemark.benchmarks.scale.vectors import BLOCK, Ids, Vectors
from likemark.db.catalogue import Catalogue
from likemark.db.copying import insert_rows
from likemark.db.vectors import ModelRow, active_model, add_vectors, count_vectors, ensure_model
from likemark.db.vectors import vectors_of as stored
from likemark.index.protocol import RowsOf

_COLUMNS = ("id", "content", "artwork", "width", "height", "format")


def fill_catalogue(vectors: Vectors, count: int, *, progress: Progress = lambda line: None) -> None:
    """With at least so many; block by block, each in one transaction."""
    with _catalogue(vectors) as (catalogue, model):
        with catalogue.read() as session:
            held = count_vectors(session, model.id)
        for ids, rows in vectors.stream(count, start=held):
            with catalogue.write() as session:
                known = [(i + 1, *2 * (hashlib.sha256(b"%d" % i).digest(),), 1, 1, "PNG")
                         for i in ids.tolist()]  # fmt: skip
                insert_rows(session, "images", _COLUMNS, known)
                add_vectors(session, model.id, dict(zip((ids + 1).tolist(), rows, strict=True)))
            if (ids[-1] + 1) % (20 * BLOCK) == 0:
                progress(f"catalogue: {ids[-1] + 1:,} of {count:,}")


@contextmanager
def rows_from(vectors: Vectors) -> Iterator[RowsOf]:
    """What a search asks for the vectors of its candidates."""
    with _catalogue(vectors) as (catalogue, model):

        def rows_of(ids: Ids) -> tuple[Ids, Rows]:
            with catalogue.read() as session:
                found = stored(session, model, ids + 1)
            return found.ids - 1, found.rows

        yield rows_of


@contextmanager
def _catalogue(vectors: Vectors) -> Iterator[tuple[Catalogue, ModelRow]]:
    with Catalogue.open(f"sqlite:///{vectors.folder / 'catalogue.db'}") as catalogue:
        with catalogue.read() as session:
            model = active_model(session)
        if model is None:
            with catalogue.write() as session:
                model = ensure_model(
                    session, fingerprint="0" * 64, name="drawn", dimension=vectors.dimension
                )
        yield catalogue, model
