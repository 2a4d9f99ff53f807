"""Names for what is written: classes in the order they are met, and one file name a scene."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from likemark.retrieval.oneshot.found import Asked, Found, Match


class Categories:
    """Numbers from 0; queries have theirs from the start, in the order they were given."""

    def __init__(self, queries: Iterable[Asked] = ()) -> None:
        self._numbers: dict[str, int] = {}
        for query in queries:
            self._numbers.setdefault(query.label, len(self._numbers))

    def of(self, match: Match) -> int:
        return self._numbers.setdefault(match.category, len(self._numbers))

    @property
    def names(self) -> list[str]:
        return list(self._numbers)


class Names:
    """A path without suffix for each scene, below the folder it is written to; no two alike."""

    def __init__(self, *, taken: Iterable[str] = ()) -> None:
        """taken: names that no scene may have"""
        self._taken = set(taken)

    def of(self, found: Found) -> Path:
        """Another one each time that it is asked."""
        stem = found.source.below.with_suffix("")
        if found.frame is not None:
            stem = stem.with_name(f"{stem.name}-{found.frame:06d}")
        name, number = stem, 1
        # Some file systems do not tell upper from lower case.
        while str(name).casefold() in self._taken:
            number += 1
            name = stem.with_name(f"{stem.name}-{number}")
        self._taken.add(str(name).casefold())
        return name
