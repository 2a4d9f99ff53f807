"""A closer look at the nearest pictures: which of them hold what is asked for as a part?"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from likemark.db.errors import PictureError
from likemark.db.search import Filed
from likemark.retrieval.looks import Looks
from likemark.retrieval.parts import Box, Grey, grey
from likemark.retrieval.pictures.picture import Request
from likemark.retrieval.pictures.pool import DecoderPool

LONG = 5000  # nearest pictures that are looked into
# What a correlation counts beside cosines: nothing up to the first, then more, up to the second.
# Chosen on drawings trained on: with less of the first, simple shapes are found in everything.
LEAST, MOST = 0.8, 0.9
# The most where only ink counts: of 76 such drawings without one to three of their segments 45 are
# first so, 44 with 0.9; of other changes as many are, or more.
MOST_INK = 0.95
_KEPT = 20_000  # pictures of 4 KiB, for the next query
_SAVED = 500  # pictures, after which they are kept for the next command too


@dataclass(frozen=True, slots=True)
class Part:
    score: float  # as it counts beside cosines
    box: Box  # in the picture, trimmed and padded as a network sees it


def counted(correlation: float, most: float = MOST) -> float:
    """Beside cosines, 0 to `most`."""
    return most * max(0.0, correlation - LEAST) / (1 - LEAST)


def parts_of(pictures: Sequence[Grey], asked: Grey) -> list[Part]:
    """For each of one or more pictures, how likely it holds what is asked for, and where."""
    from likemark.retrieval.correlation import Looked  # torch takes seconds to load

    found = Looked(pictures).places_of(asked)
    parts = [
        [Part(counted(at.score, most), at.box) for at in places]
        for places, most in ((found.whole, MOST), (found.ink, MOST_INK))
    ]
    return [max(both, key=lambda part: part.score) for both in zip(*parts, strict=True)]


class Shortlist:
    """Reads pictures where they were read when they were indexed, each once for many queries."""

    def __init__(self, pool: DecoderPool, looks: Looks) -> None:
        """pool: of size `READ`; looks: what earlier commands have read"""
        self._pool, self._looks = pool, looks
        # By the hash of the file; None: it is nowhere as it was.
        self._kept: OrderedDict[bytes, Grey | None] = OrderedDict()

    def look(self, filed: Mapping[int, Filed], asked: Grey) -> dict[int, Part]:
        """By image id, of the pictures that hold what is asked for and can still be read."""
        self._read(list(filed.values()))
        read = [(image_id, self._kept[each.content]) for image_id, each in filed.items()]
        pictures = {image_id: picture for image_id, picture in read if picture is not None}
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)
        if not pictures:
            return {}
        parts = zip(pictures, parts_of(list(pictures.values()), asked), strict=True)
        return {image_id: part for image_id, part in parts if part.score > 0}

    def _read(self, filed: Sequence[Filed]) -> None:
        left = {each.content: each.paths for each in filed if each.content not in self._kept}
        known = self._looks.get(list(left))
        self._kept.update(known)
        left = {content: paths for content, paths in left.items() if content not in known}
        for turn in range(max(map(len, left.values()), default=0)):
            # In the order of the names: what lies in one shard is read together.
            wanted = sorted((p[turn], content) for content, p in left.items() if turn < len(p))
            decoded = zip(wanted, self._pool.map(Request(path) for path, _ in wanted), strict=True)
            while some := list(islice(decoded, _SAVED)):
                # Another picture may have taken a file's place since.
                read = {
                    content: grey(picture.pixels) for (_, content), picture in some
                    if not isinstance(picture, PictureError) and picture.content == content
                }  # fmt: skip
                if read:
                    self._looks.keep(read)
                self._kept.update(read)
                left = {content: paths for content, paths in left.items() if content not in read}
        self._kept.update(dict.fromkeys(left))
        for each in filed:
            self._kept.move_to_end(each.content)
