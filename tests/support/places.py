"""Runs of `index_paths` over places of any kind, and the marks that they leave."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from likemark.db.browse import list_marks
from likemark.db.values import Filters
from likemark.retrieval.indexing import IndexingOptions, IndexingReport, Listeners, index_paths
from likemark.retrieval.models import FoundModel
from likemark.retrieval.workspace import Workspace


def run(
    root: Path,
    model: FoundModel,
    *paths: Path | str,
    progress: Callable[[IndexingReport], None] = lambda report: None,
    **options: Any,
) -> tuple[IndexingReport, list[str]]:
    """The report and what was told; options: of `IndexingOptions`"""
    problems: list[str] = []
    with Workspace.open(root) as space:
        report, _ = index_paths(
            space,
            list(paths),
            model,
            options=IndexingOptions(**options),
            listeners=Listeners(problem=problems.append, progress=progress),
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
