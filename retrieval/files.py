"""Files that are written whole, or not at all."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from likemark.db.errors import InvalidInput, LikemarkError, NotFound


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that its name never stands for half of it; raises as `whole_file` does."""
    with whole_file(path) as stream:
        stream.write(data)


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """A stream whose bytes take the file's name once all of them are on the disk.

    A link of that name is replaced: what it leads to stays as it is. Raises what `check_target`
    raises, and LikemarkError when the file cannot be written.
    """
    check_target(path)
    with _draft(path) as draft:
        with draft.open("xb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        draft.replace(path)


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A short hidden name beside a file: the file's own may be as long as names can be."""
    draft = path.with_name(f".{secrets.token_hex(4)}")
    try:
        yield draft
    except OSError as error:
        raise LikemarkError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        _forget(draft)


def check_named(path: Path, *endings: str) -> None:
    """As `check_target`, and InvalidInput for another ending: such a name is a mistake for that of
    a file that would be lost. Raises LikemarkError where no file can be made."""
    if path.suffix.lower() not in endings:
        raise InvalidInput(f"{path}: its name must end in {' or '.join(endings)}")
    check_target(path)
    with _draft(path) as draft:
        draft.open("xb").close()
        with suppress(FileNotFoundError):
            os.lstat(path)  # a name that is too long is told so


def check_target(path: Path) -> None:
    """Raise NotFound for a missing folder, InvalidInput for what is there and no plain file."""
    if not os.path.isdir(path.parent):
        raise NotFound(f"{path}: there is no folder {path.parent}; make it first")
    if os.path.exists(path) and not os.path.isfile(path):
        raise InvalidInput(f"{path}: is no plain file; give another name")


def _forget(draft: Path) -> None:
    with suppress(OSError):  # its folder has gone: the cause is already on its way up
        draft.unlink(missing_ok=True)
