"""What the user points at becomes rows to index: folders, single pictures, manifests."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError, ManifestError, NotFound, PictureError
from likemark.db.manifest import SUFFIXES as MANIFEST_SUFFIXES
from likemark.db.manifest import ManifestRow, file_key, read_manifest
from likemark.db.values import MarkData
from likemark.retrieval.pictures.sniff import EXTENSIONS

# A database's index holds no more than about 2,700 bytes of text.
MAX_PATH_BYTES = 2000


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
        given = list(dict.fromkeys(path.absolute() for path in paths))
        if not given:
            raise InvalidInput("nothing to index; give folders, pictures or manifests")
        for path in given:
            if not path.exists():
                raise NotFound(f"{path}: no such file or folder")
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

        incomplete: called with a folder or manifest of which a part could not be read: what is not
        seen in it may be there all the same. Raises ManifestError when a manifest cannot be read
        at all.
        """
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
        for manifest in self.manifests:
            for entry in read_manifest(manifest):
                if isinstance(entry, ManifestError):
                    incomplete(manifest)
                    yield entry
                else:
                    yield _manifest_row(manifest, entry)

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
    try:
        encoded = name.encode("utf-8")
    except UnicodeEncodeError:
        shown = name.encode("utf-8", "replace").decode()
        return PictureError(shown, "unreadable", "its name is not UTF-8; rename it")
    if len(encoded) > MAX_PATH_BYTES:
        return PictureError(name, "unreadable", f"its path is over {MAX_PATH_BYTES} bytes")
    return Row(MarkData(key=file_key(path), source=name), name, from_manifest=False)
