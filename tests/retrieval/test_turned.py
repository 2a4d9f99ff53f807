"""Queries that ask turned by eighths too: a mark that lies on its side, or askew, is found."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likemark.benchmarks.sample_builder import SAMPLE
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.indexing import index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.results import QueryResult, results_json
from likemark.retrieval.workspace import Workspace

LOGOS = sorted((SAMPLE / "marks").glob("cib-*.svg"))[:30:3]


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Marks of the bundled sample, by the shipped model."""
    with Workspace.open(tmp_path_factory.mktemp("turned")) as space:
        index_paths(space, LOGOS, find_model())
        yield space


def turned(path: Path, quarters: int, folder: Path) -> Path:
    made = folder / f"{quarters}-{path.stem}.png"
    Image.fromarray(np.rot90(flatten(load_picture(path)), quarters)).save(made)
    return made


def ask(space: Workspace, paths: list[Path], *, turned: bool) -> list[QueryResult]:
    requests = query_requests([str(path) for path in paths])
    options = QueryOptions(k=5, turned=turned, blocks=False)
    search, answers = search_pictures(space, requests, find_model(), options)
    results = list(answers)
    assert results_json(results, search)["turned"] is turned
    return results


def test_a_mark_on_its_side_is_found_and_says_by_which_turn(
    indexed: Workspace, tmp_path: Path
) -> None:
    quarters = [1, 2, 3] * 4
    paths = [turned(path, by, tmp_path) for path, by in zip(LOGOS, quarters, strict=False)]
    found = ask(indexed, paths, turned=True)
    for result, path, by in zip(found, LOGOS, quarters, strict=False):
        first = result.hits[0]
        assert first.path == str(path)
        assert first.score > 0.9
        # Some marks look the same from several sides.
        assert first.turn == (4 - by) * 90 or first.score > 0.99
    assert {result.hits[0].turn for result in found} >= {90, 180, 270}
    assert all(hit.turn == 0 for result in ask(indexed, paths, turned=False) for hit in result.hits)


def test_a_mark_that_stands_as_it_was_filed_is_found_by_that(indexed: Workspace) -> None:
    for result in ask(indexed, LOGOS, turned=True):
        assert (result.hits[0].turn, round(result.hits[0].score, 3)) == (0, 1.0)


def test_a_mark_that_stands_askew_is_found_by_an_eighth(indexed: Workspace, tmp_path: Path) -> None:
    paths = []
    for path in LOGOS:
        made = tmp_path / f"{path.stem}.png"
        upright = Image.fromarray(flatten(load_picture(path)))
        upright.rotate(-45, Image.Resampling.BICUBIC, expand=True, fillcolor="white").save(made)
        paths.append(made)
    found = ask(indexed, paths, turned=True)
    for result, path in zip(found, LOGOS, strict=True):
        assert result.hits[0].path == str(path)
        assert result.hits[0].score > 0.8
    plain = ask(indexed, paths, turned=False)
    assert sum(result.hits[0].turn == 45 for result in found) > len(LOGOS) / 2
    higher = [two.hits[0].score - one.hits[0].score for one, two in zip(plain, found, strict=True)]
    assert min(higher) >= 0
    assert np.median(higher) > 0.1
