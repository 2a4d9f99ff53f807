from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.slice import write_slice

from likemark.benchmarks.corpus.dataset import OpenBenchmark
from likemark.benchmarks.protocol.retrieval import FOUND, failures, judged, rank_rows, standing


@pytest.fixture(scope="module")
def benchmark(tmp_path_factory: pytest.TempPathFactory) -> OpenBenchmark:
    return OpenBenchmark.read(
        write_slice(tmp_path_factory.mktemp("open"), groups=12, distractors=9)
    )


@pytest.fixture(scope="module")
def rows(benchmark: OpenBenchmark) -> np.ndarray:
    drawn = np.random.default_rng(5).standard_normal((len(benchmark.pictures), 16))
    return (drawn / np.linalg.norm(drawn, axis=1, keepdims=True)).astype(np.float32)


def perfect(benchmark: OpenBenchmark) -> np.ndarray:
    groups = int(benchmark.groups.max()) + 1
    rows = np.zeros((len(benchmark.pictures), groups + benchmark.distractors), np.float32)
    marks = len(benchmark.groups)
    rows[np.arange(marks), benchmark.groups] = 1
    rows[np.arange(marks, len(rows)), groups + np.arange(benchmark.distractors)] = 1
    return rows


def test_rows_that_agree_with_the_groups_are_perfect(benchmark: OpenBenchmark) -> None:
    figures = standing(benchmark, rank_rows(benchmark, perfect(benchmark)))
    assert figures.all_groups.map == 1
    assert figures.all_groups.nar == 0
    assert figures.all_groups.median_rank == 1
    assert (figures.intervals.map.low, figures.intervals.map.high) == (1, 1)


def test_a_query_does_not_find_itself(benchmark: OpenBenchmark, rows: np.ndarray) -> None:
    relevant, own = judged(benchmark)
    for query in range(len(benchmark.groups)):
        wanted = set(relevant.items[relevant.offsets[query] : relevant.offsets[query + 1]].tolist())
        same = set(np.flatnonzero(benchmark.groups == benchmark.groups[query]).tolist())
        assert wanted == same - {query}
    assert own.items.tolist() == list(range(len(benchmark.groups)))
    assert (rank_rows(benchmark, rows).sizes == len(rows) - 1).all()


def test_ranks_are_those_of_a_plain_sort(benchmark: OpenBenchmark, rows: np.ndarray) -> None:
    ranks = rank_rows(benchmark, rows)
    for query, group in enumerate(benchmark.groups):
        scores = rows.astype(np.float64) @ rows[query].astype(np.float64)
        order = [i for i in np.argsort(-scores) if i != query]
        same = [i < len(benchmark.groups) and benchmark.groups[i] == group for i in order]
        assert ranks[query].tolist() == [place for place, hit in enumerate(same, 1) if hit]


def test_equal_rows_count_against_the_system(benchmark: OpenBenchmark) -> None:
    rows = np.zeros((len(benchmark.pictures), 2), np.float32)
    rows[:, 0] = 1
    ranks = rank_rows(benchmark, rows)
    assert (ranks.ranks >= benchmark.distractors).all()


def test_failures_begin_with_the_worst_and_say_what_should_have_been(
    benchmark: OpenBenchmark, rows: np.ndarray
) -> None:
    ranks = rank_rows(benchmark, rows)
    found = failures(benchmark, rows, ranks)
    assert [f.ap for f in found] == sorted(f.ap for f in found)
    for failure in found:
        assert len(failure.found) == FOUND
        assert failure.id not in {hit.id for hit in (*failure.found, *failure.expected)}
        assert {hit.group for hit in failure.expected} == {failure.group}
        assert len(failure.ranks) == len(failure.expected)
        scores = [hit.score for hit in failure.found]
        assert scores == sorted(scores, reverse=True)


def test_fewer_distractors_never_make_it_harder(tmp_path: Path) -> None:
    folder = write_slice(tmp_path, groups=12, distractors=9)
    rng = np.random.default_rng(1)
    drawn = rng.standard_normal((len(OpenBenchmark.read(folder).pictures), 8)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    reached = []
    for count in (1, 4, 9):
        part = OpenBenchmark.read(folder, distractors=count)
        figures = standing(part, rank_rows(part, drawn[: len(part.pictures)]))
        reached.append(figures.all_groups.map)
    assert reached == sorted(reached, reverse=True)
