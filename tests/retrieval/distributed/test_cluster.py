"""Indexing by the workers of a real Ray cluster: nodes, workers and drivers that die on the way."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
import pytest
from support.corpus import write_corpus
from support.places import run as indexed
from support.processes import python
from support.ray import Nodes, ends_its_worker, nodes, require_ray, slow
from support.shards import write_shard
from support.state import catalogue_state, index_state

from likemark.db.browse import rejects
from likemark.db.errors import LikemarkError
from likemark.retrieval.distributed.cluster import Cluster
from likemark.retrieval.distributed.cluster import joined as connected
from likemark.retrieval.distributed.options import Terms, WorkerOptions
from likemark.retrieval.distributed.team import Team, embedding, sound_picture
from likemark.retrieval.distributed.worker import Assignment, Given, Worker
from likemark.retrieval.indexing import IndexingReport
from likemark.retrieval.models import FoundModel
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.workspace import Workspace

require_ray()
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


def assignment(model: FoundModel, **more: Any) -> Assignment:
    """For Ray that this process has joined."""
    import ray

    files = [np.fromfile(model.folder / name, np.uint8) for name, _ in model.card.files]
    return Assignment(
        card=asdict(model.card),
        fingerprint=model.card.fingerprint,
        weights=tuple(ray.put(file) for file in files),
        limits=PictureLimits(),
        device="cpu",
        decoders=1,
        **more,
    )


def test_a_worker_makes_no_file_of_its_model(
    joined: Nodes, tiny: FoundModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would be left behind by one that is killed."""
    monkeypatch.setattr(tempfile, "tempdir", "/dev/null")  # nothing can be made below it
    with closing(Worker(assignment(tiny))) as worker:
        [answer] = worker.embedded([sound_picture()])
    assert answer.vector is not None


def test_suspect_pictures_are_tried_on_a_gpu_where_the_others_have_one(
    cluster: Nodes, tmp_path: Path, tiny: FoundModel
) -> None:
    """Elsewhere their vectors would be others, or cuda would not be there at all."""
    good, bad = write_corpus(tmp_path / "logos", range(2))
    told = tmp_path / "told"
    inspect = ends_its_worker(bad.name, told)
    cluster.add(gpus=1)
    try:
        with connected(WorkerOptions(cluster.address), 0) as found:
            assert found == Cluster(1, 1.0, 0.99, "cuda")
            terms = Terms(1, found.cpus, found.gpus, retries=0, patience=60, seconds=30)
            with closing(Team(assignment(tiny, inspect=inspect), terms)) as team:
                team.start()
                answers = team.ask(embedding, [Given(str(bad)), Given(str(good))])
    finally:
        cluster.kill()
    assert answers[0].refusal is not None
    assert answers[1].vector is not None
    assert set(told.read_text().split()) == {"0"}


def test_a_lone_worker_that_finds_no_place_is_given_up(joined: Nodes, tiny: FoundModel) -> None:
    """No node has a GPU."""
    terms = Terms(count=1, cpus=1, gpus=0.99, retries=0, patience=1, seconds=30)
    with closing(Team(assignment(tiny), terms)) as team:
        with pytest.raises(LikemarkError, match="no worker starts: GetTimeoutError"):
            team._started(lone=True)
