"""Indexing by the workers of a real Ray cluster: nodes, workers and drivers that die on the way."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import pytest
from support.corpus import write_corpus
from support.places import run as indexed
from support.processes import python
from support.ray import Nodes, ends_its_worker, nodes, slow
from support.shards import write_shard
from support.state import catalogue_state, index_state

from likemark.db.browse import rejects
from likemark.retrieval.distributed.options import WorkerOptions
from likemark.retrieval.indexing import IndexingReport
from likemark.retrieval.models import FoundModel
from likemark.retrieval.workspace import Workspace

pytest.importorskip("ray")
# Ray leaves files and sockets open in the process that has joined it.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

DRIVER = """
import sys
from pathlib import Path
from support.ray import slow
from likemark.retrieval.distributed.options import WorkerOptions
from likemark.retrieval.indexing import IndexingOptions, Listeners, index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.workspace import Workspace

root, card, folder, address = sys.argv[1:]
workers = WorkerOptions(address, chunk=4, inspect=slow(0.05))
with Workspace.open(Path(root)) as space:
    index_paths(
        space, [folder], find_model(card),
        options=IndexingOptions(batch_rows=4, workers=workers),
        listeners=Listeners(progress=lambda report: print(report.embedded, flush=True)),
    )
"""


ALONE = """
import sys
from pathlib import Path
from support.ray import ends_its_worker
from likemark.retrieval.distributed.options import WorkerOptions
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.workspace import Workspace

root, card, folder = sys.argv[1:]
workers = WorkerOptions("1", chunk=4, inspect=ends_its_worker("mark-0002"))
with Workspace.open(Path(root)) as space:
    report, _ = index_paths(
        space, [folder], find_model(card), options=IndexingOptions(workers=workers)
    )
print(report.added, dict(report.rejected))
"""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Nodes]:
    """Two nodes of one processor each, and a head that has none."""
    with nodes() as running:
        running.add()
        running.add()
        yield running


@pytest.fixture
def joined(cluster: Nodes) -> Iterator[Nodes]:
    """This process as a driver: the runs of a test use its connection."""
    import ray

    ray.init(cluster.address, log_to_driver=False, logging_level=50)
    try:
        yield cluster
    finally:
        ray.shutdown()


@pytest.fixture
def logos(tmp_path: Path) -> Path:
    folder = tmp_path / "logos"
    write_corpus(folder, range(36))
    shutil.copy(folder / "mark-0003.png", folder / "mark-0003-again.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    return folder


# Small batches: much can go wrong between them.
run = partial(indexed, batch_rows=4)


def state(root: Path) -> Any:
    with Workspace.open(root) as space:
        return catalogue_state(space), index_state(space)


def test_a_node_that_dies_half_way_costs_no_picture_and_doubles_none(
    joined: Nodes, tmp_path: Path, tiny: FoundModel, logos: Path
) -> None:
    killed: list[int] = []

    def kill_once(report: IndexingReport) -> None:
        if not killed:
            killed.append(report.written)
            joined.kill()

    workers = WorkerOptions(joined.address, chunk=4, inspect=slow(0.1))
    expected = run(tmp_path / "plain", tiny, logos)
    try:
        found = run(tmp_path / "a", tiny, logos, workers=workers, progress=kill_once)
    finally:
        joined.add()
    assert killed == [4]
    assert found == expected
    assert state(tmp_path / "a") == state(tmp_path / "plain")


def test_a_picture_that_ends_its_worker_is_set_aside_with_its_reason(
    joined: Nodes, tmp_path: Path, tiny: FoundModel
) -> None:
    """The workers cannot see the store of this process: it reads for them."""
    write_corpus(tmp_path / "logos", range(12))
    store = fsspec.filesystem("memory")
    store.put(str(tmp_path / "logos"), "/poisoned", recursive=True)
    workers = WorkerOptions(
        joined.address, retries=0, chunk=6, inspect=ends_its_worker("mark-0007")
    )
    try:
        report, problems = run(tmp_path / "a", tiny, "memory://poisoned", workers=workers)
    finally:
        store.rm("/poisoned", recursive=True)
    assert (report.rows, report.added, report.embedded) == (12, 11, 11)
    assert report.rejected == {"crash": 1}
    with Workspace.open(tmp_path / "a") as space, space.catalogue.read() as session:
        [reject] = rejects(session)
    assert (reject.path, reject.reason) == ("memory:///poisoned/mark-0007.png", "crash")
    assert problems == [f"{reject.path}: crash: {reject.detail}"]
    assert "nothing else to do" in reject.detail


def test_a_driver_that_is_killed_is_finished_by_the_next(
    cluster: Nodes, tmp_path: Path, tiny: FoundModel
) -> None:
    write_corpus(tmp_path / "logos", range(30))
    shard = write_shard(tmp_path / "logos.tar.gz", tmp_path / "logos")
    card = tiny.folder / f"{tiny.card.name}.json"
    arguments = tmp_path / "a", card, shard, cluster.address
    with python(DRIVER, *arguments) as driver:
        assert driver.line() == "4"
        driver.kill()
    with python(DRIVER, *arguments) as driver:
        embedded = [int(line) for line in iter(driver.line, "")]
        driver.end()
    assert 0 < embedded[-1] <= 26
    run(tmp_path / "plain", tiny, shard)
    assert state(tmp_path / "a") == state(tmp_path / "plain")


def test_a_client_of_a_cluster_gets_the_same_catalogue_and_embeds_nothing_twice(
    cluster: Nodes, tmp_path: Path, tiny: FoundModel, logos: Path
) -> None:
    workers = WorkerOptions(f"ray://127.0.0.1:{cluster.client_port}", chunk=8)
    expected = run(tmp_path / "plain", tiny, logos)
    assert run(tmp_path / "a", tiny, logos, workers=workers) == expected
    assert state(tmp_path / "a") == state(tmp_path / "plain")
    write_corpus(logos, [40])
    again, _ = run(tmp_path / "a", tiny, logos, workers=workers)
    assert (again.added, again.embedded) == (1, 1)


def test_ray_prints_nothing_among_our_results_when_it_is_left(
    tmp_path: Path, tiny: FoundModel
) -> None:
    """Of a worker that ends it tells at length, some of it when it is shut down."""
    write_corpus(tmp_path / "logos", range(6))
    card = tiny.folder / f"{tiny.card.name}.json"
    with python(ALONE, tmp_path / "a", card, tmp_path / "logos") as driver:
        assert driver.end() == "5 {'crash': 1}\n"
