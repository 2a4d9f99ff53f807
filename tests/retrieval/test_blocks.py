"""Queries that are composite marks: asked with their blocks, each of their elements is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from likemark.augment.geometry import cut
from likemark.augment.segments import find_segments
from likemark.benchmarks.sample_builder import SAMPLE
from likemark.db.values import Filters
from likemark.retrieval.engine import QueryOptions, query_requests, search_pictures
from likemark.retrieval.indexing import index_paths
from likemark.retrieval.models import find_model
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.picture import Crop, Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool
from likemark.retrieval.results import BLOCK_WEIGHT, Hit, QueryResult, results_json
from likemark.retrieval.workspace import Workspace

LOGOS = sorted((SAMPLE / "marks").glob("cib-*.svg"))[:24:2]
ONE, TWO = LOGOS[4], LOGOS[11]
LIMITS = PictureLimits()
# A block's cosine with the mark that it shows.
FOUND = 0.95 * BLOCK_WEIGHT


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    """Marks of the bundled sample, by the shipped model."""
    with Workspace.open(tmp_path_factory.mktemp("blocks")) as space:
        index_paths(space, LOGOS, find_model())
        yield space


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A composite of two marks, 90 px of page between them."""
    path = tmp_path_factory.mktemp("sheet") / "sheet.png"
    composite(ONE, TWO).save(path)
    return path


def composite(one: Path, two: Path) -> Image.Image:
    left, right = (_on_white(path) for path in (one, two))
    page = Image.new("RGB", (left.width + right.width + 150, 600), "white")
    page.paste(left, (30, 40))
    page.paste(right, (left.width + 120, 40))
    return page


def _on_white(path: Path) -> Image.Image:
    pixels = load_picture(path)
    mark = Image.fromarray(np.ascontiguousarray(cut(pixels, find_segments(pixels).box())))
    white = Image.new("RGB", mark.size, "white")
    white.paste(mark, mask=mark.getchannel("A") if mark.mode == "RGBA" else None)
    return white


def ask(workspace: Workspace, *paths: Path, **options: object) -> list[QueryResult]:
    wanted = QueryOptions(**options)  # type: ignore[arg-type]
    requests = query_requests([str(path) for path in paths])
    return list(search_pictures(workspace, requests, find_model(), wanted)[1])


def by_path(result: QueryResult) -> dict[str, Hit]:
    return {hit.path: hit for hit in result.hits}


def test_both_marks_of_a_composite_are_found_and_say_by_which_block(
    indexed: Workspace, sheet: Path
) -> None:
    (result,) = ask(indexed, sheet)
    assert {hit.path for hit in result.hits[:2]} == {str(ONE), str(TWO)}
    assert min(hit.score for hit in result.hits[:2]) > FOUND
    left, right = (by_path(result)[str(path)].block for path in (ONE, TWO))
    assert left is not None
    assert right is not None
    assert abs(left.x - 30) <= 4
    assert left.x + left.width + 80 <= right.x
    (without,) = ask(indexed, sheet, blocks=False)
    assert all(hit.block is None for hit in without.hits)
    assert max(by_path(without)[str(path)].score for path in (ONE, TWO)) < FOUND - 0.05


def test_a_blocks_box_is_in_px_of_the_whole_picture_where_a_crop_is_searched(
    indexed: Workspace, sheet: Path, tmp_path: Path
) -> None:
    with Image.open(sheet) as picture:
        wide = Image.new("RGB", (picture.width + 300, 900), "white")
        wide.paste(picture, (300, 200))
    wide.save(tmp_path / "wide.png")
    (result,) = ask(indexed, tmp_path / "wide.png", k=2, crop=Crop(290, 150, 9999, 700))
    found = by_path(result)
    assert found.keys() == {str(ONE), str(TWO)}
    block = found[str(ONE)].block
    assert block is not None
    assert abs(block.x - 330) <= 4
    (again,) = ask(indexed, tmp_path / "wide.png", k=1, crop=block, blocks=False)
    assert again.hits[0].path == str(ONE)


def test_blocks_leave_no_hit_weaker_and_the_best_stay_best(indexed: Workspace, sheet: Path) -> None:
    (plain,) = ask(indexed, sheet, k=12, blocks=False)
    (more,) = ask(indexed, sheet, k=12)
    best = by_path(more)
    assert all(best[hit.path].score >= hit.score - 5e-3 for hit in plain.hits)
    scores = [hit.score for hit in more.hits]
    assert scores == sorted(scores, reverse=True)
    (few,) = ask(indexed, sheet, k=3)
    assert few.hits == more.hits[:3]
    (strong,) = ask(indexed, sheet, k=12, min_score=scores[4] - 1e-6)
    assert strong.hits == more.hits[:5]


def test_a_mark_of_one_block_is_answered_as_without(indexed: Workspace, tmp_path: Path) -> None:
    disc = Image.new("RGB", (100, 100), "white")
    disc.paste("navy", (30, 20, 70, 80))
    disc.save(tmp_path / "one.png")
    (plain,) = ask(indexed, tmp_path / "one.png", blocks=False)
    assert ask(indexed, tmp_path / "one.png") == [plain]


def test_filters_hold_for_blocks(indexed: Workspace, sheet: Path) -> None:
    (result,) = ask(indexed, sheet, filters=Filters(office=("EM",)))
    assert result.hits == ()


def test_among_others_each_query_has_its_own_blocks(
    indexed: Workspace, sheet: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    composite(LOGOS[2], LOGOS[7]).save(tmp_path / "other.png")
    names = [tmp_path / "bad.png", sheet, LOGOS[3], tmp_path / "other.png"]
    bad, first, plain, second = ask(indexed, *names, k=2)
    assert bad.error is not None
    assert by_path(first).keys() == {str(ONE), str(TWO)}
    assert plain.hits[0].path == str(LOGOS[3])
    assert by_path(second).keys() == {str(LOGOS[2]), str(LOGOS[7])}


def test_standard_input_has_blocks_which_the_json_form_names(
    indexed: Workspace, sheet: Path
) -> None:
    requests = query_requests(["-"], [sheet.read_bytes()])
    options = QueryOptions(k=2)
    search, answers = search_pictures(indexed, requests, find_model(), options)
    results = list(answers)
    document = json.loads(json.dumps(results_json(results, search)))
    for hit, written in zip(results[0].hits, document["queries"][0]["hits"], strict=True):
        assert hit.block is not None
        assert written["block"] == [
            hit.block.x, hit.block.y, hit.block.width, hit.block.height
        ]  # fmt: skip


def test_a_decoding_process_gives_the_same_blocks(sheet: Path) -> None:
    requests = [Request(str(sheet), blocks=True), Request(str(sheet), crop=Crop(-9, 20, 300, 999))]
    own = [decode(request, size=64, limits=LIMITS) for request in requests]
    with DecoderPool(size=64, limits=LIMITS, workers=1) as pool:
        theirs = list(pool.map(requests))
    assert len(own[0].blocks) >= 2
    assert own[1].blocks == ()
    for one, two in zip(own, theirs, strict=True):
        assert isinstance(two, Picture)
        assert np.array_equal(one.pixels, two.pixels)
        assert [block.box for block in one.blocks] == [block.box for block in two.blocks]
        for ours, other in zip(one.blocks, two.blocks, strict=True):
            assert np.array_equal(ours.pixels, other.pixels)
