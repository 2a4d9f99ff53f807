"""A copy on a GPU answers as the processor does, or leaves the search to it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest

from likemark.index import gpu
from likemark.index.building import Plan, build
from likemark.index.faiss_index import FaissIndex
from likemark.index.gpu import GpuCopy
from likemark.index.layers import LayeredIndex
from likemark.index.protocol import Ids, Rows

GPUS = int(faiss.get_num_gpus())
COUNT, WIDTH = 6_000, 32
needs_gpu = pytest.mark.skipif(not GPUS, reason="needs a GPU")


def unit(rows: Any) -> Rows:
    found: Rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return found


@pytest.fixture
def rows() -> Rows:
    rng = np.random.default_rng(0)
    near = rng.normal(size=(300, WIDTH))[rng.integers(300, size=COUNT)]
    return unit(near + 0.5 * rng.normal(size=(COUNT, WIDTH))).astype(np.float16).astype(np.float32)


@pytest.fixture
def flat(rows: Rows) -> FaissIndex:
    index = FaissIndex.create("Flat", dimension=WIDTH)
    index.add(np.arange(COUNT) * 3, rows)
    return index


@pytest.fixture
def layered(rows: Rows, tmp_path: Path) -> LayeredIndex:
    every = np.vstack([rows, rows[:5]])

    def rows_of(ids: Ids) -> tuple[Ids, Rows]:
        there = ids[(ids >= 0) & (ids < len(every))]
        return there, every[there]

    plan = Plan("IVF32,SQ8", "auto", WIDTH, COUNT)
    return build(plan, lambda: iter([(np.arange(COUNT), rows)]), tmp_path, rows_of=rows_of)


@pytest.fixture(params=["processor", pytest.param("gpu", marks=needs_gpu)])
def copies(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """What is copied: to a GPU where there is one; and to the processor, in float16 all the same,
    so that what is made of a copy's answers is held everywhere."""
    monkeypatch.setattr(gpu, "COPY_COST", 0)
    if request.param == "processor":
        monkeypatch.setattr(faiss, "get_num_gpus", lambda: 1)
        monkeypatch.setattr(
            faiss, "index_cpu_to_all_gpus", lambda engine, co, ngpu: rounded(engine)
        )
        monkeypatch.setattr(
            faiss.GpuParameterSpace, "set_index_parameter",
            lambda self, engine, name, value: setattr(engine, name, value),
        )  # fmt: skip
    return str(request.param)


def rounded(engine: Any) -> Any:
    if isinstance(engine, faiss.IndexIVF):
        return engine
    copy = faiss.IndexScalarQuantizer(
        engine.d, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    copy.add(engine.reconstruct_n(0, engine.ntotal))
    return copy


def same(found: Any, wanted: Any) -> bool:
    return np.array_equal(found.ids, wanted.ids) and bool(
        np.allclose(found.scores, wanted.scores, atol=1e-6)
    )


def test_a_flat_index_answers_as_before(copies: str, flat: FaissIndex, rows: Rows) -> None:
    queries = unit(rows[:50] + 0.1 * np.random.default_rng(1).normal(size=(50, WIDTH)))
    before = flat.search(queries, 10)
    assert flat.to_gpu(len(queries))
    assert flat.stats().device == "cuda:0"
    assert same(flat.search(queries, 10), before)
    few = np.arange(0, 3 * COUNT, 300)
    assert np.isin(flat.search(queries, 10, allowed=few).ids, few).all()


def test_ties_that_a_copy_cannot_tell_apart_go_back_to_the_processor(
    copies: str, flat: FaissIndex, rows: Rows
) -> None:
    flat.add(np.arange(500) * 3 + 1, np.repeat(rows[:1], 500, axis=0))
    before = flat.search(rows[:1], 10)
    assert flat.to_gpu(1)
    assert same(flat.search(rows[:1], 10), before)
    assert before.ids[0, :2].tolist() == [0, 1]


def test_a_changed_flat_index_is_searched_as_it_is_now(
    copies: str, flat: FaissIndex, rows: Rows
) -> None:
    assert flat.to_gpu(1)
    flat.remove(np.array([0]))
    flat.add(np.array([1]), rows[:1])
    assert flat.search(rows[:1], 1).ids.tolist() == [[1]]
    assert flat.stats().device == "cpu"


def test_lists_answer_as_before_whatever_was_added_and_removed(
    copies: str, layered: LayeredIndex, rows: Rows
) -> None:
    queries = unit(rows[:40] + 0.1 * np.random.default_rng(1).normal(size=(40, WIDTH)))
    layered.remove(np.arange(0, 200, 2))
    layered.add(np.arange(COUNT, COUNT + 5), rows[:5])
    before = layered.search(queries, 10)
    assert layered.to_gpu(len(queries))
    assert layered.stats().device == "cuda:0"
    after = layered.search(queries, 10)
    shared = [len(set(a) & set(b)) for a, b in zip(before.ids, after.ids, strict=True)]
    assert np.mean(shared) >= 9.8
    assert not np.isin(after.ids, np.arange(0, 200, 2)).any()
    assert np.isin(after.ids, np.arange(COUNT, COUNT + 5)).sum() >= 5


def test_without_a_gpu_or_too_few_queries_the_processor_searches(
    flat: FaissIndex, layered: LayeredIndex
) -> None:
    assert not flat.to_gpu(1)
    assert not layered.to_gpu(1)
    assert (flat.stats().device, layered.stats().device) == ("cpu", "cpu")


def test_more_hits_or_lists_than_a_gpu_can_are_left_to_the_processor(
    copies: str, flat: FaissIndex, rows: Rows
) -> None:
    copy = GpuCopy.of(faiss.IndexFlatIP(WIDTH), comparisons=1)
    assert copy is not None
    assert copy.nearest(rows[:1], 2049) is None
    assert copy.nearest(rows[:1], 10, probes=2049) is None
    before = flat.search(rows[:1], 1500)
    assert flat.to_gpu(1)
    assert same(flat.search(rows[:1], 1500), before)
