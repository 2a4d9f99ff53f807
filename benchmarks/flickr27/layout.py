"""FlickrLogos-27 as its authors publish it: two annotation files beside a folder of photos.

Y. Kalantidis et al., Scalable Triangulation-based Logo Recognition, ICMR 2011. The training file
has a row `FILE BRAND SUBSET X1 Y1 X2 Y2` for each box in each of six subsets, which are nested: the
first holds 5 photos of each of 27 brands, the second the same and 5 more, the sixth all 30. The
query file has a row `FILE BRAND` for 5 photos of each brand and 135 whose brand is `none`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from likemark.db.errors import InvalidInput, NotFound

TRAINING = "flickr_logos_27_dataset_training_set_annotation.txt"
QUERIES = "flickr_logos_27_dataset_query_set_annotation.txt"
PICTURES = "flickr_logos_27_dataset_images"
NO_BRAND = "none"
SUBSETS = (1, 2, 3, 4, 5, 6)
_NAMED = 3  # missing files that a message names


@dataclass(frozen=True, slots=True, order=True)
class Box:
    """A rectangle of a photo: `pixels[top:bottom, left:right]`."""

    left: int  # px, 0 or more
    top: int  # px, 0 or more
    right: int  # px, beyond left
    bottom: int  # px, beyond top

    def __post_init__(self) -> None:
        if not (0 <= self.left < self.right and 0 <= self.top < self.bottom):
            raise InvalidInput(
                f"box {self.left} {self.top} {self.right} {self.bottom} is empty or starts "
                "outside its photo: give left < right and top < bottom, from 0"
            )


@dataclass(frozen=True, slots=True)
class TrainingPhoto:
    """A photo under one of its brands; a photo of two brands stands here twice."""

    file: str
    brand: str
    subset: int  # the first of SUBSETS that holds it under this brand
    boxes: tuple[Box, ...]  # where the brand stands, distinct; none when all were degenerate

    def __post_init__(self) -> None:
        if self.subset not in SUBSETS:
            raise InvalidInput(f"{self.file}: subset {self.subset}: there are 1 to {SUBSETS[-1]}")


@dataclass(frozen=True, slots=True)
class QueryPhoto:
    file: str
    brand: str | None  # None: it shows none of the brands


@dataclass(frozen=True, slots=True)
class Flickr27:
    """The data set's annotations, in the files' order."""

    folder: Path  # holds TRAINING, QUERIES and PICTURES
    training: tuple[TrainingPhoto, ...]
    queries: tuple[QueryPhoto, ...]
    rows: int  # of the training file
    degenerate: int  # of these, with a box of no area: their photo stays, the box does not

    def __post_init__(self) -> None:
        known = set(self.brands)
        strange = sorted({query.brand for query in self.queries if query.brand} - known)
        if strange:
            raise InvalidInput(
                f"{QUERIES} names {strange[0]!r}, which {TRAINING} does not: "
                "unpack both files of the data set anew"
            )

    @property
    def brands(self) -> tuple[str, ...]:
        """By name; a brand's place here is its label."""
        return tuple(sorted({photo.brand for photo in self.training}))

    @property
    def files(self) -> tuple[str, ...]:
        """Every photo that an annotation names, once, by name."""
        asked = {query.file for query in self.queries}
        return tuple(sorted(asked.union(photo.file for photo in self.training)))

    @property
    def positives(self) -> tuple[QueryPhoto, ...]:
        return tuple(query for query in self.queries if query.brand is not None)

    @property
    def negatives(self) -> tuple[QueryPhoto, ...]:
        return tuple(query for query in self.queries if query.brand is None)

    def subset(self, number: int) -> tuple[TrainingPhoto, ...]:
        """The training photos of an official subset, by brand and then as the file has them."""
        if number not in SUBSETS:
            raise InvalidInput(f"subset {number}: there are 1 to {SUBSETS[-1]}")
        held = (photo for photo in self.training if photo.subset <= number)
        return tuple(sorted(held, key=lambda photo: photo.brand))

    def path(self, file: str) -> Path:
        return self.folder / PICTURES / file


def read_flickr27(folder: Path) -> Flickr27:
    """Read the annotations and see that every photo they name is there.

    folder: holds TRAINING, QUERIES and PICTURES
    Raises NotFound for what is missing, InvalidInput for a row that is not of the official form.
    """
    rows = list(_fields(folder / TRAINING, 7))
    training, degenerate = _training(folder / TRAINING, rows)
    queries = [
        QueryPhoto(file, None if brand == NO_BRAND else brand)
        for _, (file, brand) in _fields(folder / QUERIES, 2)
    ]
    data = Flickr27(folder, training, tuple(queries), len(rows), degenerate)
    _check_there(data)
    return data


def _fields(path: Path, count: int) -> Iterator[tuple[int, list[str]]]:
    """(line's number, its fields) of an annotation file."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        raise NotFound(
            f"{path}: no such file: name the folder that FlickrLogos-27 was unpacked in"
        ) from None
    except (OSError, UnicodeDecodeError) as fault:
        raise InvalidInput(f"{path}: it cannot be read as text: {fault}") from fault
    for number, line in enumerate(lines, 1):
        fields = line.split()
        if not fields:
            continue
        if len(fields) != count or Path(fields[0]).name != fields[0]:
            raise InvalidInput(f"{path}, line {number}: {line[:80]!r} is not {count} fields")
        yield number, fields


def _training(
    path: Path, rows: list[tuple[int, list[str]]]
) -> tuple[tuple[TrainingPhoto, ...], int]:
    """(photos, rows with a degenerate box)."""
    subsets: dict[tuple[str, str], int] = {}
    boxes: dict[tuple[str, str], dict[Box, None]] = {}
    degenerate = 0
    for number, (file, brand, *texts) in rows:
        subset, left, top, right, bottom = _numbers(path, number, texts)
        key = file, brand
        subsets[key] = min(subset, subsets.get(key, subset))
        held = boxes.setdefault(key, {})
        if left >= right or top >= bottom:
            degenerate += 1
        else:
            held[Box(left, top, right, bottom)] = None  # a subset repeats the rows of those in it
    photos = (TrainingPhoto(*key, subset, tuple(boxes[key])) for key, subset in subsets.items())
    return tuple(photos), degenerate


def _numbers(path: Path, number: int, texts: list[str]) -> list[int]:
    try:
        return [int(text) for text in texts]
    except ValueError:
        raise InvalidInput(
            f"{path}, line {number}: {' '.join(texts)[:80]!r} is not five whole numbers: "
            "SUBSET X1 Y1 X2 Y2"
        ) from None


def _check_there(data: Flickr27) -> None:
    folder = data.folder / PICTURES
    there = {path.name for path in folder.glob("*")}
    missing = [file for file in data.files if file not in there]
    if missing:
        more = ", ..." if len(missing) > _NAMED else ""
        raise NotFound(
            f"{folder}: {len(missing)} of {len(data.files)} photos are missing "
            f"({', '.join(missing[:_NAMED])}{more}): unpack the data set's pictures there"
        )
