"""Taking marks out of catalogue and index."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from likemark.db import removal
from likemark.db.browse import find_mark
from likemark.db.errors import IndexFault
from likemark.db.lock import writer_lock
from likemark.retrieval.sync import open_index
from likemark.retrieval.workspace import Workspace


def remove_marks(
    workspace: Workspace,
    references: Sequence[str],
    *,
    collection: str | None = None,
    wait: float = 0.0,
    problem: Callable[[str], None] = lambda line: None,
) -> list[int]:
    """Remove marks by id, number or manifest id, all or none; their ids.

    problem: called with a line where the index could not follow; it does so when next opened.
    Raises NotFound, InvalidInput (several marks answer to one reference), Busy.
    """
    with writer_lock(workspace.catalogue, wait=wait):
        with workspace.catalogue.write() as session:
            ids = list(dict.fromkeys(find_mark(session, r, collection).id for r in references))
            removal.remove_marks(session, ids)
        try:
            open_index(workspace)
        except IndexFault as fault:
            problem(f"removed from the catalogue, and not yet from the index: {fault}")
    return ids
