"""Crops that stand for a brand: the best boxes of its photos. A scene is asked for none of its own.

A crop is well sized if its shorter side has `LEAST` px or more and it fills between `SHARE[0]` and
`SHARE[1]` of its photo: below, too little of the mark is seen; above, the "photo" is mostly a flat
graphic, which is a drawing rather than a crop. Of a brand's photos each gives its largest such box,
and the `EXEMPLARS` largest of these are the brand's; byte-identical photos count as one. A brand
with too few takes what comes nearest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from likemark.benchmarks.flickr27.layout import Box, TrainingPhoto

EXEMPLARS = 5  # crops of a brand; two at the least, or a scene could have none
LEAST = 48  # px
ENOUGH = 160  # px of the shorter side, beyond which a crop is not better for being larger
SHARE = (0.01, 0.5)  # of a photo's area


@dataclass(frozen=True, slots=True)
class Exemplar:
    """A crop of a photo, as a query."""

    file: str  # the photo
    brand: str
    box: Box  # of the photo
    digest: str  # sha256 of the photo's file: another file may be the same photo


def exemplars_of(
    photos: Sequence[TrainingPhoto],
    sizes: Mapping[str, tuple[int, int]],
    digests: Mapping[str, str],
) -> tuple[Exemplar, ...]:
    """The crops of one brand, best first.

    photos: the brand's
    sizes: width and height of every photo, px; digests: of every photo, as `hash_photos` gives them
    """
    every = [
        (
            _merit(box, sizes[photo.file]),
            Exemplar(photo.file, photo.brand, box, digests[photo.file]),
        )
        for photo in photos
        for box in photo.boxes
    ]
    every.sort(key=lambda pair: (pair[0], pair[1].digest, pair[1].file, pair[1].box))
    best: dict[str, Exemplar] = {}
    for _, exemplar in every:
        best.setdefault(exemplar.digest, exemplar)
    return tuple(list(best.values())[:EXEMPLARS])


def exemplar_for(scene: str, digest: str, exemplars: Sequence[Exemplar]) -> Exemplar | None:
    """The same of those from other photos each time, by the scene's name.

    scene: its name; digest: of its file
    """
    others = [exemplar for exemplar in exemplars if exemplar.digest != digest]
    return others[drawn(scene) % len(others)] if others else None


def drawn(*words: str) -> int:
    """A number that these words always give, evenly spread."""
    return int.from_bytes(hashlib.sha256("\0".join(words).encode()).digest()[:8])


def _merit(box: Box, size: tuple[int, int]) -> tuple[bool, int, int]:
    """What is sorted by: well sized, then by its shorter side, then by its area."""
    width, height = box.right - box.left, box.bottom - box.top
    share = width * height / (size[0] * size[1])
    is_well_sized = min(width, height) >= LEAST and SHARE[0] <= share <= SHARE[1]
    return not is_well_sized, -min(width, height, ENOUGH), -width * height
