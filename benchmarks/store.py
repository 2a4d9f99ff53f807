"""A folder of results: a JSON and a Markdown file a benchmark, the plots and one page of all."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from likemark.benchmarks.pages.documents import read_documents
from likemark.benchmarks.pages.markdown import markdown
from likemark.benchmarks.pages.page import write_page
from likemark.benchmarks.pages.plots import write_plots
from likemark.db.errors import LikemarkError
from likemark.retrieval.files import write_whole

PAGE = "index.html"


def write_document(document: Mapping[str, Any], folder: Path) -> None:
    """NAME.json and NAME.md, over those of an earlier run. Raises LikemarkError."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise LikemarkError(f"{folder}: cannot be made: {error.strerror}") from error
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    write_whole(folder / f"{document['benchmark']}.json", text.encode())
    write_whole(folder / f"{document['benchmark']}.md", f"{markdown(document)}\n".encode())


def write_views(
    folder: Path, *, pictures: Path | None, photos: Path | None = None,
    drawings: Path | None = None,
) -> None:  # fmt: skip
    """The plots and the page of all documents in the folder.

    pictures, photos, drawings: as the page's `Folders` has them, for the pictures of failures
    Raises LikemarkError, also where matplotlib is missing.
    """
    write_plots(list(read_documents(folder)), folder)
    page = folder / PAGE
    write_page(folder, page, pictures=pictures, photos=photos, drawings=drawings)
