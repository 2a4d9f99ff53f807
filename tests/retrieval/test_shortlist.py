"""`query --parts`: marks that hold the picture as a part of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likemark.benchmarks.sample_builder import SAMPLE
from likemark.db.values import Filters
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.indexing import IndexingOptions, index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.results import QueryResult, results_json
from likemark.retrieval.shortlist import LEAST, MOST, MOST_INK, counted
from likemark.retrieval.workspace import Workspace

MARKS = sorted((SAMPLE / "marks").glob("*.svg"))[::6]


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Marks of the bundled sample as PNG files, which a test may lose."""
    folder = tmp_path_factory.mktemp("marks")
    for path in MARKS:
        Image.fromarray(flatten(load_picture(path))).save(folder / f"{path.stem}.png")
    return sorted(folder.glob("*.png"))


@pytest.fixture(scope="module")
def indexed(pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    with Workspace.open(tmp_path_factory.mktemp("parts")) as space:
        index_paths(space, pictures, find_model())
        yield space


@pytest.fixture(scope="module")
def quarters(pictures: list[Path], tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A window of half the sides of every fourth, where its ink changes most."""
    folder = tmp_path_factory.mktemp("quarters")
    for path in pictures[::4]:
        with Image.open(path) as image:
            pixels = np.asarray(image.convert("RGB"))
        inked = np.argwhere((pixels < 240).any(axis=2))
        (top, left), (bottom, right) = inked.min(axis=0), inked.max(axis=0)
        height, width = (bottom - top) // 2, (right - left) // 2
        corners = [(top, left), (top, left + width), (top + height, left),
                   (top + height // 2, left + width // 2)]  # fmt: skip
        windows = [pixels[y : y + height, x : x + width] for y, x in corners]
        Image.fromarray(max(windows, key=np.std)).save(folder / path.name)
    return sorted(folder.glob("*.png"))


def ask(space: Workspace, paths: list[Path], **options: object) -> list[QueryResult]:
    requests = query_requests([str(path) for path in paths])
    wanted = QueryOptions(blocks=False, **options)  # type: ignore[arg-type]
    search, answers = search_pictures(space, requests, find_model(), wanted)
    results = list(answers)
    assert results_json(results, search)["parts"] is wanted.parts
    return results


def right(results: list[QueryResult], paths: list[Path]) -> int:
    return sum(
        Path(result.hits[0].path).name == path.name
        for result, path in zip(results, paths, strict=True)
    )


def test_a_quarter_of_a_mark_finds_it_and_says_where_it_lies(
    indexed: Workspace, quarters: list[Path]
) -> None:
    found = ask(indexed, quarters, k=5, parts=True)
    assert right(found, quarters) >= 0.8 * len(quarters)
    assert right(found, quarters) > right(ask(indexed, quarters, k=5), quarters)
    parts = [
        result.hits[0].part for result, path in zip(found, quarters, strict=True)
        if Path(result.hits[0].path).name == path.name and result.hits[0].part
    ]  # fmt: skip
    assert len(parts) >= len(quarters) / 2
    assert all(box[2] - box[0] < 0.8 or box[3] - box[1] < 0.8 for box in parts)


def test_scores_fall_and_the_least_score_holds_with_parts_too(
    indexed: Workspace, quarters: list[Path]
) -> None:
    found = ask(indexed, quarters[:3], k=30, parts=True, min_score=0.3)
    assert sum(hit.part is not None for result in found for hit in result.hits) > 3
    for result in found:
        scores = [hit.score for hit in result.hits]
        assert scores == sorted(scores, reverse=True)
        assert min(scores, default=1) >= 0.3


def test_what_holds_nothing_of_the_query_stays_as_it_was_found(
    indexed: Workspace, quarters: list[Path]
) -> None:
    """The whole collection, unlike marks of negative cosines among them."""
    (plain,) = ask(indexed, quarters[:1], k=len(MARKS))
    (found,) = ask(indexed, quarters[:1], k=len(MARKS), parts=True)
    scores = {hit.path: hit.score for hit in plain.hits}
    assert min(scores.values()) < 0
    assert any(hit.part is None for hit in found.hits)
    for hit in found.hits:
        as_it_was = hit.score == pytest.approx(scores[hit.path], abs=1e-6)
        assert (hit.part is None and hit.block is None) == as_it_was
        assert hit.part is None or 0 < hit.score <= MOST_INK


def test_two_marks_that_lie_over_each_other_are_found_by_halves(
    indexed: Workspace, pictures: list[Path], tmp_path: Path
) -> None:
    """No bare ground parts them: they are one block."""
    composites = []
    for number, (one, two) in enumerate(zip(pictures[::6], pictures[3::6], strict=False)):
        with Image.open(one) as first, Image.open(two) as second:
            page = Image.new("RGB", (second.width + first.width * 5 // 6, first.height), "white")
            page.paste(first, (0, 0))
            page.paste(second.resize((second.width, first.height)), (first.width * 5 // 6, 0))
        page.save(tmp_path / f"{number}.png")
        composites.append((tmp_path / f"{number}.png", {one.name, two.name}))
    paths = [path for path, _ in composites]

    def held(results: list[QueryResult]) -> int:
        """Marks found among the first three of those that the composites hold."""
        return sum(
            len(marks & {Path(hit.path).name for hit in result.hits[:3]})
            for result, (_, marks) in zip(results, composites, strict=True)
        )

    found = ask(indexed, paths, k=5, parts=True)
    assert held(found) > held(ask(indexed, paths, k=5))
    assert held(found) >= 1.5 * len(composites)
    assert any(hit.block is not None for result in found for hit in result.hits[:2])


def test_a_picture_is_read_where_it_still_is_as_it_was(
    pictures: list[Path], quarters: list[Path], tmp_path: Path
) -> None:
    own = next(path for path in pictures if path.name == quarters[0].name)
    copies = [tmp_path / f"{letter}-{own.name}" for letter in "ab"]
    for copy in copies:
        copy.write_bytes(own.read_bytes())
    with Workspace.open(tmp_path / "space") as space:
        index_paths(space, [*copies, *pictures[1:5]], find_model())
        (before,) = ask(space, quarters[:1], k=1, parts=True)
        assert before.hits[0].part is not None
        copies[0].unlink()
        space.looks.unlink()  # what was read is kept there
        (after,) = ask(space, quarters[:1], k=1, parts=True)
        assert after.hits[0].part == before.hits[0].part
        copies[1].write_bytes(pictures[7].read_bytes())  # another picture in its place
        (kept,) = ask(space, quarters[:1], k=1, parts=True)
        assert kept.hits[0].part == before.hits[0].part
        space.looks.unlink()
        (other,) = ask(space, quarters[:1], k=9, parts=True)
        assert not [
            hit for hit in other.hits if hit.part and hit.image_id == before.hits[0].image_id
        ]


def test_filters_hold_for_what_is_looked_into(
    pictures: list[Path], quarters: list[Path], tmp_path: Path
) -> None:
    own = next(path for path in pictures if path.name == quarters[0].name)
    with Workspace.open(tmp_path / "space") as space:
        index_paths(space, [own], find_model(), options=IndexingOptions(collection="one"))
        index_paths(space, [path for path in pictures[:9] if path != own], find_model())
        (found,) = ask(space, quarters[:1], parts=True, filters=Filters(collections=("default",)))
        assert found.hits
        assert str(own) not in {hit.path for hit in found.hits}
        (found,) = ask(space, quarters[:1], parts=True, filters=Filters(collections=("one",)))
        assert [hit.path for hit in found.hits] == [str(own)]


def test_whole_marks_find_themselves_as_before(indexed: Workspace, pictures: list[Path]) -> None:
    for result, path in zip(ask(indexed, pictures[:5], parts=True), pictures[:5], strict=True):
        assert (result.hits[0].path, round(result.hits[0].score, 2)) == (str(path), 1.0)
        # Nothing counts more as a part than as the whole that it is.
        assert all(hit.part is None for hit in result.hits if hit.score > MOST_INK)


def test_marks_whose_pictures_are_gone_keep_their_places(
    pictures: list[Path], quarters: list[Path], tmp_path: Path
) -> None:
    copies = [tmp_path / path.name for path in pictures[:12]]
    for path, copy in zip(pictures, copies, strict=False):
        copy.write_bytes(path.read_bytes())
    with Workspace.open(tmp_path / "space") as space:
        index_paths(space, copies, find_model())
        before = ask(space, quarters[:1], k=12)
        for copy in copies:
            copy.unlink()
        after = ask(space, quarters[:1], k=12, parts=True)
    scores = {hit.path: hit.score for hit in before[0].hits}
    assert {hit.path for hit in after[0].hits} == scores.keys()
    for hit in after[0].hits:
        assert hit.part is None
        assert hit.block or hit.score == pytest.approx(scores[hit.path], abs=1e-6)


def test_what_a_correlation_counts_rises_from_nothing_to_the_most() -> None:
    shares = [counted(step / 100) for step in range(101)]
    assert shares == sorted(shares)
    assert (counted(0), counted(LEAST), counted(1)) == (0, 0, pytest.approx(MOST))
    assert (counted(LEAST, MOST_INK), counted(1, MOST_INK)) == (0, pytest.approx(MOST_INK))
