"""Search gives what comparing every vector gives, ties, filters and small collections included."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.vectors import exact_rows, plain_search, same

from likemark.db.errors import InvalidInput
from likemark.index.faiss_index import FaissIndex
from likemark.index.protocol import NO_ID, Ids, Rows, VectorIndex

D = 16
# These keep ±1/4 as it is.
EXACT = ["Flat", "SQfp16", "SQbf16"]


def filled(factory: str, ids: Ids, rows: Rows) -> FaissIndex:
    index = FaissIndex.create(factory, dimension=rows.shape[1])
    if not index.trained:
        index.train(exact_rows(200, rows.shape[1], seed=9))
    index.add(ids, rows)
    return index


def some_ids(count: int, seed: int = 0) -> Ids:
    """Not in order, with gaps."""
    return np.random.default_rng(seed).permutation(3 * count)[:count].astype(np.int64)


def test_an_index_is_what_the_protocol_asks_for() -> None:
    assert isinstance(FaissIndex.create("Flat", dimension=D), VectorIndex)


@pytest.mark.parametrize("factory", EXACT)
@pytest.mark.parametrize("count", [1, 7, 300])
@pytest.mark.parametrize("k", [1, 10, 150, 301])
def test_hits_are_those_of_comparing_everything(factory: str, count: int, k: int) -> None:
    ids, rows = some_ids(count), exact_rows(count, D)
    index = filled(factory, ids, rows)
    for queries in (exact_rows(1, D, seed=1), exact_rows(33, D, seed=2)):
        assert same(index.search(queries, k), plain_search(ids, rows, queries, k))


@settings(max_examples=50)
@given(
    count=st.integers(1, 60), k=st.integers(1, 70), queries=st.integers(1, 25),
    seed=st.integers(0, 10**6), share=st.floats(0, 1),
)  # fmt: skip
@pytest.mark.parametrize("factory", ["Flat", "SQfp16"])
def test_ties_go_to_the_smaller_id_behind_any_filter(
    factory: str, count: int, k: int, queries: int, seed: int, share: float
) -> None:
    rng = np.random.default_rng(seed)
    ids, rows = some_ids(count, seed), exact_rows(count, 4, seed)  # 16 rows differ at most
    index = filled(factory, ids, rows)
    asked = exact_rows(queries, 4, seed + 1)
    allowed = np.sort(rng.permutation(3 * count)[: int(share * 3 * count)])
    assert same(index.search(asked, k), plain_search(ids, rows, asked, k))
    assert same(index.search(asked, k, allowed=allowed), plain_search(ids, rows, asked, k, allowed))


@pytest.mark.parametrize("factory", EXACT)
def test_a_thousand_equals_come_by_id(factory: str) -> None:
    ids, rows = some_ids(1000), np.repeat(exact_rows(1, D), 1000, axis=0)
    found = filled(factory, ids, rows).search(rows[:2], 5)
    assert found.ids.tolist() == [np.sort(ids)[:5].tolist()] * 2
    assert (found.scores == 1).all()


@pytest.mark.parametrize("factory", EXACT)
@pytest.mark.parametrize("allowed", [[], [5], [10**6], [0, 3, 6, 10**6, 2**62], range(900)])
def test_only_allowed_ids_are_found(factory: str, allowed: list[int]) -> None:
    ids, rows = 3 * np.arange(300), exact_rows(300, D)
    queries = exact_rows(3, D, seed=1)
    chosen = np.array(allowed, dtype=np.int64)
    found = filled(factory, ids, rows).search(queries, 10, allowed=chosen)
    assert same(found, plain_search(ids, rows, queries, 10, chosen))
    assert (found.ids.dtype, found.scores.dtype) == (np.int64, np.float32)


@pytest.mark.parametrize("factory", ["Flat", "SQfp16"])
def test_ids_may_be_any_positive_64_bit_integer(factory: str) -> None:
    ids = np.array([0, 1, 2**31, 2**40 + 1, 2**62, 2**63 - 1])
    rows = exact_rows(6, D)
    index = filled(factory, ids, rows)
    assert index.ids().tolist() == ids.tolist()
    found = index.search(rows, 1, allowed=ids[3:])
    assert found.ids[3:, 0].tolist() == ids[3:].tolist()
    assert np.isin(found.ids[:3, 0], ids[3:]).all()


def test_a_filter_outlives_the_array_it_was_made_from() -> None:
    ids, rows = np.arange(2000), exact_rows(2000, D)
    index = filled("Flat", ids, rows)
    for _ in range(3):
        found = index.search(rows[:5], 3, allowed=np.arange(0, 2000, 7).copy())
        gc.collect()
        assert (found.ids % 7 == 0).all()


@pytest.mark.parametrize("factory", EXACT)
def test_an_empty_index_finds_nothing(factory: str) -> None:
    index = FaissIndex.create(factory, dimension=D)
    found = index.search(exact_rows(2, D), 3)
    assert found.ids.tolist() == [[NO_ID] * 3] * 2
    assert np.isneginf(found.scores).all()
    assert index.ids().tolist() == []


def test_no_queries_give_no_rows() -> None:
    found = filled("Flat", np.arange(3), exact_rows(3, D)).search(np.empty((0, D), np.float32), 4)
    assert found.ids.shape == found.scores.shape == (0, 4)


@pytest.mark.parametrize("k", [0, -1])
def test_fewer_than_one_hit_cannot_be_asked_for(k: int) -> None:
    with pytest.raises(InvalidInput, match=f"k = {k}: give 1 or more"):
        FaissIndex.create("Flat", dimension=D).search(exact_rows(1, D), k)


@pytest.mark.parametrize("shape", [(D,), (1, D + 1), (1, 1, D), (0,)])
def test_rows_of_another_shape_are_refused(shape: tuple[int, ...]) -> None:
    index = FaissIndex.create("Flat", dimension=D)
    rows = np.zeros(shape, np.float32)
    with pytest.raises(InvalidInput, match=r"but it holds \(N, 16\)"):
        index.search(rows, 1)
    with pytest.raises(InvalidInput, match=r"but it holds \(N, 16\)"):
        index.add(np.arange(len(rows)), rows)


def test_rows_need_not_be_float32_or_contiguous() -> None:
    ids, rows = np.arange(50), exact_rows(50, D)
    index = filled("Flat", ids, rows)
    spread = np.asfortranarray(rows.astype(np.float64))
    assert same(index.search(spread, 3), index.search(rows, 3))  # type: ignore[arg-type]
