"""Marks, pictures and vectors without any file or network behind them."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from likemark.db.catalogue import Catalogue
from likemark.db.ingest import Applied, Entry, apply_batch, collection_id
from likemark.db.removal import sweep_orphans
from likemark.db.search import MarkRow, marks_by_id
from likemark.db.values import DEFAULT_COLLECTION, ImageFacts, MarkData
from likemark.db.vectors import ModelRow, ensure_model

DIMENSION = 8
FINGERPRINT = "ab" * 32


def model(session: Session, *, fingerprint: str = FINGERPRINT, name: str = "tiny") -> ModelRow:
    return ensure_model(session, fingerprint=fingerprint, name=name, dimension=DIMENSION)


def digest(picture: str) -> bytes:
    return hashlib.sha256(picture.encode()).digest()


def vector(picture: str) -> NDArray[np.float32]:
    """(D,) unit row that depends on the picture's name alone."""
    seed = int.from_bytes(digest(picture)[:8])
    row = np.random.default_rng(seed).standard_normal(DIMENSION)
    return (row / np.linalg.norm(row)).astype(np.float16).astype(np.float32)


def mark(key: str, **fields: Any) -> MarkData:
    return MarkData(key=key, **{"source": "/in/marks.csv", **fields})


def entry(key: str, picture: str | None = None, *, path: str | None = None, **fields: Any) -> Entry:
    """A mark with a picture, whose bytes are told by its name; None: a mark without one."""
    data = mark(key, **fields)
    if picture is None:
        return Entry(data)
    content = digest(picture)
    facts = ImageFacts(content, digest(f"artwork of {picture}"), 64, 48, "PNG")
    return Entry(data, path or f"/in/{picture}.png", content, facts, vector(picture))


def file_entry(path: str, picture: str | None = None) -> Entry:
    """What a folder gives for one of its pictures."""
    return entry(f"file:{path}", picture or path, path=path, source=path)


def put(
    catalogue: Catalogue, *entries: Entry, collection: str = DEFAULT_COLLECTION, sweep: bool = True
) -> Applied:
    """Write one batch in a transaction of its own; sweep: as the last of its run."""
    with catalogue.write() as session:
        model_id = model(session).id
        applied = apply_batch(session, collection_id(session, collection), model_id, entries)
        if sweep:
            sweep_orphans(session)
        return applied


def stored(catalogue: Catalogue, mark_id: int) -> MarkRow:
    with catalogue.read() as session:
        (row,) = marks_by_id(session, [mark_id])
    return row
