"""The queries that the model does worst, as a page shows them. Pictures become data addresses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from likemark.benchmarks.pages.documents import Document, reading
from likemark.benchmarks.pages.tables import count, share, words
from likemark.db.errors import InvalidInput
from likemark.retrieval.report.thumbnails import Thumbnails, load_thumbnails

_SIZE = 96  # px


@dataclass(frozen=True, slots=True)
class Shown:
    """One drawing with what is said of it."""

    name: str  # its id
    group: str
    said: str  # "score 0.612", "rank 4"
    picture: str | None  # data address
    right: bool = False  # it is relevant to the query


@dataclass(frozen=True, slots=True)
class FailureView:
    number: int  # from 1, the worst
    query: Shown
    found: tuple[Shown, ...]  # the first, in their order
    expected: tuple[Shown, ...]  # all relevant, by rank


def failure_views(document: Document, *, pictures: Path | None) -> list[FailureView]:
    """document: of retrieval; pictures: the benchmark's folder, None: names only"""
    with reading(document):
        failures = document.result["failures"]
        shown = _Pictures.of(failures, pictures)
        return [_view(number, each, shown) for number, each in enumerate(failures, start=1)]


@dataclass(frozen=True, slots=True)
class _Pictures:
    folder: Path | None
    thumbnails: Thumbnails

    @classmethod
    def of(cls, failures: list[Mapping[str, Any]], folder: Path | None) -> _Pictures:
        wanted = {str(inside(folder, image)) for image in _images(failures)} if folder else ()
        if not wanted:
            return cls(None, Thumbnails(size=_SIZE, pictures={}, queries={}))
        return cls(folder, load_thumbnails(sorted(wanted), size=_SIZE))

    def address(self, image: str) -> str | None:
        if self.folder is None:
            return None
        return self.thumbnails.data_uri(str(inside(self.folder, image)))


def _images(failures: list[Mapping[str, Any]]) -> Iterator[str]:
    for failure in failures:
        yield failure["image"]
        yield from (hit["image"] for hit in (*failure["found"], *failure["expected"]))


def inside(folder: Path, image: str) -> Path:
    """Raises InvalidInput for a path that leads out of the folder: the document is not ours."""
    path = folder / image
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(f"picture {image!r} of a failure is not below the benchmark's folder")
    return path


def _view(number: int, failure: Mapping[str, Any], shown: _Pictures) -> FailureView:
    group = failure["group"]
    # Ranks ascend and scores descend: the best scored has the first rank.
    expected = sorted(failure["expected"], key=lambda hit: -hit["score"])
    ranked = zip(expected, failure["ranks"], strict=True)
    return FailureView(
        number=number,
        query=_shown(failure, f"AP {share(failure['ap'])}", shown, None),
        found=tuple(
            _shown(hit, f"score {share(hit['score'])}", shown, group) for hit in failure["found"]
        ),
        expected=tuple(_shown(hit, f"rank {count(rank)}", shown, None) for hit, rank in ranked),
    )


def _shown(entry: Mapping[str, Any], said: str, shown: _Pictures, group: str | None) -> Shown:
    """group: that of the right drawings, where they are to be told from others"""
    return Shown(
        name=words(entry["id"]),
        group=words(entry["group"]),
        said=said,
        picture=shown.address(entry["image"]),
        right=entry["group"] == group,
    )
