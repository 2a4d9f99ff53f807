"""The bundled sample as a corpus, and the shipped configuration that trains on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.training.sample import sample_squares, write_sample
from likemark.benchmarks.training.smoke import CONFIG
from likemark.retrieval.models import BUNDLED
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.corpus import Corpus, read_corpus
from likemark.retrieval.training.sampler import Sampler
from likemark.retrieval.training.start import starting_model
from likemark.retrieval.training.validation import HeldOut


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    table = tmp_path_factory.mktemp("sample") / "sample.csv"
    write_sample(table)
    return read_corpus(table)


def test_every_drawing_of_the_sample_is_there_once_under_its_brand(corpus: Corpus) -> None:
    assert len(corpus) == len(set(corpus.paths)) >= 400
    assert all(path.is_file() for path in corpus.paths)
    assert "brand/Clojure" in corpus.names
    assert int((np.bincount(corpus.groups) >= 2).sum()) >= 100


def test_the_shipped_split_leaves_enough_to_train_on_and_to_ask(corpus: Corpus) -> None:
    config = Training.read(CONFIG)
    held = corpus.held(config.data.validation)
    asked = HeldOut.of(corpus.only(held), size=32, distractors=config.data.distractors)
    assert asked.queries >= 60
    assert len(asked.pixels) >= 2 * asked.queries
    brands, _, _ = Sampler(corpus.only(~held), config.batch, None, seed=0).counts
    assert brands >= 60


def test_the_shipped_configuration_starts_from_a_bundled_model() -> None:
    model = starting_model(Training.read(CONFIG).network)
    assert model is not None
    assert model.folder == BUNDLED


def test_squares_of_it_are_as_a_network_sees_them() -> None:
    squares = sample_squares(48, most=3)
    assert (squares.shape, squares.dtype) == ((3, 48, 48, 3), np.uint8)
    assert all(len(np.unique(square)) > 2 for square in squares)


def test_the_gate_trains_on_it_and_leaves_nothing_to_commit() -> None:
    root = Path(__file__).resolve().parents[3]
    assert "make train-smoke" in (root / ".ci" / "run").read_text().splitlines()
    recipe = (root / "Makefile").read_text().split("train-smoke: ")[1].splitlines()[1]
    assert f"{recipe.split()[-1]}/" in (root / ".gitignore").read_text().splitlines()
