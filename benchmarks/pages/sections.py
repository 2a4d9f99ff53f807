"""Every benchmark's line about its protocol, and its tables."""

from __future__ import annotations

from collections.abc import Callable

from likemark.benchmarks.pages.documents import Document, reading
from likemark.benchmarks.pages.locate_tables import (
    locate_protocol,
    locate_tables,
    scenes_protocol,
    scenes_tables,
)
from likemark.benchmarks.pages.redaction_tables import redaction_protocol, redaction_tables
from likemark.benchmarks.pages.retrieval_tables import (
    metu_protocol,
    metu_tables,
    open_protocol,
    open_tables,
)
from likemark.benchmarks.pages.scale_tables import scale_protocol, scale_tables
from likemark.benchmarks.pages.suite_tables import (
    flickr27_protocol,
    flickr27_tables,
    invariance_protocol,
    invariance_tables,
    speed_protocol,
    speed_tables,
)
from likemark.benchmarks.pages.tables import Table
from likemark.benchmarks.pages.training_tables import (
    experiments_protocol,
    experiments_tables,
    search_protocol,
    search_tables,
)

_PROTOCOLS: dict[str, Callable[[Document], str]] = {
    "retrieval": open_protocol,
    "metu": metu_protocol,
    "flickr27": flickr27_protocol,
    "locate": locate_protocol,
    "scenes": scenes_protocol,
    "redaction": redaction_protocol,
    "invariance": invariance_protocol,
    "search": search_protocol,
    "experiments": experiments_protocol,
    "speed": speed_protocol,
    "scale": scale_protocol,
}
_TABLES: dict[str, Callable[[Document], list[Table]]] = {
    "retrieval": open_tables,
    "metu": metu_tables,
    "flickr27": flickr27_tables,
    "locate": locate_tables,
    "scenes": scenes_tables,
    "redaction": redaction_tables,
    "invariance": invariance_tables,
    "search": search_tables,
    "experiments": experiments_tables,
    "speed": speed_tables,
    "scale": scale_tables,
}
_BRIEF: dict[str, Callable[[Document], list[Table]]] = {
    **_TABLES,
    "retrieval": lambda document: open_tables(document, brief=True),
    "flickr27": lambda document: flickr27_tables(document, brief=True),
    "locate": lambda document: locate_tables(document, brief=True),
    "invariance": lambda document: invariance_tables(document, brief=True),
    "speed": lambda document: speed_tables(document, brief=True),
    "scale": lambda document: scale_tables(document, brief=True),
}


def protocol(document: Document) -> str:
    """One line. Raises InvalidInput for a document of another version."""
    with reading(document):
        return _PROTOCOLS[document.benchmark](document)


def tables(document: Document, *, brief: bool = False) -> list[Table]:
    """brief: the headline only. Raises InvalidInput for a document of another version."""
    with reading(document):
        return (_BRIEF if brief else _TABLES)[document.benchmark](document)
