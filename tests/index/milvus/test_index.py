"""A collection gives what was put into it, to the same hits as any other index."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from support.milvus import MilvusServer, names_on
from support.vectors import clustered_rows, exact_rows, plain_search, same

from likemark.db.errors import IndexLost, IndexStale, IndexUnreachable, InvalidInput
from likemark.index.milvus.client import Client
from likemark.index.milvus.collections import Collections
from likemark.index.milvus.filters import Register, RegisterFilter
from likemark.index.milvus.index import MilvusIndex
from likemark.index.milvus.schema import ClusterStamp, Entries
from likemark.index.milvus.url import ClusterUrl
from likemark.index.protocol import Stamp

MODEL = "ab" * 32


def made(milvus: MilvusServer, identity: str, options: str = "index=FLAT") -> MilvusIndex:
    """An empty one of 16 numbers a row."""
    collections = Collections(milvus.client(f"timeout=20&{options}"), identity)
    return MilvusIndex(collections, collections.create(MODEL, 16))


def stamp(identity: str, generation: int = 1, model: str = MODEL) -> ClusterStamp:
    return ClusterStamp(Stamp(identity, model, generation, "token"), 0, "history")


def found(milvus: MilvusServer, identity: str, model: str = MODEL) -> MilvusIndex:
    collections = Collections(milvus.client("timeout=20"), identity)
    return MilvusIndex(collections, collections.find(model))


@pytest.mark.parametrize("engine", ["FLAT", "HNSW", "AUTOINDEX"])
def test_it_finds_what_a_plain_search_finds(
    milvus: MilvusServer, identity: str, engine: str
) -> None:
    index = made(milvus, identity, f"index={engine}")
    ids, rows = np.arange(7, 1207, 3), exact_rows(400, 16)
    queries = exact_rows(4, 16, seed=1)
    assert (index.search(queries, 3).ids == -1).all()
    index.add(ids, rows)
    for k in (1, 10, 390, 450):  # many tie, and there are fewer than 450
        assert same(index.search(queries, k), plain_search(ids, rows, queries, k))
    few = ids[::9]
    assert same(
        index.search(queries, 9, allowed=few), plain_search(ids, rows, queries, 9, allowed=few)
    )
    assert (index.search(queries, 2, allowed=few[:0]).ids == -1).all()
    assert (index.stats().count, index.stats().exact) == (400, engine == "FLAT")


def test_what_is_removed_is_not_found_and_can_come_again(
    milvus: MilvusServer, identity: str
) -> None:
    index = made(milvus, identity)
    ids, rows = np.arange(20), exact_rows(20, 16)
    index.add(ids, rows)
    assert index.remove(np.array([3, 4, 99])) == 2
    assert index.remove(np.array([3])) == 0
    assert index.ids().tolist() == [n for n in range(20) if n not in (3, 4)]
    with pytest.raises(InvalidInput, match="is there already"):
        index.add(ids[5:6], rows[5:6])
    index.add(ids[3:4], rows[3:4])
    assert index.search(rows[3:4], 1).scores[0, 0] == 1


def test_what_does_not_fit_is_refused(milvus: MilvusServer, identity: str) -> None:
    index = made(milvus, identity)
    with pytest.raises(InvalidInput, match=r"rows of shape \(1, 8\)"):
        index.search(np.zeros((1, 8), np.float32), 1)
    with pytest.raises(InvalidInput, match=r"rows of shape \(1, 8\)"):
        index.add(np.array([1]), np.zeros((1, 8), np.float32))
    with pytest.raises(InvalidInput, match="k = 0"):
        index.search(np.zeros((1, 16), np.float32), 0)
    with pytest.raises(InvalidInput, match="twice"):
        index.add(np.array([1, 1]), exact_rows(2, 16))


def test_a_picture_of_many_marks_takes_one_place_only(milvus: MilvusServer, identity: str) -> None:
    index = made(milvus, identity)
    rows = clustered_rows(10, 16, clusters=10)
    images = [0] * 200 + list(range(1, 10))
    registers = [Register(1 + number % 2) for number in range(209)]
    index.put(Entries(range(1, 210), images, registers, rows[images]))
    hits = index.search(rows[:1], 10)
    assert hits.ids[0, 0] == 0
    assert sorted(hits.ids[0].tolist()) == list(range(10))
    within = index.within(RegisterFilter(collections=(2,)))
    assert set(within.ids().tolist()) <= set(range(10))
    assert within.stats().count == 104
    index.put(Entries([209], [9], [Register(7)], rows[9:]))  # in place of what stood there
    assert index.within(RegisterFilter(collections=(7,))).ids().tolist() == [9]
    assert index.stats().count == 209


def test_searches_go_on_while_the_alias_moves_to_a_new_collection(
    milvus: MilvusServer, identity: str
) -> None:
    rows = exact_rows(50, 16)
    first = made(milvus, identity)
    first.add(np.arange(50), rows)
    first.store(stamp(identity))
    first.publish()
    searcher = found(milvus, identity)
    wanted = plain_search(np.arange(50), rows, rows[:3], 5)
    rounds, stop = [], threading.Event()

    def search() -> None:
        while not stop.is_set():
            rounds.append(same(searcher.search(rows[:3], 5), wanted))

    thread = threading.Thread(target=search)
    thread.start()
    newer = first
    for _ in range(3):
        newer = made(milvus, identity)
        newer.add(np.arange(50), rows)
        newer.store(stamp(identity))
        newer.publish()
        before = len(rounds)
        while thread.is_alive() and len(rounds) < before + 2:
            time.sleep(0.01)
    stop.set()
    thread.join()
    assert rounds
    assert all(rounds)
    assert searcher.name == newer.name
    left = [name for name in names_on(milvus.client()) if identity[:8] in name]
    assert left == [newer.name]


def test_a_search_does_not_go_on_in_vectors_of_another_model(
    milvus: MilvusServer, identity: str
) -> None:
    first = made(milvus, identity)
    first.store(stamp(identity))
    first.publish()
    searcher = found(milvus, identity)
    collections = Collections(milvus.client("timeout=20"), identity)
    other = MilvusIndex(collections, collections.create("cd" * 32, 16))
    other.store(stamp(identity, model="cd" * 32))
    assert found(milvus, identity).name == first.name  # it answers until the other is published
    assert found(milvus, identity, "cd" * 32).name == other.name
    other.publish()
    with pytest.raises(IndexLost, match="another model's vectors"):
        searcher.search(exact_rows(1, 16), 1)


def test_an_unfinished_collection_is_never_believed(milvus: MilvusServer, identity: str) -> None:
    index = made(milvus, identity)
    index.add(np.arange(5), exact_rows(5, 16))
    with pytest.raises(IndexLost, match="dropped, expired or never filled"):
        found(milvus, identity)


def test_another_version_of_the_schema_is_told_with_what_to_run(
    milvus: MilvusServer, identity: str
) -> None:
    index = made(milvus, identity)
    index.store(stamp(identity))
    changed = {"likemark.schema": "99"}
    milvus.client().call(lambda m, s: m.alter_collection_properties(index.name, changed, timeout=s))
    with pytest.raises(
        IndexStale, match="schema 99, this likemark writes 1; run: likemark reindex"
    ):
        found(milvus, identity)


def test_a_collection_that_forgets_its_vectors_is_told(milvus: MilvusServer, identity: str) -> None:
    index = made(milvus, identity)
    index.store(stamp(identity))
    expiry = {"collection.ttl.seconds": "3600"}
    milvus.client().call(lambda m, s: m.alter_collection_properties(index.name, expiry, timeout=s))
    with pytest.raises(
        IndexStale, match=r"forgets its vectors after 3600 s .*; run: likemark reindex"
    ):
        found(milvus, identity)


def test_another_catalogue_of_the_same_digits_is_left_alone(
    milvus: MilvusServer, identity: str
) -> None:
    other = identity[:8] + "f" * 24
    theirs = made(milvus, other)
    theirs.store(stamp(other))
    ours = made(milvus, identity)
    ours.store(stamp(identity))
    ours.publish()
    assert found(milvus, identity).name == ours.name
    assert found(milvus, other).name == theirs.name


def test_a_server_that_is_killed_while_it_is_written_to_loses_and_doubles_nothing(
    milvus: MilvusServer, identity: str
) -> None:
    index = made(milvus, identity, "index=FLAT&retries=12&connect=20")
    rows = np.repeat(exact_rows(500, 16), 8, axis=0)
    done: list[int] = []

    def write() -> None:
        for start in range(0, len(rows), 200):
            part = range(start, start + 200)
            index.put(Entries(part, part, [None] * 200, rows[start : start + 200]))
            done.append(start)

    writer = threading.Thread(target=write)
    writer.start()
    while len(done) < 5:
        time.sleep(0.01)
    milvus.kill()
    milvus.start()
    writer.join()
    index.store(stamp(identity))
    assert index.links().tolist() == list(range(len(rows)))
    assert index.stats().count == len(rows)


def test_a_server_that_hangs_is_given_up_and_named(milvus: MilvusServer, identity: str) -> None:
    made(milvus, identity).store(stamp(identity))
    url = ClusterUrl.parse(milvus.url("timeout=0.4&retries=1"))
    collections = Collections(Client(url, pause=lambda seconds: None), identity)
    index = MilvusIndex(collections, collections.find(MODEL))
    with milvus.stopped():
        told = rf"milvus://127.0.0.1:{milvus.port}: no answer within 0.4 s"
        with pytest.raises(IndexUnreachable, match=told):
            index.search(exact_rows(1, 16), 1)
    assert index.search(exact_rows(1, 16), 1).ids.tolist() == [[-1]]
