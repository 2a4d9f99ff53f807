"""What the user points at becomes rows to index: folders, single pictures, manifests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError, ManifestError, NotFound, PictureError
from likemark.db.manifest import MAX_PATH_BYTES, ManifestRow, file_key, read_manifest
from likemark.db.manifest import SUFFIXES as MANIFEST_SUFFIXES
from likemark.db.values import MarkData
from likemark.retrieval.pictures.sniff import EXTENSIONS


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the input: a mark with a picture, or a mark without one."""

    mark: MarkData
    path: str | None  # absolute; None: a mark without a picture
    from_manifest: bool  # the mark has register data and stands without its picture
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was pointed at, absolute and without repetition."""

    folders: tuple[Path, ...]
    files: tuple[Path, ...]  # single pictures
    manifests: tuple[Path, ...]

    @classmethod
    def of(cls, paths: Sequence[Path]) -> Inputs:
        """Raises NotFound for a path that is not there."""
        # abspath, unlike absolute(), resolves "..": a file has one name from wherever it is named.
        given = list(dict.fromkeys(Path(os.path.abspath(path)) for path in paths))
        if not given:
            raise InvalidInput("nothing to index; give folders, pictures or manifests")
        for path in given:
            if not _is_utf8(str(path)):
                raise InvalidInput(f"{_shown(str(path))}: its name is not UTF-8; rename it")
            if not os.path.exists(path):
                raise NotFound(f"{path}: no such file or folder, or it may not be looked at")
        manifests = [p for p in given if p.is_file() and p.suffix.lower() in MANIFEST_SUFFIXES]
        folders = [p for p in given if p.is_dir()]
        files = [p for p in given if p not in manifests and p not in folders]
        return cls(tuple(folders), tuple(files), tuple(manifests))

    def count(self) -> int:
        """About how many rows there are, for a progress bar: a manifest's lines are its rows."""
        in_folders = sum(1 for folder in self.folders for _ in pictures(folder))
        return len(self.files) + in_folders + sum(_lines(path) for path in self.manifests)

    def rows(
        self, incomplete: Callable[[Path], None] = lambda path: None
    ) -> Iterator[Row | LikemarkError]:
        """All rows, folders in the order of their names; what cannot be used comes as its error.

        Manifests come first: a picture that one of them names is not a mark of its own.

        incomplete: called with a folder or manifest of which a part could not be read: what is not
        seen in it may be there all the same. Raises ManifestError when a manifest cannot be read
        at all.
        """
        for manifest in self.manifests:
            for entry in read_manifest(manifest):
                if isinstance(entry, ManifestError):
                    incomplete(manifest)
                    yield entry
                else:
                    yield _manifest_row(manifest, entry)
        seen: set[Path] = set()
        overlapping = len(self.files) + len(self.folders) > 1
        for path in chain(
            self.files, *(self._listed(folder, incomplete) for folder in self.folders)
        ):
            if isinstance(path, PictureError):
                yield path
            elif path not in seen:
                if overlapping:
                    seen.add(path)
                yield _file_row(path)

    def _listed(
        self, folder: Path, incomplete: Callable[[Path], None]
    ) -> Iterator[Path | PictureError]:
        errors: list[OSError] = []
        yield from pictures(folder, errors.append)
        for error in errors:
            incomplete(folder)
            name = os.fsencode(error.filename or folder).decode("utf-8", "replace")
            yield PictureError(name, "unreadable", f"the folder cannot be listed: {error.strerror}")


def pictures(
    folder: Path, unreadable: Callable[[OSError], None] = lambda error: None
) -> Iterator[Path]:
    """Pictures below a folder by their extension, hidden folders left out, sorted by name.

    unreadable: called for a folder that cannot be listed. A link to a folder is not followed: it
    could lead back up.
    """
    for here, folders, names in os.walk(folder, onerror=unreadable):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            suffix = os.path.splitext(name)[1].lower().removeprefix(".")
            if suffix in EXTENSIONS and not name.startswith("."):
                yield Path(here) / name


def _lines(path: Path) -> int:
    with path.open("rb") as stream:
        return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(2**20), b""))


def _manifest_row(manifest: Path, row: ManifestRow) -> Row:
    notes = tuple(f"{manifest}:{row.line}: {text}" for text in row.warnings)
    path = None if row.image is None else str(row.image)
    return Row(row.mark, path, from_manifest=True, warnings=notes)


def _file_row(path: Path) -> Row | PictureError:
    name = str(path)
    if not _is_utf8(name):
        return PictureError(_shown(name), "unreadable", "its name is not UTF-8; rename it")
    if len(name.encode()) > MAX_PATH_BYTES:
        return PictureError(name, "unreadable", f"its path is over {MAX_PATH_BYTES} bytes")
    return Row(MarkData(key=file_key(path), source=name), name, from_manifest=False)


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()
