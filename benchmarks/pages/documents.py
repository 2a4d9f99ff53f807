"""The documents that `likemark bench run` writes, as the tables and pages read them."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Self

from likemark.db.errors import InvalidInput, NotFound

# The order they are shown in, and their headings.
TITLES = {
    "retrieval": "Retrieval: likemark-open",
    "metu": "Retrieval: METU",
    "flickr27": "Brands in photos: FlickrLogos-27",
    "locate": "Marks found in photos: FlickrLogos-27",
    "scenes": "Marks found in made scenes: likemark-open",
    "redaction": "Marks taken out of photos: FlickrLogos-27",
    "invariance": "Invariance",
    "search": "At search time: likemark-open",
    "experiments": "Training: likemark-open",
    "speed": "Speed",
    "scale": "Scale: up to many millions of marks",
}
DIGITS = 12  # of a hash that is shown


@dataclass(frozen=True, slots=True)
class Document:
    """One run of one benchmark. Values are as JSON has them: lists, and text as keys."""

    benchmark: str  # one of `TITLES`
    command: str  # that repeats the run
    date: str  # ISO 8601
    machine: Mapping[str, Any]  # fields of `Machine`
    model: Mapping[str, Any]  # name, fingerprint
    data: Mapping[str, Any]  # name, and sha256 where there is one
    result: Mapping[str, Any]  # fields of the benchmark's result

    def __post_init__(self) -> None:
        if self.benchmark not in TITLES:
            raise InvalidInput(
                f"there is no benchmark {self.benchmark!r}: choose from {', '.join(TITLES)}"
            )

    @classmethod
    def of(cls, given: Mapping[str, Any], *, name: str = "document") -> Self:
        """From parsed JSON, or from what is about to become it. Raises InvalidInput.

        name: what an error calls it
        """
        missing = [field.name for field in fields(cls) if field.name not in given]
        if missing:
            raise InvalidInput(f"{name}: no {', '.join(missing)}: is it a benchmark's document?")
        plain = json.loads(json.dumps({field.name: given[field.name] for field in fields(cls)}))
        return cls(**plain)

    @property
    def title(self) -> str:
        return TITLES[self.benchmark]


def in_order(given: Iterable[Mapping[str, Any]]) -> list[Document]:
    """By benchmark; those of one benchmark stay in their order. Raises InvalidInput."""
    order = list(TITLES)
    return sorted(map(Document.of, given), key=lambda document: order.index(document.benchmark))


def numbered(documents: Iterable[Document]) -> Iterator[tuple[str, Document]]:
    """Each with a name of its own: retrieval, retrieval-2, ..."""
    seen: Counter[str] = Counter()
    for document in documents:
        seen[document.benchmark] += 1
        number = seen[document.benchmark]
        yield document.benchmark + (f"-{number}" if number > 1 else ""), document


def read_documents(folder: Path) -> list[dict[str, Any]]:
    """Every JSON file of a folder, by name. Raises NotFound, InvalidInput."""
    if not folder.is_dir():
        raise NotFound(f"{folder}: there is no such folder; run: likemark bench run all")
    found = [_read(path) for path in sorted(folder.glob("*.json"))]
    return [each for each in found if each is not None]


def _read(path: Path) -> dict[str, Any] | None:
    """None for what other commands write, such as `bench speed`."""
    try:
        given = json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise InvalidInput(f"{path}: is not JSON: {error}") from None
    if not isinstance(given, dict):
        raise InvalidInput(f"{path}: holds a {type(given).__name__}, not a benchmark's document")
    if given.get("benchmark") not in TITLES:
        return None
    Document.of(given, name=str(path))
    return given


@contextmanager
def reading(document: Document) -> Iterator[None]:
    """A field that is not there becomes InvalidInput: the run is of another version."""
    try:
        yield
    except KeyError as error:
        raise InvalidInput(
            f"the {document.benchmark} document has no {error}; run again: {document.command}"
        ) from error


def provenance(document: Document) -> str:
    """The data, the model, the machine and the day, without the command."""
    parts = [
        _named("data", document.data, "sha256"),
        _named("model", document.model, "fingerprint"),
    ]
    text = "; ".join([*filter(None, parts), machine(document.machine), document.date[:10]])
    return text[:1].upper() + text[1:]


def machine(given: Mapping[str, Any]) -> str:
    memory = given.get("memory_gib")
    parts = [
        given["cpu"],
        f"{given['cores']} cores",
        "" if memory is None else f"{memory:g} GiB",
        f"network on {given['device']} in {'bfloat16' if given['bf16'] else 'float32'}",
    ]
    return ", ".join(filter(None, parts))


def _named(label: str, given: Mapping[str, Any], key: str) -> str:
    digits = str(given.get(key) or "")[:DIGITS]
    words = [str(given.get("name") or ""), digits]
    return " ".join([label, *filter(None, words)]) if any(words) else ""
