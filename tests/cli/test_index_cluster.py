"""`likemark index` and `remove` with a Milvus server: what is said of the index."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.command import Run
from support.corpus import write_corpus
from support.milvus import MilvusServer, running_milvus

from likemark.retrieval import cluster
from likemark.retrieval.cluster_turn import cluster_turn
from likemark.retrieval.workspace import Workspace


@pytest.fixture(scope="module")
def milvus() -> Iterator[MilvusServer]:
    with running_milvus() as server:
        yield server


def test_a_run_that_ends_behind_says_so(
    likemark: Run, home: Path, tmp_path: Path, milvus: MilvusServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    monkeypatch.setattr(cluster, "PATIENCE", 0.2)
    write_corpus(tmp_path / "logos", range(3))
    told = likemark("index", tmp_path / "logos", "--index", milvus.url(), "--json").json
    assert told["index"] == {"vectors": 3, "factory": "Milvus,AUTOINDEX", "action": "rebuilt"}
    write_corpus(tmp_path / "logos", range(3, 5))
    with Workspace.open(home) as space, cluster_turn(space.catalogue, wait=0) as turn:
        assert turn
        told = likemark("index", tmp_path / "logos", "--json").json
        assert (told["added"], told["index"]["vectors"], told["index"]["action"]) == (
            2,
            3,
            "behind",
        )
        said = likemark("index", tmp_path / "logos").out
    assert "3 vectors in the index (behind: another process is bringing it up to date)\n" in said
    assert "5 vectors in the index\n" in likemark("index", tmp_path / "logos").out


def test_a_mark_is_removed_with_a_note_while_the_cluster_is_down(
    likemark: Run, tmp_path: Path, milvus: MilvusServer
) -> None:
    write_corpus(tmp_path / "logos", range(3))
    likemark("index", tmp_path / "logos", "--index", milvus.url("connect=0.5&retries=0"))
    milvus.kill()
    try:
        done = likemark("remove", "1")
    finally:
        milvus.start()
    assert (done.code, done.out) == (0, "1 mark removed\n")
    assert done.err.startswith("removed from the catalogue, and not yet from the index: index mil")
