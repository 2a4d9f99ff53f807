"""What a search can add to vectors: each way does what its name says, and costs what is counted."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.models import tiny_model
from support.slice import write_slice

from likemark.augment.blocks import find_blocks
from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.model_encoder import ModelEncoder
from likemark.benchmarks.protocol.retrieval import rank_rows
from likemark.benchmarks.protocol.run import Gallery
from likemark.benchmarks.protocol.search_time import (
    WEIGHTS,
    SearchTime,
    edges,
    run_search_time,
    whitened,
    with_blocks,
)


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Gallery:
    folder = tmp_path_factory.mktemp("search")
    write_slice(folder / "open", groups=8, distractors=60)
    benchmark = OpenBenchmark.read(folder / "open")
    return Gallery(benchmark, folder / "cache", lambda line: None)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> ModelEncoder:
    return ModelEncoder.load(tiny_model(tmp_path_factory.mktemp("models")), device="cpu")


@pytest.fixture(scope="module")
def found(gallery: Gallery, model: ModelEncoder) -> SearchTime:
    return run_search_time(gallery, model)


def test_the_first_way_is_the_benchmarks_own_figure(
    found: SearchTime, gallery: Gallery, model: ModelEncoder
) -> None:
    rows = np.asarray(gallery.rows(model))
    ranks = rank_rows(gallery.benchmark, rows)
    plain = found.ways[0]
    assert plain.name == "as it is"
    assert (plain.gain.low, plain.gain.high) == (0, 0)
    firsts = [int(ranks[query].min()) for query in range(len(ranks))]
    assert plain.r_at_1 == pytest.approx(np.mean(np.array(firsts) == 1))


def test_every_way_has_its_cost(found: SearchTime) -> None:
    costs = {way.name: (way.pictures, way.searches) for way in found.ways}
    assert costs["mean with inverted"] == (2, 1)
    assert costs["best of it and inverted"] == (2, 2)
    assert costs["mean with inverted and mirrored and edges"] == (4, 1)
    assert all(way.seconds > 0 for way in found.ways)
    assert len({way.name for way in found.ways}) == len(found.ways)


def test_blocks_cost_what_the_queries_have_of_them(found: SearchTime, gallery: Gallery) -> None:
    count = len(gallery.benchmark.groups)
    blocks = sum(len(find_blocks(gallery.benchmark.pictures[n])) for n in range(count))
    assert 0 < blocks
    ways = [way for way in found.ways if "blocks" in way.name]
    assert len(ways) == len(WEIGHTS)
    assert {way.pictures for way in ways} == {1 + round(blocks / count, 2)}
    assert all(way.searches == way.pictures for way in ways)


def test_a_block_counts_where_it_is_more_like_than_the_whole() -> None:
    rows = np.eye(4, dtype=np.float32)
    blocks = np.array([[0, 0, 0.6, 0.8], [0, 0, 1, 0]], np.float32)
    scores = with_blocks(rows, 3, blocks, np.array([0, 2]), 0.5)
    np.testing.assert_allclose(scores(slice(0, 1)), [[1, 0, 0.3, 0.4]])
    np.testing.assert_allclose(scores(slice(1, 3)), [[0, 1, 0, 0], [0, 0, 1, 0]])


def test_whitened_directions_vary_alike_and_do_not_lean_on_each_other() -> None:
    rng = np.random.default_rng(0)
    mixed = rng.standard_normal((4000, 8)) @ rng.standard_normal((8, 8)) + 3
    rows = (mixed / np.linalg.norm(mixed, axis=1, keepdims=True)).astype(np.float32)
    white = whitened(rows, rows, 4)
    assert white.shape == (4000, 4)
    np.testing.assert_allclose(np.linalg.norm(white, axis=1), 1, atol=1e-5)
    covariance = np.cov(white.T)
    spread = np.sqrt(np.outer(np.diag(covariance), np.diag(covariance)))
    assert np.abs(covariance / spread - np.eye(4)).max() < 0.25


def test_directions_without_variance_are_left_out() -> None:
    rng = np.random.default_rng(1)
    rows = np.zeros((500, 6), np.float32)
    rows[:, :3] = rng.standard_normal((500, 3))
    assert whitened(rows, rows, 6).shape == (500, 3)


def test_edges_are_the_same_for_a_mark_and_its_negative() -> None:
    pixels = np.full((40, 40, 3), 255, np.uint8)
    pixels[10:30, 10:30] = 0
    drawn = edges(pixels)
    np.testing.assert_array_equal(drawn, edges(255 - pixels))
    assert drawn[20, 20].tolist() == [255, 255, 255]
    assert drawn[10, 20].tolist() == [0, 0, 0]


def test_results_are_kept_with_the_vectors(gallery: Gallery, found: SearchTime) -> None:
    del found
    assert list(Path(gallery.cache).glob("*.rows"))
