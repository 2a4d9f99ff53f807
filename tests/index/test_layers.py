"""A base, what was added and what was removed answer as one."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.layers import Table, layered
from support.vectors import clustered_rows, plain_search, same

from likemark.db.errors import IndexFault, InvalidInput
from likemark.index import layers
from likemark.index.layers import LayeredIndex
from likemark.index.promise import Effort, Promise
from likemark.index.protocol import Ids, Rows, Stamp, VectorIndex

D, N, SPARE = 16, 400, 100
STAMP = Stamp("c", "m", 1, "t")


@pytest.fixture(scope="module")
def rows() -> Rows:
    """Rows of ids 0 to N + SPARE; float16 keeps them as they are."""
    made = clustered_rows(N + SPARE, D, clusters=20, spread=0.6)
    return made.astype(np.float16).astype(np.float32)


@pytest.fixture(scope="module", params=["IVF8,SQ8", "IVF8,SQfp16"])
def stored(
    rows: Rows, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Path:
    folder = tmp_path_factory.mktemp("stored")
    layered(request.param, np.arange(N), rows[:N], folder).save(folder, STAMP)
    return folder


def fresh(stored: Path, rows: Rows) -> LayeredIndex:
    """The stored index, which searches everything: hits are then those of comparing everything."""
    from likemark.index.local import open_local

    index, _ = open_local(stored, rows_of=Table(np.arange(len(rows)), rows))
    assert isinstance(index, LayeredIndex)
    index.promise = Promise(0.99, 1, (Effort(10**6, 8, 12.0),))
    return index


def test_it_is_what_the_protocol_asks_for(stored: Path, rows: Rows) -> None:
    assert isinstance(fresh(stored, rows), VectorIndex)


@pytest.mark.parametrize("again", [[3], [450, 100], [399, 450]])
def test_an_id_that_is_there_is_refused_and_nothing_is_added(
    stored: Path, rows: Rows, again: list[int]
) -> None:
    index = fresh(stored, rows)
    index.add(np.array([450]), rows[450:451])
    with pytest.raises(InvalidInput, match="an id is there already; remove it first"):
        index.add(np.array(again), rows[: len(again)])
    assert index.ids().tolist() == [*range(N), 450]


def test_unknown_ids_are_passed_over_when_removed(stored: Path, rows: Rows) -> None:
    index = fresh(stored, rows)
    index.add(np.array([450]), rows[450:451])
    assert index.remove(np.array([3, 3, 450, 2**62, 5, 499])) == 3
    assert index.remove(np.array([3, 5, 450])) == 0
    assert index.remove(np.empty(0, np.int64)) == 0
    assert index.ids().tolist() == [0, 1, 2, 4, *range(6, N)]


def test_an_id_that_was_removed_may_come_again_with_another_row(stored: Path, rows: Rows) -> None:
    index = fresh(stored, rows)
    table = index.rows_of
    assert isinstance(table, Table)
    index.remove(np.array([7]))
    index.add(np.array([7]), rows[460:461])
    table.put(np.array([7]), rows[460:461])
    assert index.search(rows[460:461], 1).ids.tolist() == [[7]]
    assert index.search(rows[460:461], 3, allowed=np.array([7])).ids.tolist() == [[7, -1, -1]]
    assert (index.count, len(index.ids())) == (N, N)


def test_everything_may_go(stored: Path, rows: Rows, tmp_path: Path) -> None:
    index = fresh(stored, rows)
    assert index.remove(np.arange(N)) == N
    assert (index.search(rows[:2], 3).ids == -1).all()
    index.compact(tmp_path)
    assert (index.search(rows[:2], 3).ids == -1).all()
    index.save(tmp_path, STAMP)
    index = fresh(tmp_path, rows)
    index.add(np.array([5]), rows[5:6])
    assert index.search(rows[5:6], 2).ids.tolist() == [[5, -1]]


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["add", "add", "remove", "save", "compact"]),
        st.sets(st.integers(0, N + SPARE - 1), max_size=30),
    ),
    max_size=8,
)


@settings(max_examples=12)
@given(steps=STEPS, seed=st.integers(0, 1000))
def test_any_history_leaves_what_a_plain_table_holds(
    stored: Path, rows: Rows, tmp_path_factory: pytest.TempPathFactory,
    steps: list[tuple[str, set[int]]], seed: int,
) -> None:  # fmt: skip
    index, folder = fresh(stored, rows), tmp_path_factory.mktemp("history")
    held = set(range(N))
    for kind, numbers in steps:
        if kind == "add":
            new = np.array(sorted(numbers - held), dtype=np.int64)
            index.add(new, rows[new])
            held |= numbers
        elif kind == "remove":
            assert index.remove(np.array(list(numbers), dtype=np.int64)) == len(held & numbers)
            held -= numbers
        elif kind == "compact":
            index.compact(folder)
        else:
            index.save(folder, STAMP)
            index = fresh(folder, rows)
    agrees(index, np.array(sorted(held), dtype=np.int64), rows, seed)


def agrees(index: LayeredIndex, ids: Ids, rows: Rows, seed: int) -> None:
    assert index.ids().tolist() == ids.tolist()
    assert index.stats().count == len(ids)
    rng = np.random.default_rng(seed)
    queries = clustered_rows(3, D, clusters=3, seed=seed)
    allowed = np.sort(rng.choice(N + SPARE, 60, replace=False))
    for only in (None, allowed):
        found = index.search(queries, 6, allowed=only)
        true = plain_search(ids, rows[ids], queries, 6, only)
        assert found.ids.tolist() == true.ids.tolist()
        np.testing.assert_allclose(found.scores, true.scores, atol=1e-6)


def test_hits_are_scored_with_the_rows_of_the_catalogue_not_with_codes(
    rows: Rows, tmp_path: Path
) -> None:
    ids = np.arange(N)
    index = layered("IVF8,SQ4", ids, rows[:N], tmp_path)
    coarse = index.search(rows[:20], 5)
    index.rows_of = Table(ids, rows[:N])
    fine = index.search(rows[:20], 5)
    true = (rows[:20, None] * rows[fine.ids]).sum(axis=2)
    np.testing.assert_allclose(fine.scores, true, atol=1e-6)
    assert np.abs(coarse.scores - fine.scores).max() > 1e-3


def test_a_candidate_that_the_catalogue_has_lost_is_no_hit(rows: Rows, tmp_path: Path) -> None:
    table = Table(np.arange(N), rows[:N])
    index = layered("IVF8,SQ8", np.arange(N), rows[:N], tmp_path, rows_of=table)
    del table.rows[9]
    assert 9 not in index.search(rows[9:10], 5).ids


def test_few_that_are_allowed_are_fetched_and_compared(stored: Path, rows: Rows) -> None:
    index = fresh(stored, rows)
    table = index.rows_of
    assert isinstance(table, Table)
    allowed = np.array([17])
    for _ in range(2):
        assert index.search(rows[:4], 2, allowed=allowed).ids.tolist() == [[17, -1]] * 4
    assert table.fetched == 1
    index.remove(np.array([17]))
    assert index.search(rows[:4], 2, allowed=allowed).ids.tolist() == [[-1, -1]] * 4


def test_shards_that_were_put_away_while_building_make_the_same_index(
    rows: Rows, tmp_path: Path
) -> None:
    ids = np.random.default_rng(0).permutation(3 * N)[:N].astype(np.int64)
    whole = layered("IVF8,SQ8", ids, rows[:N], tmp_path / "whole")
    parts = layered("IVF8,SQ8", ids, rows[:N], tmp_path / "parts", shard=64)
    assert whole.ids().tolist() == parts.ids().tolist() == np.sort(ids).tolist()
    assert same(whole.search(rows[:30], 9), parts.search(rows[:30], 9))
    parts.save(tmp_path / "parts", STAMP)
    assert not list((tmp_path / "parts").rglob("shard-*"))


def test_too_little_to_train_on_is_said(tmp_path: Path, rows: Rows) -> None:
    for count in (0, 10):
        with pytest.raises(IndexFault, match=rf"'IVF64,Flat': {count} vectors are too few .*auto"):
            layered("IVF64,Flat", np.arange(count), rows[:count], tmp_path)


def test_stats_tell_the_layers_and_the_promise(stored: Path, rows: Rows) -> None:
    index = fresh(stored, rows)
    index.add(np.arange(N, N + 3), rows[N : N + 3])
    index.remove(np.array([1, N]))
    stats = index.stats()
    assert (stats.count, stats.added, stats.removed) == (N + 1, 2, 1)
    assert index.changed == pytest.approx(3 / N)


def test_what_killed_builds_have_left_goes_when_the_next_begins(rows: Rows, tmp_path: Path) -> None:
    for name in ("draft-dead", "draft-begun"):
        (tmp_path / name).mkdir()
    (tmp_path / "draft-dead" / "making.lock").touch()
    index = layered("IVF8,SQ8", np.arange(N), rows[:N], tmp_path)
    left = {path.name for path in tmp_path.iterdir()}
    assert "draft-dead" not in left
    assert "draft-begun" in left  # its maker may be about to take its lock
    del index


def test_an_index_whose_base_another_writer_has_swept_away_goes_on(
    stored: Path, rows: Rows, tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    shutil.copytree(stored, folder)
    index = fresh(folder, rows)
    for base in folder.glob("base-*"):
        shutil.rmtree(base)
    index.add(np.arange(N, N + 3), rows[N : N + 3])
    agrees(index, np.arange(N + 3), rows, seed=1)
    with pytest.raises(IndexFault, match="cannot be stored") as caught:
        index.save(folder, STAMP)
    assert "\n" not in str(caught.value)
    index.compact(folder)
    index.save(folder, STAMP)
    agrees(fresh(folder, rows), np.arange(N + 3), rows, seed=2)


@pytest.mark.parametrize("code", ["SQfp16", "Flat"])
def test_codes_that_lose_nothing_are_not_scored_again(
    rows: Rows, tmp_path: Path, code: str
) -> None:
    table = Table(np.arange(N), rows[:N])
    index = layered(f"IVF8,{code}", np.arange(N), rows[:N], tmp_path, rows_of=table)
    table.fetched = 0
    found = index.search(rows[:40], 10)
    true = plain_search(np.arange(N), rows[:N], rows[:40], 10)
    assert table.fetched == 0
    assert np.mean([np.isin(a, b).mean() for a, b in zip(found.ids, true.ids, strict=True)]) > 0.95
    np.testing.assert_allclose(found.scores[:, 0], true.scores[:, 0], atol=1e-6)


def test_queries_are_shared_out_among_the_threads(stored: Path, rows: Rows) -> None:
    """FAISS does so in one of its modes alone where lists are chosen before they are visited."""
    index = fresh(stored, rows)
    assert (index._base.engine.parallel_mode, index._added.parallel_mode) == (3, 3)


def test_ids_are_known_in_whatever_parts_and_order_they_were_added(
    stored: Path, rows: Rows
) -> None:
    index = fresh(stored, rows)
    for part in ([410, 411], [430, 420], [425], [440, 441], [405]):
        index.add(np.array(part), rows[part])
        with pytest.raises(InvalidInput, match="there already"):
            index.add(np.array([*part[-1:], 490]), rows[:2])
    added = [405, 410, 411, 420, 425, 430, 440, 441]
    agrees(index, np.array([*range(N), *added]), rows, seed=3)
    assert index.remove(np.array([425, 441, 499])) == 2
    added = [405, 410, 411, 420, 430, 440]
    agrees(index, np.array([*range(N), *added]), rows, seed=4)


def test_it_is_crowded_by_a_share_that_changed_or_by_many_that_were_added(
    stored: Path, rows: Rows, monkeypatch: pytest.MonkeyPatch
) -> None:
    index = fresh(stored, rows)
    index.add(np.arange(N, N + 20), rows[N : N + 20])
    index.remove(np.arange(80))
    assert index.crowding <= 1  # a quarter
    index.remove(np.array([80]))
    assert index.crowding > 1
    index = fresh(stored, rows)
    index.add(np.arange(N, N + 20), rows[N : N + 20])
    monkeypatch.setattr(layers, "MOST_ADDED", 20)
    assert index.crowding <= 1
    index.add(np.array([N + 20]), rows[N + 20 : N + 21])
    assert index.crowding > 1
