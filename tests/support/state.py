"""Everything that a workspace holds, as one comparable value."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from likemark.db.schema import Base
from likemark.db.vectors import active_model
from likemark.index.faiss_index import FaissIndex
from likemark.retrieval.workspace import Workspace


def catalogue_state(workspace: Workspace) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table but what is random by design: the identity and the tokens."""
    state: dict[str, list[tuple[Any, ...]]] = {}
    with workspace.catalogue.read() as session:
        for table in Base.metadata.sorted_tables:
            if table.name == "catalogue_info":
                continue
            columns = [c for c in table.c if c.name != "token"]  # of generations, of revisions
            rows = session.execute(select(*columns)).all()
            state[table.name] = sorted((tuple(map(_plain, row)) for row in rows), key=repr)
    return state


def index_state(workspace: Workspace) -> tuple[int, list[int], bytes]:
    """(generation, ids, rows) of the index on disk."""
    with workspace.catalogue.read() as session:
        model = active_model(session)
    assert model is not None
    index, stamp = FaissIndex.open(workspace.index_folder(model.fingerprint))
    ids = index.ids()
    return stamp.generation, ids.tolist(), index.rows(ids).tobytes()


def _plain(value: object) -> object:
    return repr(sorted(value.items())) if isinstance(value, dict) else value
