"""Inverted lists lose no hits behind a filter, however narrow, and wherever its vectors lie."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.layers import Table, layered
from support.vectors import clustered_rows, plain_search

from likemark.index.layers import LayeredIndex
from likemark.index.protocol import Rows

N, D, K, CLUSTERS = 10_000, 16, 10, 100


@pytest.fixture(scope="module")
def rows() -> Rows:
    return clustered_rows(N, D, clusters=CLUSTERS, spread=0.2)


@pytest.fixture(scope="module", params=["exact scores", "scores of codes"])
def index(
    rows: Rows, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> LayeredIndex:
    ids = np.arange(N)
    rows_of = Table(ids, rows) if request.param == "exact scores" else None
    factory = "IVF64,SQ8" if rows_of else "IVF64,SQfp16"
    return layered(factory, ids, rows, tmp_path_factory.mktemp("index"), rows_of=rows_of)


def recall(index: LayeredIndex, rows: Rows, queries: Rows, allowed: np.ndarray) -> float:  # type: ignore[type-arg]
    # One by one: a query that finds too little makes its whole batch look further.
    found = np.concatenate([index.search(q[None], K, allowed=allowed).ids for q in queries])
    wanted = plain_search(np.arange(N), rows, queries, K, allowed).ids
    assert np.isin(found, [*allowed, -1]).all()
    return float(np.mean([np.isin(b, a).mean() for a, b in zip(found, wanted, strict=True)]))


@pytest.mark.parametrize("share", [0.001, 0.01, 0.04, 0.1, 0.5])
def test_k_hits_are_found_at_any_selectivity(index: LayeredIndex, rows: Rows, share: float) -> None:
    rng = np.random.default_rng(1)
    allowed = np.sort(rng.choice(N, int(share * N), replace=False))
    queries = rows[rng.choice(N, 50, replace=False)]
    assert recall(index, rows, queries, allowed) >= 0.97


@pytest.mark.parametrize("clusters", [1, 10, 30])
def test_a_filter_whose_vectors_all_lie_far_away_still_finds_them(
    index: LayeredIndex, rows: Rows, clusters: int
) -> None:
    belongs = np.arange(N) % CLUSTERS
    query = rows[:1]
    nearness = [float((rows[belongs == c] @ query[0]).mean()) for c in range(CLUSTERS)]
    allowed = np.flatnonzero(np.isin(belongs, np.argsort(nearness)[:clusters]))
    assert recall(index, rows, query, allowed) >= 0.9


@pytest.mark.parametrize("also", [0, 300])
def test_a_filter_finds_what_was_added_since_the_base_was_made(
    rows: Rows, tmp_path: Path, also: int
) -> None:
    """A collection that was just indexed lies in no list of the base."""
    new = 2000
    ids = np.arange(N)
    index = layered("IVF256,SQfp16", ids[:-new], rows[:-new], tmp_path)
    index.add(ids[-new:], rows[-new:])
    rng = np.random.default_rng(3)
    allowed = np.sort(np.concatenate([ids[-new:], rng.choice(N - new, also, replace=False)]))
    queries = clustered_rows(60, D, clusters=CLUSTERS, spread=0.5, seed=8)
    assert recall(index, rows, queries, allowed) >= 0.97
    index.remove(ids[-new:-500])
    assert recall(index, rows, queries, np.setdiff1d(allowed, ids[-new:-500])) >= 0.97


def test_all_hits_can_be_asked_for(index: LayeredIndex, rows: Rows) -> None:
    found = index.search(rows[:1], N + 5)
    assert np.sort(found.ids[0, :N]).tolist() == list(range(N))
    assert (found.ids[0, N:] == -1).all()


def test_another_filter_of_the_same_size_is_another_filter(index: LayeredIndex, rows: Rows) -> None:
    for start in (0, 1, 0):
        allowed = np.arange(start, N, 2)
        assert (index.search(rows[:5], K, allowed=allowed).ids % 2 == start).all()
