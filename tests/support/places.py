"""Runs of `index_paths` over places of any kind, and the marks that they leave."""

from __future__ import annotations

from pathlib import Path

from likemark.db.browse import list_marks
from likemark.db.values import Filters
from likemark.retrieval.indexing import IndexingOptions, IndexingReport, Listeners, index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.workspace import Workspace


def run(
    root: Path, model: FoundModel, *paths: Path | str, prune: bool = False
) -> tuple[IndexingReport, list[str]]:
    problems: list[str] = []
    with Workspace.open(root) as space:
        report, _ = index_paths(
            space,
            list(paths),
            model,
            options=IndexingOptions(prune=prune),
            listeners=Listeners(problem=problems.append),
        )
    return report, problems


def titles(root: Path) -> list[str]:
    with Workspace.open(root) as space, space.catalogue.read() as session:
        return [mark.title for mark in list_marks(session, Filters())]


def owners(root: Path) -> list[tuple[str, str | None, int]]:
    """Each mark's key, or the end of its place, its owner and its number of pictures."""
    with Workspace.open(root) as space, space.catalogue.read() as session:
        marks = list_marks(session, Filters())
    return sorted((m.key.rpartition("/")[2], m.owner, len(m.images)) for m in marks)
