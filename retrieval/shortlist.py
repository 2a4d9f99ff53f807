"""A closer look at the nearest pictures: which of them hold what is asked for as a part?"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from likemark.db.errors import PictureError
from likemark.retrieval.parts import Box, Grey, grey
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.pictures.pool import DecoderPool

LONG = 1000  # nearest pictures that are looked into
# What a correlation counts beside cosines: nothing up to the first, then more, up to the second.
# Chosen on drawings trained on: with less of the first, simple shapes are found in everything.
LEAST, MOST = 0.8, 0.9
_KEPT = 20_000  # pictures of 4 KiB, for the next query


@dataclass(frozen=True, slots=True)
class Part:
    score: float  # as it counts beside cosines
    box: Box  # in the picture, trimmed and padded as a network sees it


def counted(correlation: float) -> float:
    """Beside cosines, 0 to `MOST`."""
    return MOST * max(0.0, correlation - LEAST) / (1 - LEAST)


def parts_of(pictures: Sequence[Grey], asked: Grey) -> list[Part]:
    """For each of one or more pictures, how likely it holds what is asked for, and where."""
    from likemark.retrieval.correlation import Looked  # torch takes seconds to load

    return [Part(counted(at.score), at.box) for at in Looked(pictures).places_of(asked)]


class Shortlist:
    """Reads pictures where they were read when they were indexed, each once for many queries."""

    def __init__(self, pool: DecoderPool) -> None:
        """pool: of size `SIDE`"""
        self._pool = pool
        self._kept: OrderedDict[str, Grey | None] = OrderedDict()  # by path; None: not readable

    def look(self, paths: Mapping[int, str], asked: Grey) -> dict[int, Part]:
        """By image id, of the pictures that can still be read.

        paths: where each image was read
        """
        self._read(list(dict.fromkeys(paths.values())))
        read = [(image_id, self._kept[path]) for image_id, path in paths.items()]
        pictures = {image_id: picture for image_id, picture in read if picture is not None}
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        if not pictures:
            return {}
        parts = parts_of(list(pictures.values()), asked)
        return dict(zip(pictures, parts, strict=True))

    def _read(self, paths: Sequence[str]) -> None:
        new = [path for path in paths if path not in self._kept]
        decoded = self._pool.map(Request(path) for path in new)
        for path, picture in zip(new, decoded, strict=True):
            self._kept[path] = None if isinstance(picture, PictureError) else grey(picture.pixels)
        for path in paths:
            self._kept.move_to_end(path)
