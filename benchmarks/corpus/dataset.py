"""A built corpus as its users see it: the benchmark's gallery, the pictures to train on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, overload

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from likemark.benchmarks.corpus.kin import seen_groups
from likemark.benchmarks.corpus.manifest import Entry, data_hash, read_entries
from likemark.benchmarks.encoders import Pixels
from likemark.db.errors import InvalidInput, PictureError


@dataclass(frozen=True, slots=True)
class Pictures(Sequence[Pixels]):
    """Pictures of a corpus, read from the disk each time they are asked for."""

    folder: Path
    entries: tuple[Entry, ...]

    def __len__(self) -> int:
        return len(self.entries)

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice) -> Pictures: ...
    def __getitem__(self, index: int | slice) -> Pixels | Pictures:
        """(H, W, 3) RGB. Raises PictureError when the file has gone or is damaged."""
        if isinstance(index, slice):
            return Pictures(self.folder, self.entries[index])
        path = self.folder / self.entries[index].image
        try:
            with Image.open(path) as image:
                return np.asarray(image.convert("RGB"))
        except (OSError, SyntaxError) as error:
            raise PictureError(str(path), "damaged", "build the corpus again") from error

    def __iter__(self) -> Iterator[Pixels]:
        return (self[i] for i in range(len(self)))


@dataclass(frozen=True, slots=True, eq=False)
class OpenBenchmark:
    """likemark-open: every relevant drawing asks for the others of its group. N pictures."""

    pictures: Pictures  # N: Q relevant drawings first, then the distractors
    groups: NDArray[np.int64]  # (Q,): equal for drawings of one mark
    data: str  # sha256 of the manifest

    @classmethod
    def read(cls, folder: Path, *, distractors: int | None = None) -> Self:
        """distractors: how many, spread over all sets; None: all there are.

        Raises NotFound when nothing is built there, InvalidInput for a training corpus or for more
        distractors than there are.
        """
        entries = read_entries(folder)
        relevant = [entry for entry in entries if entry.kind == "relevant"]
        others = sorted((e for e in entries if e.kind == "distractor"), key=lambda e: e.sha256)
        if not relevant:
            raise InvalidInput(f"{folder}: no relevant drawings: is it a training corpus?")
        if distractors is not None and distractors > len(others):
            raise InvalidInput(f"{folder} has {len(others)} distractors, not {distractors}")
        _, groups = np.unique([entry.group for entry in relevant], return_inverse=True)
        return cls(
            Pictures(folder, (*relevant, *others[:distractors])),
            groups.astype(np.int64),
            data_hash(folder),
        )

    @property
    def unseen(self) -> NDArray[np.bool_]:
        """(Q,): the mark is in no training share of the shipped models, under whatever name."""
        seen = seen_groups()
        return np.array([entry.group not in seen for entry in self.relevant], bool)

    @property
    def relevant(self) -> tuple[Entry, ...]:
        return self.pictures.entries[: len(self.groups)]

    @property
    def distractors(self) -> int:
        return len(self.pictures) - len(self.groups)


@dataclass(frozen=True, slots=True, eq=False)
class TrainingCorpus:
    """Drawings that may be trained on, grouped by brand or idea; labels are noisy. N pictures."""

    pictures: Pictures  # N
    groups: NDArray[np.int64]  # (N,): equal for one brand or one idea
    artworks: NDArray[np.int64]  # (N,): equal in a group for copies of one drawing
    is_brand: NDArray[np.bool_]  # (N,): a mark; else an everyday idea drawn as an icon or emoji
    data: str  # sha256 of the manifest

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Raises NotFound when nothing is built there, InvalidInput for a benchmark: its pictures
        are never trained on."""
        entries = tuple(read_entries(folder))
        if any(entry.kind in ("relevant", "distractor") for entry in entries):
            raise InvalidInput(f"{folder} is the benchmark: it is never trained on")
        labels = [f"{entry.kind}/{entry.group}" for entry in entries]
        _, groups = np.unique(labels, return_inverse=True)
        return cls(
            Pictures(folder, entries),
            groups.astype(np.int64),
            np.array([entry.artwork for entry in entries], np.int64),
            np.array([entry.kind == "brand" for entry in entries], bool),
            data_hash(folder),
        )
