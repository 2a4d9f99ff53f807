"""The README's results, and beside the documents the page of scale with its pictures:
`python -m likemark.benchmarks.pages.readme README.md benchmarks/results`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from likemark.benchmarks.pages.documents import in_order, read_documents
from likemark.benchmarks.pages.markdown import markdown_of
from likemark.benchmarks.pages.scale_page import scale_files
from likemark.db.errors import InvalidInput, LikemarkError, NotFound
from likemark.retrieval.files import write_whole

BEGIN = "<!-- results:begin -->"
END = "<!-- results:end -->"


def block(documents: Sequence[Mapping[str, Any]]) -> str:
    """From the begin mark to the end mark: the headline table of each document."""
    parts = [markdown_of(document, brief=True) for document in in_order(documents)]
    return "\n".join([BEGIN, *parts, END])


def current(text: str) -> str:
    """The block as a README has it, marks included. Raises InvalidInput unless it has one."""
    start, end = _span(text)
    return text[start:end]


def replaced(text: str, documents: Sequence[Mapping[str, Any]]) -> str:
    """A README's text with its block written anew. Raises InvalidInput unless it has one."""
    start, end = _span(text)
    return text[:start] + block(documents) + text[end:]


def rewrite(readme: Path, results: Path) -> list[Path]:
    """The files that had to be changed; none is, where one cannot be made.

    Raises NotFound, InvalidInput, LikemarkError, the last without matplotlib too.
    """
    made = _files(readme, results)
    changed = [path for path, text in made.items() if _read(path) != text]
    for path in changed:
        write_whole(path, made[path].encode())
    return changed


def _files(readme: Path, results: Path) -> dict[Path, str]:
    """The text of each file, from the documents; the README is the last."""
    before = _read(readme)
    if before is None:
        raise NotFound(f"{readme}: there is no such file")
    documents = read_documents(results)
    beside = {results / name: text for name, text in scale_files(documents).items()}
    return {**beside, readme: replaced(before, documents)}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


def _span(text: str) -> tuple[int, int]:
    begin, end = text.find(BEGIN), text.find(END)
    if text.count(BEGIN) != 1 or text.count(END) != 1 or end < begin:
        raise InvalidInput(f"there must be one {BEGIN} and one {END} behind it")
    return begin, end + len(END)


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Write a README's results and scale's anew.")
    parser.add_argument("readme", type=Path)
    parser.add_argument("results", type=Path, help="folder of the documents")
    given = parser.parse_args(arguments)
    try:
        changed = rewrite(given.readme, given.results)
    except LikemarkError as error:
        print(f"error: {error}", file=sys.stderr)
        raise SystemExit(error.exit_code) from None
    for path in changed or [given.readme]:
        print(f"{path}: {'written' if changed else 'unchanged'}", file=sys.stderr)


if __name__ == "__main__":
    main()
