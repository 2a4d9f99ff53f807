"""FlickrLogos-27 as a benchmark: name the brand of a photo, and refuse a photo that shows none.

Training: the second official subset, 10 photos of each of 27 brands (270). Closed set: the 135
query photos that show a brand. Open set: these against the 135 that show none. Every encoder is
frozen and answers four ways: its vectors of whole training photos or of their annotated boxes, by
nearest neighbours or by a linear head. There query photos are whole, because no box of theirs is
known; the finder looks at their places instead (`places`). Beside them stands a small network that
was trained from nothing on the same photos.
The query photos choose no setting: each figure is of the last epoch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from likemark.benchmarks.encoders import Encoder, Rows
from likemark.benchmarks.flickr27.knn import classify_by_neighbours
from likemark.benchmarks.flickr27.layout import read_flickr27
from likemark.benchmarks.flickr27.linear import train_head
from likemark.benchmarks.flickr27.photos import count_repeated, hash_data, hash_photos
from likemark.benchmarks.flickr27.places import Places, Seen
from likemark.benchmarks.flickr27.scores import Answers, Scores, judge
from likemark.benchmarks.flickr27.small_cnn import NAME, CnnRecipe, as_inputs, train_cnn
from likemark.benchmarks.flickr27.task import SUBSET, Parts, Task, encode_crops, encode_photos
from likemark.benchmarks.flickr27.training import Curve, Examples

Source = Literal["photos", "crops", "places"]
Classifier = Literal["knn", "linear", "cnn"]


@dataclass(frozen=True, slots=True)
class Flickr27Row:
    """One way to answer."""

    name: str  # of the encoder, or of the network trained from nothing
    fingerprint: str  # of the same
    # What was learnt from: whole training photos, or their boxes; places: these and what was found
    # round them, and query photos were looked at place by place.
    source: Source
    classifier: Classifier
    examples: int  # photos or boxes that were learnt from
    scores: Scores
    curve: Curve | None  # None of neighbours, which are not trained


@dataclass(frozen=True, slots=True)
class Flickr27Result:
    data: str  # sha256, as `hash_data` defines it
    seed: int
    subset: int  # official subset that was learnt from
    brands: tuple[str, ...]
    annotation_rows: int  # of the training file
    degenerate_rows: int  # of these, dropped for a box of no area
    training_photos: int
    training_boxes: int  # distinct and valid, in these photos
    positives: int  # query photos that show a brand
    negatives: int  # query photos that show none
    repeated: int  # positives that are, byte for byte, training photos; they are kept
    rows: tuple[Flickr27Row, ...]


def run_flickr27(
    folder: Path,
    encoders: Sequence[Encoder],
    *,
    seed: int = 0,
    progress: Callable[[str], None] = lambda line: None,
    baseline: CnnRecipe | None = None,
    places: Places | None = None,
) -> Flickr27Result:
    """Two rows for what looks at places, four for each encoder, then the baseline's.

    folder: as `read_flickr27` takes it
    seed: of the head's and the baseline's training and of the bootstrap
    progress: called with a line before each part
    baseline: how the small network is trained; None: by `CnnRecipe()`
    Raises NotFound, InvalidInput and PictureError.
    """
    data = read_flickr27(folder)
    task = Task.of(data)
    hashes = hash_photos(data)
    rows = [] if places is None else list(_place_rows(task, places, seed, progress))
    rows += [row for encoder in encoders for row in _encoder_rows(task, encoder, seed, progress)]
    recipe = baseline or CnnRecipe()
    progress(f"{NAME}: {recipe.epochs} epochs")
    rows.append(_baseline_row(task, recipe, seed))
    return Flickr27Result(
        data=hash_data(data, hashes),
        seed=seed,
        subset=SUBSET,
        brands=data.brands,
        annotation_rows=data.rows,
        degenerate_rows=data.degenerate,
        training_photos=len(task.training),
        training_boxes=sum(len(photo.boxes) for photo in task.training),
        positives=len(task.positives),
        negatives=len(task.negatives),
        repeated=count_repeated(data, task.training, hashes),
        rows=tuple(rows),
    )


def _encoder_rows(
    task: Task, encoder: Encoder, seed: int, progress: Callable[[str], None]
) -> Iterator[Flickr27Row]:
    progress(f"{encoder.name}: whole photos")
    parts = encode_photos(task, encoder)
    photos = Examples(parts.training, task.labels)
    yield from _rows(task, encoder, "photos", photos, parts, seed)
    progress(f"{encoder.name}: boxes of the training photos")
    yield from _rows(task, encoder, "crops", encode_crops(task, encoder), parts, seed)


def _rows(
    task: Task, encoder: Encoder, source: Source, examples: Examples, parts: Parts, seed: int
) -> Iterator[Flickr27Row]:
    def row(
        classifier: Classifier, answer: Callable[[Rows], Answers], curve: Curve | None
    ) -> Flickr27Row:
        scores = judge(answer(parts.positives), task.truth, answer(parts.negatives), seed=seed)
        count = len(examples.labels)
        identity = encoder.name, encoder.fingerprint
        return Flickr27Row(*identity, source, classifier, count, scores, curve)

    yield row(
        "knn", lambda rows: classify_by_neighbours(examples.inputs, examples.labels, rows), None
    )
    validation = Examples(parts.positives, task.truth)
    head = train_head(examples, validation, len(task.data.brands), seed=seed)
    yield row("linear", head.answer, head.curve)


def _place_rows(
    task: Task, places: Places, seed: int, progress: Callable[[str], None]
) -> Iterator[Flickr27Row]:
    progress(f"{places.name}: places in the photos")
    seen = Seen.of(task, places)
    count = len(seen.boxes.labels)
    head = seen.by_head(len(task.data.brands), seed=seed)
    answered: tuple[tuple[Classifier, tuple[Answers, Answers]], ...] = (
        ("knn", seen.by_neighbours()),
        ("linear", head),
    )
    for classifier, (positives, negatives) in answered:
        scores = judge(positives, task.truth, negatives, seed=seed)
        identity = places.name, places.fingerprint
        yield Flickr27Row(*identity, "places", classifier, count, scores, None)


def _baseline_row(task: Task, recipe: CnnRecipe, seed: int) -> Flickr27Row:
    parts = Parts.of(task, as_inputs(task.photos(), recipe.size))
    photos = Examples(parts.training, task.labels)
    validation = Examples(parts.positives, task.truth)
    cnn = train_cnn(photos, validation, len(task.data.brands), seed=seed, recipe=recipe)
    positives, negatives = cnn.answer(parts.positives), cnn.answer(parts.negatives)
    scores = judge(positives, task.truth, negatives, seed=seed)
    count = len(task.training)
    return Flickr27Row(NAME, recipe.fingerprint(seed), "photos", "cnn", count, scores, cnn.curve)
