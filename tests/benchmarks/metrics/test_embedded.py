from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from likemark.benchmarks.metrics.closeness import (
    STEPS,
    as_gallery,
    as_query,
    block_closeness,
    pair_closeness,
)
from likemark.benchmarks.metrics.embedded import rank_embeddings
from likemark.benchmarks.metrics.lists import Lists, same_group
from likemark.benchmarks.metrics.scored import rank_scores
from likemark.db.errors import InvalidInput

D = 33


def unit_rows(count: int, *, seed: int = 0, dimension: int = D) -> np.ndarray:
    rng = np.random.default_rng(seed)
    rows = rng.standard_normal((count, dimension)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def closeness(queries: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    return block_closeness(as_query(queries), as_gallery(gallery, range(len(gallery))))


def test_closeness_is_whole_numbers_without_any_rounding():
    rows = unit_rows(40, dimension=320)
    grid = as_gallery(rows, range(40))[:, :-1]
    np.testing.assert_allclose(grid, rows * STEPS, rtol=1e-6, atol=0.5)
    whole = grid.astype(np.int64).astype(object)  # Python's integers, of any size
    exactly = 2 * (whole[:7] @ whole.T) - (whole * whole).sum(axis=1)
    assert np.array_equal(closeness(rows[:7], rows), exactly.astype(np.float64))


@given(st.integers(1, 90), st.integers(1, 300), st.integers(0, 9))
def test_a_pair_has_one_closeness_in_blocks_of_any_shape(count, dimension, seed):
    rows = unit_rows(count, seed=seed, dimension=dimension)
    whole = closeness(rows, rows)
    asked, gallery = as_query(rows), as_gallery(rows, range(count))
    middle = count // 2
    assert np.array_equal(block_closeness(asked[middle:], gallery), whole[middle:])
    assert np.array_equal(block_closeness(asked, gallery[middle:]), whole[:, middle:])
    assert np.array_equal(pair_closeness(asked, gallery[::-1]), np.diagonal(whole[:, ::-1]))


def test_closeness_follows_the_cosine():
    queries, gallery = unit_rows(5, seed=1), unit_rows(60, seed=2)
    cosine = (2 * queries.astype(np.float64) @ gallery.T.astype(np.float64)) - 1
    np.testing.assert_allclose(closeness(queries, gallery) / STEPS**2, cosine, atol=1e-6)


def test_nothing_is_closer_than_a_copy():
    rows = unit_rows(50, dimension=256)
    near = np.nextafter(rows, np.float32(2))  # each coordinate off by its last bit
    product = closeness(rows, np.concatenate([rows, near]))
    assert np.array_equal(product.max(axis=1), np.diagonal(product))


def test_ranks_agree_with_a_plain_float64_search():
    queries, gallery = unit_rows(30, seed=3), unit_rows(500, seed=4)
    rng = np.random.default_rng(6)
    relevant = Lists.of([rng.integers(0, 500, 8) for _ in queries])
    ignored = Lists.of([rng.integers(0, 500, 20) for _ in queries])
    scores = queries.astype(np.float64) @ gallery.astype(np.float64).T
    expected = rank_scores(scores, relevant, ignored)
    ranks = rank_embeddings(queries, gallery, relevant, ignored)
    assert np.array_equal(ranks.ranks, expected.ranks)
    assert np.array_equal(ranks.offsets, expected.offsets)
    assert np.array_equal(ranks.sizes, expected.sizes)


def test_block_sizes_change_nothing():
    gallery = unit_rows(300, seed=5, dimension=8)
    gallery[200:] = gallery[:100]  # ties in other blocks
    relevant = Lists.of([[query, query + 1] for query in range(60)])
    queries = gallery[:60] + np.float32(0.01)
    once = rank_embeddings(queries, gallery, relevant)
    for gallery_rows in (1, 7, 64, 300):
        again = rank_embeddings(queries, gallery, relevant, gallery_rows=gallery_rows)
        assert np.array_equal(again.ranks, once.ranks)


def test_copies_anywhere_in_the_gallery_tie():
    copy = unit_rows(1, seed=9, dimension=257)
    gallery = np.concatenate([unit_rows(1000, dimension=257), copy])
    places = [0, 1, 2, 3, 5, 17, 500, 998, 999]
    gallery[places] = copy
    queries = unit_rows(3, seed=8, dimension=257)
    relevant = [[1000]] * 3
    alone = rank_embeddings(queries, gallery, relevant, [places] * 3)
    among = rank_embeddings(queries, gallery, relevant)
    assert np.array_equal(among.ranks, alone.ranks + len(places))
    shared = rank_embeddings(queries, gallery, [[1000, *places]] * 3)
    assert np.array_equal(shared.ranks, (alone.ranks[:, None] + np.arange(10)).ravel())


def test_queries_that_stand_in_the_gallery_are_left_out_by_ignoring_them():
    rows = unit_rows(40)
    groups = np.arange(40) // 4
    own = same_group(groups, groups)
    alone = rank_embeddings(rows, rows, own, Lists.single(np.arange(40)))
    among = rank_embeddings(rows, rows, own)
    assert alone.relevant.tolist() == [3] * 40
    assert alone.sizes.tolist() == [39] * 40
    assert (among.ranks.reshape(40, 4)[:, 0] == 1).all()
    assert np.array_equal(among.ranks.reshape(40, 4)[:, 1:] - 1, alone.ranks.reshape(40, 3))


def test_rows_of_any_length_are_compared_by_direction():
    queries, gallery = unit_rows(6, seed=1), unit_rows(80, seed=2)
    relevant = [[query] for query in range(6)]
    lengths = np.random.default_rng(0).uniform(0.1, 50, (80, 1)).astype(np.float32)
    unit = rank_embeddings(queries, gallery, relevant)
    assert np.array_equal(
        rank_embeddings(3 * queries, gallery * lengths, relevant).ranks, unit.ranks
    )


@pytest.mark.parametrize("kind", [np.float16, np.float32])
def test_a_memory_mapped_file_ranks_as_the_array_in_memory(tmp_path: Path, kind: type[np.floating]):
    gallery = unit_rows(200).astype(kind)
    np.save(tmp_path / "rows.npy", gallery)
    mapped = np.load(tmp_path / "rows.npy", mmap_mode="r")
    relevant = [[5, 190]] * 4
    expected = rank_embeddings(gallery[:4], gallery, relevant)
    assert np.array_equal(rank_embeddings(mapped[:4], mapped, relevant).ranks, expected.ranks)


@pytest.mark.parametrize("bad", [0.0, np.nan, np.inf])
def test_a_row_that_is_no_embedding_is_named(bad: float):
    rows = unit_rows(20)
    rows[13] = bad
    with pytest.raises(InvalidInput, match="gallery row 13 is no embedding"):
        rank_embeddings(unit_rows(2), rows, [[0], [1]])
    with pytest.raises(InvalidInput, match="gallery row 13 is no embedding"):
        rank_embeddings(unit_rows(2), rows, [[0], [2, 13]])
    with pytest.raises(InvalidInput, match="query row 13 is no embedding"):
        rank_embeddings(rows, unit_rows(2), [[0]] * 20)


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(InvalidInput, match="33 dimensions, the gallery 8"):
        rank_embeddings(unit_rows(1), unit_rows(2, dimension=8), [[0]])
    whole: Any = np.ones((2, D), np.int8)
    with pytest.raises(InvalidInput, match=r"gallery: int8 .* give floating point"):
        rank_embeddings(unit_rows(1), whole, [[0]])
    with pytest.raises(InvalidInput, match=r"queries: float32 \(33,\)"):
        rank_embeddings(unit_rows(1)[0], unit_rows(2), [[0]])
    with pytest.raises(InvalidInput, match="relevant: item 2 of a gallery of 2"):
        rank_embeddings(unit_rows(1), unit_rows(2), [[2]])
