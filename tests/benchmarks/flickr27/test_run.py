from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from support.flickr27 import COLOURS, EACH, STRANGERS, ColourEncoder, write_layout

from likemark.benchmarks.flickr27.layout import QUERIES, read_flickr27
from likemark.benchmarks.flickr27.linear import HeadRecipe
from likemark.benchmarks.flickr27.photos import hash_data, hash_photos
from likemark.benchmarks.flickr27.run import Flickr27Result, Flickr27Row, run_flickr27
from likemark.benchmarks.flickr27.small_cnn import NAME, CnnRecipe
from likemark.benchmarks.flickr27.task import Task, encode_crops, encode_photos
from likemark.db.errors import InvalidInput

TRAINING = len(COLOURS) * EACH * 2  # photos of the second subset
POSITIVES = len(COLOURS) * EACH
QUICK = CnnRecipe(size=22, epochs=20)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_layout(tmp_path_factory.mktemp("flickr") / "set")


@pytest.fixture
def task(folder: Path) -> Task:
    return Task.of(read_flickr27(folder))


class Run:
    def __init__(self, folder: Path) -> None:
        self.encoder = ColourEncoder()
        self.lines: list[str] = []
        self.result: Flickr27Result = run_flickr27(
            folder, [self.encoder], seed=3, progress=self.lines.append, baseline=QUICK
        )

    def row(self, source: str, classifier: str) -> Flickr27Row:
        (row,) = [
            row for row in self.result.rows if (row.source, row.classifier) == (source, classifier)
        ]
        return row


@pytest.fixture(scope="module")
def run(folder: Path) -> Run:
    return Run(folder)


def test_an_encoder_has_four_rows_and_the_baseline_one(run: Run):
    rows = [(row.name, row.source, row.classifier, row.examples) for row in run.result.rows]
    assert rows == [
        ("colours", "photos", "knn", TRAINING),
        ("colours", "photos", "linear", TRAINING),
        ("colours", "crops", "knn", TRAINING),
        ("colours", "crops", "linear", TRAINING),
        (NAME, "photos", "cnn", TRAINING),
    ]
    assert run.row("photos", "knn").fingerprint == run.encoder.fingerprint
    assert run.row("photos", "cnn").fingerprint == QUICK.fingerprint(3)


def test_counts_and_the_datas_hash_are_reported(run: Run, folder: Path):
    result = run.result
    assert result.brands == ("Azure", "Moss", "Rose")
    assert (result.training_photos, result.training_boxes) == (TRAINING, TRAINING)
    assert (result.positives, result.negatives, result.repeated) == (POSITIVES, STRANGERS, 0)
    assert (result.annotation_rows, result.degenerate_rows) == (36, 0)
    assert (result.subset, result.seed) == (2, 3)
    data = read_flickr27(folder)
    assert result.data == hash_data(data, hash_photos(data))


def test_every_photo_and_every_box_is_encoded_once(run: Run):
    assert run.encoder.seen == TRAINING + POSITIVES + STRANGERS + TRAINING


@pytest.mark.parametrize("classifier", ["knn", "linear"])
def test_colours_tell_these_brands_apart_and_strangers_from_them(run: Run, classifier: str):
    scores = run.row("photos", classifier).scores
    assert scores.accuracy == 1
    assert (scores.accuracy_low, scores.accuracy_high) == (1, 1)
    assert scores.auroc == 1
    assert scores.accuracy_accepted == 1
    assert scores.false_accepts == 0


def test_what_is_trained_has_a_curve_that_ends_at_its_accuracy(run: Run):
    assert run.row("photos", "knn").curve is None
    for row in run.result.rows:
        if row.curve is not None:
            epochs = QUICK.epochs if row.classifier == "cnn" else HeadRecipe().epochs
            assert len(row.curve.train_loss) == epochs
            assert row.curve.validation_accuracy[-1] == row.scores.accuracy


def test_the_result_is_plain_json(run: Run):
    text = json.dumps(asdict(run.result), allow_nan=False)
    document = json.loads(text)
    assert document["rows"][1]["curve"]["train_loss"] == list(
        run.row("photos", "linear").curve.train_loss  # type: ignore[union-attr]
    )
    assert str(Path.home()) not in text


def test_progress_has_a_line_before_each_part(run: Run):
    assert run.lines == [
        "colours: whole photos",
        "colours: boxes of the training photos",
        f"{NAME}: 20 epochs",
    ]


def test_vectors_stand_with_their_brands(task: Task):
    encoder = ColourEncoder()
    parts = encode_photos(task, encoder)
    assert [len(parts.training), len(parts.positives), len(parts.negatives)] == [
        TRAINING,
        POSITIVES,
        STRANGERS,
    ]
    crops = encode_crops(task, encoder)
    assert crops.labels.tolist() == task.labels.tolist() == sorted([0, 1, 2] * 4)
    assert task.truth.tolist() == [0, 0, 2, 2, 1, 1]  # Azure, Rose, Moss: the query file's order
    for brand in range(3):
        own = crops.inputs[crops.labels == brand]
        others = crops.inputs[crops.labels != brand]
        assert (own @ own.T).min() > (own @ others.T).max()


class Short(ColourEncoder):
    def encode(self, pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        yield from list(super().encode(pictures))[1:]


class Wide(ColourEncoder):
    def encode(self, pictures: Iterable[np.ndarray]) -> Iterator[np.ndarray]:
        return (np.append(row, row[:1]) for row in super().encode(pictures))


def test_an_encoder_that_skips_a_picture_is_refused(task: Task):
    with pytest.raises(InvalidInput, match=r"colours: 23 rows of shapes \[\(64,\)\] for 24"):
        encode_photos(task, Short())


def test_an_encoder_of_another_width_is_refused(task: Task):
    with pytest.raises(InvalidInput, match=r"shapes \[\(65,\)\].* one of shape \(64,\) for each"):
        encode_crops(task, Wide())


def test_data_without_strangers_are_refused(tmp_path: Path):
    folder = write_layout(tmp_path / "set")
    lines = (folder / QUERIES).read_text().splitlines()
    (folder / QUERIES).write_text("\n".join(line for line in lines if "none" not in line))
    with pytest.raises(InvalidInput, match="its annotations leave no negatives photos"):
        run_flickr27(folder, [])
