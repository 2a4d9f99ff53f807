"""Which names may mean a mark of the benchmark, though their keys differ.

A key alone parts `facebook` from `square-facebook`, `netflix` from `netflix-logo-block` and
`onenote` from `microsoft-onenote`: by it, other drawings of a benchmark's mark would be trained on.
Kin are names whose words, without those of style wherever they stand, are the same, or one of which
holds the other's words in a row. That is generous: to lose some training drawings costs little.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from likemark.benchmarks.corpus.keys import PREFIX, words
from likemark.benchmarks.corpus.words import AMBIGUOUS, BRAND_STYLE, GENERIC

# Groups of which drawings were in the training share of the shipped models: until this rule came,
# shares were parted by keys alone.
SEEN = Path(__file__).parent / "seen.csv"
_STYLE = BRAND_STYLE | frozenset(
    "block with cc language lang social media old new simple small large in on of the by and round"
    " rounded inc".split()
)
_VAGUE = GENERIC | AMBIGUOUS
_SHORTEST = 4  # letters of what is looked for inside of other names
Words = tuple[str, ...]


class Kin:
    """The groups that a name may mean."""

    def __init__(self, names: Iterable[tuple[str, str]]) -> None:
        """names: of the benchmark's drawings and brands, each with its group"""
        self._joined: defaultdict[str, set[str]] = defaultdict(set)
        self._whole: defaultdict[Words, set[str]] = defaultdict(set)
        self._within: defaultdict[Words, set[str]] = defaultdict(set)
        for name, group in names:
            its = brand_words(name)
            self._joined["".join(its)].add(group)
            self._whole[its].add(group)
            for run in _runs(its):
                self._within[run].add(group)

    def of(self, name: str) -> frozenset[str]:
        its = brand_words(name)
        found = set(self._joined.get("".join(its), ()))
        found.update(*(self._whole.get(run, ()) for run in _runs(its) if _clear(run)))
        if _clear(its):
            found |= self._within.get(its, set())
        return frozenset(found)


def brand_words(name: str) -> Words:
    """Words of a drawing's name that name its brand; all where none would be left."""
    every = [word.rstrip("0123456789") or word for word in words(PREFIX.sub("", name.lower()))]
    left = [word for word in every if word not in _STYLE and len(word) > 1 and not word.isdigit()]
    return tuple(left or every)


def seen_groups() -> frozenset[str]:
    """Of the benchmark; of the others no drawing was in the shipped models' training share."""
    return frozenset(SEEN.read_text(encoding="utf-8").split()[1:])  # below the column's name


def _runs(its: Words) -> set[Words]:
    count = len(its)
    return {its[i:j] for i in range(count) for j in range(i + 1, count + 1)}


def _clear(its: Words) -> bool:
    """Whether words say enough to be looked for inside of other names."""
    name = "".join(its)
    return len(name) >= _SHORTEST and name not in _VAGUE
