from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.scale.kept import fill_catalogue, rows_from
from likemark.benchmarks.scale.mixture import Mixture
from likemark.benchmarks.scale.truth import Nearest, exact
from likemark.benchmarks.scale.vectors import BLOCK, FILTERS, Filter, Vectors


def test_a_killed_run_ends_in_the_bytes_of_an_undisturbed_one(
    mixture: Mixture, vectors: Vectors, tmp_path: Path
):
    whole = Vectors(tmp_path / "whole", vectors.dimension)
    whole.make(mixture, BLOCK + 1, kinship=1.0)
    killed = Vectors(tmp_path / "killed", vectors.dimension)
    killed.make(mixture, BLOCK, kinship=1.0)
    with killed.rows_path.open("ab") as file:
        file.write(b"half a row")
    killed.make(mixture, 2 * BLOCK, kinship=1.0)
    assert whole.count == killed.count == 2 * BLOCK
    for one, other in ((whole.rows_path, killed.rows_path), (whole.marks_path, killed.marks_path)):
        assert one.read_bytes() == other.read_bytes()
    # And begins with what a smaller size has.
    assert whole.rows_path.read_bytes().startswith(vectors.rows_path.read_bytes())


def test_parts_and_single_rows_are_the_same(vectors: Vectors):
    parts = list(vectors.stream(1000, start=10, part=300))
    assert [len(ids) for ids, _ in parts] == [300, 300, 300, 90]
    ids, rows = (np.concatenate(each) for each in zip(*parts, strict=True))
    assert ids.tolist() == list(range(10, 1000))
    (_, whole) = next(vectors.stream(1000, part=1000))
    assert np.array_equal(whole[10:], rows)
    assert np.array_equal(rows, rows.astype(np.float16).astype(np.float32))


def test_what_is_allowed_ascends_and_wider_filters_hold_narrower_ones(vectors: Vectors):
    for kind in ("random", "clustered"):
        sets = [set(vectors.allowed(1000, Filter(kind, s)).tolist()) for s in (0.01, 0.1, 0.5)]
        assert sets[0] <= sets[1] <= sets[2]
        assert 400 < len(sets[2]) < 600


def test_truth_is_what_comparing_all_gives_at_every_size(vectors: Vectors, tmp_path: Path):
    (_, every) = next(vectors.stream(10_000))
    queries = every[[5, 900, 9000]] + np.float32(0.01)
    copied = Vectors(tmp_path, vectors.dimension)
    for path in (vectors.rows_path, vectors.marks_path):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    found = exact(copied, queries, (300, 1000), filtered=2, key="a")
    for size in (300, 1000):
        scores = queries @ every[:size].T
        best = np.argsort(-scores, axis=1)[:, :20]
        assert np.array_equal(found[size].whole.ids[:, :20], best)
        for each in FILTERS:
            ids = copied.allowed(size, each)
            expected = ids[np.argsort(-scores[1, ids])][:20]
            got = found[size].filtered[each].ids[1]
            assert got[: len(expected)].tolist() == expected.tolist()
            assert (got[len(ids) :] == -1).all()
    copied.rows_path.unlink()  # it is kept: nothing is compared again
    again = exact(copied, queries, (300,), filtered=2, key="a")
    assert np.array_equal(again[300].whole.scores, found[300].whole.scores)


def test_recall_counts_ties_and_what_is_allowed():
    nearest = Nearest(
        np.array([[4, 2, 9, 7], [1, -1, -1, -1], [-1, -1, -1, -1]]),
        np.array([[0.9, 0.5, 0.5, 0.1], [0.3, *[-np.inf] * 3], [-np.inf] * 4], np.float32),
    )
    found = np.array([[4, 9], [1, -1], [-1, -1]])
    assert nearest.recall(found, 2).tolist() == [1.0, 1.0, 1.0]
    assert nearest.recall(np.array([[9, 7], [3, -1], [-1, -1]]), 2).tolist() == [0.5, 0.0, 1.0]
    assert nearest.recall(np.array([[2, 9], [1, 1], [0, 0]]), 2)[0] == pytest.approx(1.0)


def test_the_catalogue_gives_what_was_drawn_and_goes_on_after_a_stop(
    vectors: Vectors, tmp_path: Path
):
    copied = Vectors(tmp_path, vectors.dimension)
    for path in (vectors.rows_path, vectors.marks_path):
        (tmp_path / path.name).write_bytes(path.read_bytes())
    (_, every) = next(vectors.stream(3000))
    for count in (1000, 1000, 2500):
        fill_catalogue(copied, count)
        with rows_from(copied) as rows_of:
            ids, rows = rows_of(np.array([7, 0, count - 1, count, -1]))
        assert ids.tolist() == [0, 7, count - 1]
        assert np.array_equal(rows, every[ids])
