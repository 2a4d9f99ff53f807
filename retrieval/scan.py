"""What the user points at becomes rows to index: folders, pictures, manifests, stores, shards."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from likemark.db.errors import InvalidInput, LikemarkError, ManifestError, NotFound, PictureError
from likemark.db.manifest import SUFFIXES as MANIFEST_SUFFIXES
from likemark.db.manifest import ManifestRow, read_manifest
from likemark.retrieval.pictures.places import INSIDE, canonical, is_shard, is_url
from likemark.retrieval.pictures.sniff import PICTURES
from likemark.retrieval.pictures.walk import told, walked
from likemark.retrieval.rows import Row, is_utf8, picture_row, shown

Noted = Callable[[str], None]
# Of files that may be meant as manifests, and cannot be read as such.
_TABLES = (".xlsx", ".xls", ".ods", ".txt")


@dataclass(frozen=True, slots=True)
class Inputs:
    """What was pointed at, absolute and without repetition."""

    folders: tuple[Path, ...]
    files: tuple[str, ...]  # single pictures, files or objects
    manifests: tuple[Path, ...]
    prefixes: tuple[str, ...] = ()  # addresses that hold objects: s3://bucket/marks
    shards: tuple[str, ...] = ()  # tar shards, files or objects

    @classmethod
    def of(cls, paths: Sequence[Path | str]) -> Inputs:
        """Raises NotFound for a path that is not there, LikemarkError for a store in the way."""
        given = list(dict.fromkeys(chain.from_iterable(_named(str(path)) for path in paths)))
        if not given:
            raise InvalidInput("nothing to index; give folders, pictures or manifests")
        urls = [name for name in given if is_url(name)]
        local = [Path(name) for name in given if not is_url(name)]
        folders = [p for p in local if p.is_dir()]
        for path in local:
            if path.suffix.lower() in _TABLES and path not in folders:
                raise InvalidInput(
                    f"{path}: no picture and no manifest; save a table as CSV UTF-8 (.csv)"
                )
        manifests = [p for p in local if p.is_file() and p.suffix.lower() in MANIFEST_SUFFIXES]
        others = [str(p) for p in local if p not in manifests and p not in folders]
        prefixes = _prefixes(urls)
        single = [name for name in (*others, *urls) if name not in prefixes]
        return cls(
            tuple(folders),
            tuple(name for name in single if not is_shard(name)),
            tuple(manifests),
            tuple(prefixes),
            tuple(name for name in single if is_shard(name)),
        )

    def count(self) -> int | None:
        """About how many rows there are, for a progress bar: a manifest's lines are its rows.

        None where that would take as long as reading them: in a store or a shard.
        """
        if self.prefixes or self.shards:
            return None
        in_folders = sum(1 for folder in self.folders for _ in pictures(folder))
        return len(self.files) + in_folders + sum(_lines(path) for path in self.manifests)

    def holders(self) -> dict[str, str]:
        """What holds pictures, by name, and how the places of its pictures begin, without "/"."""
        shards = {shard: shard + INSIDE.rstrip("/") for shard in self.shards}
        return {name: name for name in (*map(str, self.folders), *self.prefixes)} | shards

    def sources(self) -> tuple[str, ...]:
        """What names register data: manifests, and shards with data beside their pictures."""
        return (*map(str, self.manifests), *self.shards)

    def rows(
        self,
        incomplete: Callable[[str], None] = lambda name: None,
        noted: Noted = lambda line: None,
    ) -> Iterator[Row | LikemarkError]:
        """All rows, folders in the order of their names; what cannot be used comes as its error.

        Manifests come first: a picture that one of them names is not a mark of its own.

        incomplete: called with a folder, manifest, prefix or shard of which a part could not be
        read: what is not seen in it may be there all the same. noted: called with a line that says
        what of a folder or shard was passed over. Raises ManifestError when a manifest cannot be
        read at all.
        """
        for manifest in self.manifests:
            for entry in read_manifest(manifest):
                if isinstance(entry, ManifestError):
                    incomplete(str(manifest))
                    yield entry
                else:
                    yield _manifest_row(manifest, entry)
        seen: set[str] = set()
        comes_again = self._comes_again()
        for name in self._pictures(incomplete, noted):
            if isinstance(name, PictureError):
                yield name
            elif name not in seen:
                if comes_again(name):
                    seen.add(name)
                yield picture_row(name)
        yield from self._in_shards(incomplete, noted)

    def _comes_again(self) -> Callable[[str], bool]:
        """Of a picture's name: whether it stands in an input that lies inside another one."""
        holders = [f"{name.rstrip('/')}/" for name in (*map(str, self.folders), *self.prefixes)]
        files = {name for name in self.files if name.startswith(tuple(holders))}
        inner, outer = [], None
        for holder in sorted(holders):  # what lies inside one comes right behind it
            if outer is not None and holder.startswith(outer):
                inner.append(holder)
            else:
                outer = holder
        within = tuple(inner)
        return lambda name: name in files or name.startswith(within)

    def _pictures(
        self, incomplete: Callable[[str], None], noted: Noted
    ) -> Iterator[str | PictureError]:
        from likemark.retrieval.elsewhere import objects

        yield from self.files
        for folder in self.folders:
            yield from self._listed(folder, incomplete, noted)
        for prefix in self.prefixes:
            yield from objects(prefix, incomplete)

    def _in_shards(
        self, incomplete: Callable[[str], None], noted: Noted
    ) -> Iterator[Row | LikemarkError]:
        from likemark.retrieval.shard_rows import shard_rows

        for shard in self.shards:
            yield from shard_rows(shard, incomplete, noted)

    def _listed(
        self, folder: Path, incomplete: Callable[[str], None], noted: Noted
    ) -> Iterator[str | PictureError]:
        errors: list[OSError] = []
        others: Counter[str] = Counter()
        yield from map(str, pictures(folder, errors.append, others))
        # What is named itself is no file that was passed over.
        named = map(Path, self.sources())
        others.subtract(path.suffix.lower() for path in named if folder in path.parents)
        if line := told(folder, +others):
            noted(line)
        for error in errors:
            incomplete(str(folder))
            name = os.fsencode(error.filename or folder).decode("utf-8", "replace")
            yield PictureError(name, "unreadable", f"the folder cannot be listed: {error.strerror}")


def pictures(
    folder: Path,
    unreadable: Callable[[OSError], None] = lambda error: None,
    passed_over: Counter[str] | None = None,
) -> Iterator[Path]:
    """Pictures below a folder by their extension, as `walked` finds them."""
    return walked(folder, PICTURES, unreadable=unreadable, passed_over=passed_over)


def _named(name: str) -> Iterator[str]:
    """The places that one argument stands for, each under its one name."""
    from likemark.retrieval.elsewhere import expanded

    if not name:
        raise InvalidInput("an empty name: give folders, pictures or manifests")
    if not is_utf8(name):
        raise InvalidInput(f"{shown(os.path.abspath(name))}: its name is not UTF-8; rename it")
    place = canonical(name)
    if is_url(place):
        if place.lower().endswith(MANIFEST_SUFFIXES):
            raise InvalidInput(f"{place}: a manifest must be a local file; fetch it first")
        yield from expanded(place)
        return
    if not os.path.exists(place):
        raise NotFound(f"{place}: no such file or folder, or it may not be looked at")
    yield place


def _prefixes(urls: Sequence[str]) -> list[str]:
    from likemark.retrieval.elsewhere import is_prefix

    return [url for url in urls if is_prefix(url)]


def _lines(path: Path) -> int:
    try:
        with path.open("rb") as stream:
            return sum(chunk.count(b"\n") for chunk in iter(lambda: stream.read(2**20), b""))
    except OSError:  # said where its rows are read
        return 0


def _manifest_row(manifest: Path, row: ManifestRow) -> Row:
    notes = tuple(f"{manifest}:{row.line}: {text}" for text in row.warnings)
    path = None if row.image is None else str(row.image)
    return Row(row.mark, path, from_manifest=True, warnings=notes)
