"""Inverted lists lose no hits behind a filter, however narrow, and wherever its vectors lie."""

from __future__ import annotations

import numpy as np
import pytest
from support.vectors import clustered_rows, plain_search

from likemark.index.faiss_index import FaissIndex
from likemark.index.protocol import Rows

N, D, K, CLUSTERS = 20_000, 16, 10, 100


@pytest.fixture(scope="module")
def rows() -> Rows:
    return clustered_rows(N, D, clusters=CLUSTERS, spread=0.2)


@pytest.fixture(scope="module")
def index(rows: Rows) -> FaissIndex:
    made = FaissIndex.create("IVF256,Flat", dimension=D)
    made.train(rows)
    made.add(np.arange(N), rows)
    return made


@pytest.mark.parametrize("share", [0.001, 0.01, 0.04, 0.1, 0.5])
def test_k_hits_are_found_at_any_selectivity(index: FaissIndex, rows: Rows, share: float) -> None:
    rng = np.random.default_rng(1)
    allowed = np.sort(rng.choice(N, int(share * N), replace=False))
    queries = rows[rng.choice(N, 50, replace=False)]
    # One by one: a query that finds too little makes its whole batch look further.
    found = np.concatenate([index.search(q[None], K, allowed=allowed).ids for q in queries])
    wanted = plain_search(np.arange(N), rows, queries, K, allowed).ids
    assert np.isin(found, allowed).all()
    recall = np.mean([np.isin(a, b).mean() for a, b in zip(found, wanted, strict=True)])
    assert recall >= (1.0 if share < 0.05 else 0.9)


@pytest.mark.parametrize("clusters", [1, 10, 30])
def test_a_filter_whose_vectors_all_lie_far_away_still_finds_them(
    index: FaissIndex, rows: Rows, clusters: int
) -> None:
    belongs = np.arange(N) % CLUSTERS
    query = rows[:1]
    nearness = [float((rows[belongs == c] @ query[0]).mean()) for c in range(CLUSTERS)]
    allowed = np.flatnonzero(np.isin(belongs, np.argsort(nearness)[:clusters]))
    found = index.search(query, K, allowed=allowed)
    assert found.ids.tolist() == (
        plain_search(np.arange(N), rows, query, K, allowed).ids.tolist()
    )  # fmt: skip


def test_all_hits_can_be_asked_for(index: FaissIndex, rows: Rows) -> None:
    found = index.search(rows[:1], N + 5)
    assert np.sort(found.ids[0, :N]).tolist() == list(range(N))
    assert (found.ids[0, N:] == -1).all()


def test_without_a_filter_the_nearest_is_found_in_few_lists(index: FaissIndex, rows: Rows) -> None:
    queries = rows[::100]
    found = index.search(queries, K)
    assert (found.ids[:, 0] == np.arange(0, N, 100)).mean() >= 0.95
    assert (found.ids >= 0).all()
