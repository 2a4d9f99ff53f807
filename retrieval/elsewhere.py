"""What is no local folder: the objects of a store that an address or a pattern stands for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from likemark.db.errors import LikemarkError, NotFound, PictureError, one_line
from likemark.retrieval.pictures.places import filesystem, is_shard, naming
from likemark.retrieval.pictures.sniff import EXTENSIONS

Unreadable = Callable[[str], None]


def expanded(url: str) -> Iterator[str]:
    """The objects that a pattern stands for, by name; any other address is itself.

    Raises NotFound, and LikemarkError where the store does not answer.
    """
    files, path = filesystem(url)
    try:
        found = [url] if files.exists(path) else []
        if not found and ("*" in path or "[" in path):
            found = [naming(url)(str(name)) for name in sorted(files.glob(path))]
    except Exception as error:  # a store's own errors share no base
        raise _unanswered(url, error) from error
    if not found:
        raise NotFound(f"{one_line(url)}: no such object or prefix, or it may not be looked at")
    yield from found


def is_prefix(url: str) -> bool:
    """Whether an address holds objects, rather than being one. Raises LikemarkError."""
    if is_shard(url):
        return False
    files, path = filesystem(url)
    try:
        return bool(files.isdir(path))
    except Exception as error:
        raise _unanswered(url, error) from error


def objects(url: str, unreadable: Unreadable) -> Iterator[str | PictureError]:
    """Pictures below a prefix by their extension, sorted by name, hidden ones left out."""
    files, root = filesystem(url)
    name_of = naming(url)
    waiting = [root]
    while waiting:
        here = waiting.pop()
        try:
            entries = sorted(files.ls(here, detail=True), key=lambda entry: str(entry["name"]))
        except Exception as error:
            unreadable(url)
            detail = f"it cannot be listed: {error}"
            yield PictureError(name_of(here), "unreadable", detail)
            continue
        seen = [e for e in entries if not PurePosixPath(e["name"]).name.startswith(".")]
        below = [str(e["name"]) for e in seen if e["type"] == "directory"]
        # Some stores list a prefix among its own entries.
        waiting += reversed([name for name in below if name.rstrip("/") != here.rstrip("/")])
        names = [str(e["name"]) for e in seen if e["type"] != "directory"]
        yield from (name_of(name) for name in names if is_picture(name))


def is_picture(name: str) -> bool:
    return PurePosixPath(name).suffix.lower().removeprefix(".") in EXTENSIONS


def _unanswered(url: str, error: Exception) -> LikemarkError:
    detail = one_line(f"{type(error).__name__}: {error}", limit=200)
    return LikemarkError(f"{one_line(url)}: the store does not answer: {detail}")
