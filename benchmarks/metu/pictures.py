"""METU's pictures, each read when it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import overload

import numpy as np

from likemark.benchmarks.encoders import Pixels
from likemark.db.errors import PictureError
from likemark.retrieval.pictures.load import load_picture

_BLANK = np.full((8, 8, 3), 255, np.uint8)


@dataclass(frozen=True, slots=True)
class MetuPictures(Sequence[Pixels]):
    root: Path
    names: tuple[str, ...]  # relative to it
    queries: int  # how many come first: these must be readable
    report: Callable[[str], None]  # called with a line for each that is not

    def __len__(self) -> int:
        return len(self.names)

    @overload
    def __getitem__(self, index: int) -> Pixels: ...
    @overload
    def __getitem__(self, index: slice) -> MetuPictures: ...
    def __getitem__(self, index: int | slice) -> Pixels | MetuPictures:
        """(H, W, 3 or 4), upright; blank for a broken picture of the pool, which keeps its rank.

        Raises PictureError for a query.
        """
        if isinstance(index, slice):
            raise TypeError("METU's pictures are read one by one")
        try:
            return load_picture(self.root / self.names[index])
        except PictureError as error:
            if index < self.queries:
                raise
            self.report(str(error))
            return _BLANK

    def __iter__(self) -> Iterator[Pixels]:
        return (self[i] for i in range(len(self)))
