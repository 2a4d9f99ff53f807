"""An EXIF block without the pictures in it (EXIF 2.32; TIFF 6.0, section 2).

What is known and shows no mark stays, and where it is: a camera's offsets go on being right. All
other bytes are blank.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator, Mapping

from likemark.retrieval.redact.packets import clean_iptc, clean_xmp
from likemark.retrieval.redact.signs import Tell, may_stay, untold

_MARK = b"Exif\0\0"
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}  # bytes
_FOLLOWED = {34665, 34853, 40965}  # directories of their own: EXIF, GPS, interoperability
# Pictures of any kind: strips, tiles, further directories, JPEG streams and their tables.
_PICTURES = {273, 279, 324, 325, 330, 347, 512, 513, 514, 515, 519, 520, 521}
_MAKER, _ICC = 37500, 34675
# Makers' own tags begin at 32768; of these are known: copyright, exposure, IPTC, GPS, EXIF's own
# three ranges, the texts of Windows, and where on earth a map lies.
_PRIVATE = 32768
_KNOWN_RANGES = ((36864, 37523), (37888, 37894), (40091, 40096), (40960, 42241))
_KNOWN = {33432, 33434, 33437, 33550, 33723, 33922, 34264, 34665, _ICC, 34735, 34736, 34737,
          34850, 34852, 34853, 34855, *range(34856, 34870), 50341, 59932}  # fmt: skip
_CLEANERS: Mapping[int, Callable[[bytes], bytes]] = {700: clean_xmp, 33723: clean_iptc}
_MOST_ENTRIES = 1000
_MOST_DIRECTORIES = 8  # four are known


def clean_exif(block: bytes, tell: Tell = untold) -> bytes:
    """An EXIF block, with its `Exif` mark or without, of the first directory and those below it.

    A block that cannot be understood comes back empty: nobody knows what it holds.
    """
    start = len(_MARK) if block.startswith(_MARK) else 0
    if len(block) == start:
        return b""
    try:
        return block[:start] + _Cleaned(block[start:], tell).made()
    except (struct.error, KeyError, IndexError):
        tell("EXIF that cannot be read")
        return b""


class _Cleaned:
    """The same block, filled piece by piece with what may stay."""

    def __init__(self, data: bytes, tell: Tell) -> None:
        self._data, self._tell = data, tell
        self._order = {b"II": "<", b"MM": ">"}[data[:2]]
        self._blank = bytearray(len(data))
        self._seen: set[int] = set()
        self._last = 0  # byte

    def made(self) -> bytes:
        """All bytes up to the last one that is known, of an even number."""
        (first,) = self._numbers("I", 4)
        self._keep(0, 8)
        link, ends = self._directory(first)
        if link + 4 <= len(self._data) and self._numbers("I", link)[0]:
            self._tell("thumbnail")
        self._put(ends, bytes(4))  # no directory comes after it
        return bytes(self._blank[: self._last + self._last % 2])

    def _directory(self, at: int) -> tuple[int, int]:
        """Take over a directory; the place of its link to the next one, and what it is now."""
        if at in self._seen or len(self._seen) == _MOST_DIRECTORIES:
            raise IndexError(at)
        self._seen.add(at)
        (count,) = self._numbers("H", at)
        kept = list(self._entries(at + 2, min(count, _MOST_ENTRIES)))
        self._put(at, struct.pack(self._order + "H", len(kept)) + b"".join(kept))
        ends = at + 2 + 12 * len(kept)
        # Of some directories below the first one no link is written: it is blank without being put.
        self._last = max(self._last, min(ends + 4, len(self._data)))
        return at + 2 + 12 * count, ends

    def _entries(self, begin: int, count: int) -> Iterator[bytes]:
        """The entries that may stay, what they point to taken over with them."""
        for at in range(begin, begin + 12 * count, 12):
            tag, kind, values = self._numbers("HHI", at)
            size = _SIZES.get(kind, 0) * values
            place = at + 8 if size <= 4 else int(self._numbers("I", at + 8)[0])
            value = self._data[place : place + size]
            if tag in _FOLLOWED:
                if not self._followed(tag, at + 8):
                    continue
            elif size == 0 or len(value) < size:
                continue
            elif not _stays(tag, value):
                self._tell("maker's note" if tag == _MAKER else f"EXIF tag {tag}")
                continue
            elif size > 4:
                self._keep(place, size)
            yield self._data[at : at + 12]

    def _followed(self, tag: int, at: int) -> bool:
        """Take over the directory below an entry; where it cannot be read, the others stay."""
        try:
            self._directory(int(self._numbers("I", at)[0]))
        except (struct.error, IndexError):
            self._tell(f"EXIF tag {tag}")
            return False
        return True

    def _numbers(self, form: str, at: int) -> tuple[int, ...]:
        return struct.unpack_from(self._order + form, self._data, at)

    def _keep(self, at: int, size: int) -> None:
        self._put(at, self._data[at : at + size])

    def _put(self, at: int, data: bytes) -> None:
        self._blank[at : at + len(data)] = data
        self._last = max(self._last, at + len(data))


def _stays(tag: int, value: bytes) -> bool:
    if tag in _CLEANERS:
        return _CLEANERS[tag](value).rstrip(b"\0") == value.rstrip(b"\0")
    return is_known(tag) and (tag == _ICC or may_stay(value))


def is_known(tag: int) -> bool:
    """Whether a tag's meaning is known, and is no picture."""
    if tag in _PICTURES or tag == _MAKER:
        return False
    in_range = any(first <= tag < end for first, end in _KNOWN_RANGES)
    return tag < _PRIVATE or tag in _KNOWN or in_range
