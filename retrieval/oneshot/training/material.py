"""What scenes for training are made of: drawings, what looks like each, and photos."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Mark
from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.retrieval.oneshot.training.config import SceneData
from likemark.retrieval.training.corpus import Corpus, find_photos, place_of, read_corpus
from likemark.retrieval.training.survey import survey
from likemark.retrieval.training.views import read_mark, readable, shrunk

Pixels = NDArray[np.uint8]
_SIDE = 256  # px of a mark's longer side before it is put into a scene
_PHOTO = 720  # px of a photo's
_KEPT = 512  # marks that a worker keeps
_POOL = 20_000  # drawings among which look-alikes are looked for
_NEAR = 12  # of the likest drawings of other groups one is chosen
_SAME = 0.98  # likeness from which another group's drawing may be the same mark, wrongly named


@dataclass(slots=True, eq=False)
class Material:
    """Drawings (N of them, each once) and photos; the same for the same names and contents."""

    corpus: Corpus
    shapes: NDArray[np.float32]  # (N, 256), of length 1
    photos: tuple[Path, ...]
    _by_group: dict[int, NDArray[np.int64]] = field(init=False)
    _kinds: tuple[NDArray[np.int64], NDArray[np.int64]] = field(init=False)  # brands, ideas
    _pool: NDArray[np.int64] = field(init=False)
    _marks: dict[int, Mark] = field(default_factory=dict)

    def __post_init__(self) -> None:
        originals = self.corpus.originals()
        groups = self.corpus.groups[originals]
        order = np.argsort(groups, kind="stable")
        starts = np.flatnonzero(np.diff(groups[order], prepend=-1))
        parts = np.split(originals[order], starts[1:])
        self._by_group = {int(self.corpus.groups[part[0]]): part for part in parts if len(part)}
        firsts = np.array([self._by_group[group][0] for group in sorted(self._by_group)])
        ideas = self.corpus.is_idea[firsts]
        self._kinds = np.flatnonzero(~ideas), np.flatnonzero(ideas)
        rng = np.random.default_rng(0)
        some = rng.choice(originals, min(_POOL, len(originals)), replace=False)
        self._pool = np.sort(some).astype(np.int64)

    def group_of(self, drawing: int) -> int:
        return int(self.corpus.groups[drawing])

    def draw(self, rng: np.random.Generator, *, brands: float, redrawn: float) -> tuple[int, int]:
        """Two drawings of one mark, the same one unless it is to be redrawn and can be.

        brands: share of the marks that are brands; redrawn: of brands that have two drawings
        """
        kinds = self._kinds[rng.random() >= brands]
        group = int(rng.choice(kinds if len(kinds) else np.arange(len(self.corpus.names))))
        drawings = self._by_group[group]
        first = second = int(rng.choice(drawings))
        if len(drawings) > 1 and rng.random() < redrawn and not self.corpus.is_idea[first]:
            second = int(rng.choice(drawings[drawings != first]))
        return first, second

    def alike(self, drawing: int, rng: np.random.Generator) -> int:
        """A drawing of another group that looks like this one."""
        likeness = self.shapes[self._pool] @ self.shapes[drawing]
        other = self.corpus.groups[self._pool] != self.corpus.groups[drawing]
        likeness[~other | (likeness > _SAME)] = -1
        nearest = np.argsort(-likeness, kind="stable")[:_NEAR]
        return int(self._pool[int(rng.choice(nearest))])

    def mark(self, drawing: int) -> Mark:
        if drawing not in self._marks:
            while len(self._marks) >= _KEPT:
                del self._marks[next(iter(self._marks))]
            self._marks[drawing] = read_mark(self.corpus.paths[drawing], _SIDE)
        return self._marks[drawing]

    def photo(self, rng: np.random.Generator) -> Pixels:
        """(h, w, 3), of a longer side of 720 px at most. Raises NotFound where none can be read."""
        start = int(rng.integers(len(self.photos)))
        for ahead in range(len(self.photos)):
            try:
                path = self.photos[(start + ahead) % len(self.photos)]
                return shrunk(readable(path), _PHOTO)
            except PictureError:
                continue
        raise NotFound(f"{self.photos[0].parent}: none of {len(self.photos)} photos can be read")


def read_material(
    data: SceneData, kept: Path, *, told: Callable[[int, int], None]
) -> tuple[Material, Material, tuple[str, ...]]:
    """(to train on, held out, what of the corpus cannot be read): neither mark nor photo is shared.

    kept: a file that spares a resumed run the reading; told: how many drawings of all are read
    Raises NotFound and InvalidInput for a corpus or photos that are not there, or too few.
    """
    corpus = read_corpus(Path(data.corpus), data.exclude)
    found = survey(corpus, kept=kept, told=told)
    held = found.corpus.held(data.validation)
    if held.all() or not held.any():
        raise InvalidInput(f"{data.corpus}: too few marks to train on some and hold out others")
    photos, held_photos = split_photos(find_photos(data.photos, "data.photos"), data.validation)
    trained = Material(found.corpus.only(~held), found.shapes[~held], photos)
    return trained, Material(found.corpus.only(held), found.shapes[held], held_photos), found.errors


def split_photos(photos: Sequence[Path], share: float) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """(to train on, held out): by the hash of their names, one of each at the least.

    Raises NotFound for fewer than two.
    """
    if len(photos) < 2:
        raise NotFound(f"{len(photos)} photos are too few: 2 or more are needed")
    places = [place_of(path.name) for path in photos]
    least, most = int(np.argmin(places)), int(np.argmax(places))
    held = {n for n, place in enumerate(places) if place < share} - {most} | {least}
    return (
        tuple(path for n, path in enumerate(photos) if n not in held),
        tuple(path for n, path in enumerate(photos) if n in held),
    )
