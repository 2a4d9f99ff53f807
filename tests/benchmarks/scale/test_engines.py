from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.scale.engines.engine import Engine, Job, NotOffered
from likemark.benchmarks.scale.engines.milvus_lite import program
from likemark.benchmarks.scale.engines.own import OwnIndex
from likemark.benchmarks.scale.engines.plain_faiss import factory
from likemark.benchmarks.scale.engines.registry import Contender, contenders
from likemark.benchmarks.scale.kept import fill_catalogue
from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.truth import exact
from likemark.benchmarks.scale.vectors import FILTERS, KINDS, Vectors

COUNT = 600
EMBEDDED = [
    *(each for each in contenders() if each.name not in ("hnswlib", "Milvus Lite")),
    Contender("likemark's lists", lambda: OwnIndex(0.99, setting="IVF8,SQ8")),
]


@pytest.fixture
def job(vectors: Vectors, index_folder: Path) -> Job:
    fill_catalogue(vectors, COUNT + 100)
    return Job(vectors, COUNT, index_folder, 1)


def served(contender: Contender, job: Job) -> Engine:
    contender.make().build(job)
    engine = contender.make()
    engine.open(job)
    return engine


def check_search(engine: Engine, job: Job, material: Material) -> None:
    queries = material.queries(40)
    truth = exact(job.vectors, queries, [COUNT], filtered=40, key="engines")[COUNT]
    effort = engine.efforts[-1] if engine.efforts else None
    found = engine.search(queries, 10, effort)
    assert found.shape == (40, 10)
    assert truth.whole.recall(found, 10).mean() > 0.95
    for wanted in FILTERS:
        allowed = job.vectors.allowed(COUNT, wanted)
        try:
            within = engine.search_within(queries, 10, effort, allowed=allowed, wanted=wanted)
        except NotOffered:
            break
        assert set(within[within >= 0].tolist()) <= set(allowed.tolist())
        assert truth.filtered[wanted].recall(within, 10).mean() > 0.95


def check_changes(engine: Engine, job: Job) -> None:
    effort = engine.efforts[-1] if engine.efforts else None
    new = np.arange(COUNT, COUNT + 20)
    (_, every) = next(job.vectors.stream(COUNT + 20))
    rows = every[new]
    engine.add(new, rows)
    assert (engine.search(rows, 1, effort)[:, 0] == new).mean() > 0.9
    gone = np.arange(0, 300, 3)
    try:
        engine.remove(gone)
    except NotOffered:
        return
    left = engine.search(every[gone], 5, effort)
    if engine.setting != "Flat" and not engine.setting.startswith("IVF"):  # FAISS counts anew
        assert not set(left.ravel().tolist()) & set(gone.tolist())


@pytest.mark.parametrize("contender", EMBEDDED, ids=lambda each: each.name)
def test_what_was_stored_is_searched_filtered_and_changed(
    contender: Contender, job: Job, material: Material
):
    if contender.missing():
        pytest.skip(contender.missing())
    engine = served(contender, job)
    check_search(engine, job, material)
    check_changes(engine, job)
    engine.close()


@pytest.fixture
def milvus() -> Iterator[Engine]:
    (contender,) = (each for each in contenders() if each.name == "Milvus Lite")
    if contender.missing():
        pytest.skip(contender.missing())
    engine = contender.make()
    yield engine
    engine.close()


def test_milvus_is_asked_by_what_is_stored_with_each_vector(
    milvus: Engine, job: Job, material: Material
):
    milvus.build(job)
    assert milvus.server is not None
    check_search(milvus, job, material)
    check_changes(milvus, job)


def test_a_program_that_is_not_there_is_no_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LIKEMARK_MILVUS_LITE", str(tmp_path / "none"))
    assert program() is None
    (contender,) = (each for each in contenders() if each.name == "Milvus Lite")
    assert "not there" in contender.missing()


def test_lists_grow_with_the_root_of_the_vectors():
    assert factory("IVF,SQ8", 1_000_000) == "IVF8192,SQ8"
    assert factory("IVF,Flat", 500) == "IVF12,Flat"
    assert factory("HNSW32", 500) == "HNSW32"


def test_columns_are_named_as_the_kinds_of_filters():
    assert {each.kind for each in FILTERS} == set(KINDS)
