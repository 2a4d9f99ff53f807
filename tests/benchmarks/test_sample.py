"""The bundled collection: real logos under CC0, whole, small, and without the sample queries."""

from __future__ import annotations

import csv
import hashlib
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from support.command import run_here

from likemark.benchmarks.corpus.drawings import icon_svg
from likemark.benchmarks.demo import SAMPLE, Demo, run_demo, sample_queries
from likemark.benchmarks.sample_builder import Drawing, build, read_drawings
from likemark.db.errors import LikemarkError
from likemark.db.manifest import ManifestRow, read_manifest
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request
from likemark.retrieval.pictures.pool import DecoderPool


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLE / name).open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_it_holds_four_hundred_marks_in_three_megabytes() -> None:
    assert len(rows("manifest.csv")) >= 400
    assert sum(path.stat().st_size for path in SAMPLE.rglob("*") if path.is_file()) <= 3e6


def test_manifest_and_files_agree() -> None:
    for table, folder in (("manifest.csv", "marks"), ("queries.csv", "queries")):
        named = [row["image"] for row in rows(table)]
        assert len(set(named)) == len(named)
        there = {f"{folder}/{path.name}" for path in (SAMPLE / folder).iterdir()}
        assert set(named) == there


def test_every_drawing_names_its_title_source_version_and_licence() -> None:
    for row in rows("manifest.csv") + rows("queries.csv"):
        assert row["text"].strip()
        assert re.fullmatch(r"@iconify-json/[a-z-]+", row["source_package"])
        assert re.fullmatch(r"\d+\.\d+\.\d+", row["source_version"])
        assert row["licence"] == "CC0-1.0"


def test_no_register_data_is_invented() -> None:
    for row in read_manifest(SAMPLE / "manifest.csv"):
        assert isinstance(row, ManifestRow)
        mark = row.mark
        assert (mark.office, mark.application_number, mark.owner, mark.status) == (None,) * 4
        assert (mark.filing_date, mark.nice, mark.vienna, row.warnings) == (None, (), (), ())


def test_several_brands_are_there_in_more_than_one_drawing() -> None:
    titles = [row["text"] for row in rows("manifest.csv")]
    assert sum(titles.count(title) > 1 for title in set(titles)) >= 60


def test_queries_are_not_in_the_collection_but_other_drawings_of_their_brand_are() -> None:
    collection = {row["id"]: row for row in rows("manifest.csv")}
    contents = {hashlib.sha256((SAMPLE / r["image"]).read_bytes()).digest()
                for r in collection.values()}  # fmt: skip
    queries = rows("queries.csv")
    assert len(queries) >= 10
    for row in queries:
        assert row["id"] not in collection
        assert hashlib.sha256((SAMPLE / row["image"]).read_bytes()).digest() not in contents
        for other in row["expected"].split(";"):
            assert collection[other]["text"] == row["text"]


def test_every_drawing_can_be_read_and_no_query_has_the_artwork_of_a_mark() -> None:
    requests = [Request(str(path)) for path in sorted(SAMPLE.glob("*/*.svg"))]
    with DecoderPool(size=64, limits=PictureLimits()) as pool:
        pictures = list(pool.map(requests))
    artworks: dict[str, set[bytes]] = {"marks": set(), "queries": set()}
    for request, picture in zip(requests, pictures, strict=True):
        assert isinstance(picture, Picture), picture
        assert picture.pixels.std() > 5, f"{request.name} is blank"
        artworks[Path(request.name).parent.name].add(picture.artwork)
    assert artworks["queries"].isdisjoint(artworks["marks"])


def test_the_builder_reads_the_same_tables() -> None:
    drawings = list(read_drawings(SAMPLE))
    assert len(drawings) == len(rows("manifest.csv")) + len(rows("queries.csv"))
    assert all(isinstance(drawing, Drawing) for drawing in drawings)


def test_an_icon_becomes_an_svg_with_its_own_size() -> None:
    svg = icon_svg({"width": 24, "height": 12, "icons": {"x": {"body": "<path/>"}}}, "x")
    assert 'viewBox="0 0 24 12"' in svg
    assert "<path/>" in svg


def test_the_builder_makes_the_committed_bytes_from_the_packages(tmp_path: Path) -> None:
    """A stand-in for npm packs archives made of the committed drawings themselves."""
    sets: dict[str, dict[str, object]] = {}
    for drawing in read_drawings(SAMPLE):
        svg = (SAMPLE / drawing.image).read_text()
        head = re.match(r'<svg [^>]*viewBox="(\S+) (\S+) (\S+) (\S+)"[^>]*>', svg)
        assert head is not None
        left, top, width, height = (json.loads(number) for number in head.groups())
        body = svg[head.end() : -len("</svg>\n")]
        icons = sets.setdefault(drawing.package, {})
        icons[drawing.icon] = {
            "body": body, "left": left, "top": top, "width": width, "height": height
        }  # fmt: skip
    (tmp_path / "sets.json").write_text(json.dumps(sets))
    npm = tmp_path / "npm"
    npm.write_text(f"#!{sys.executable}\n" + NPM.format(sets=str(tmp_path / "sets.json")))
    npm.chmod(0o755)
    build(tmp_path / "built", npm=str(npm))
    for drawing in read_drawings(SAMPLE):
        built = (tmp_path / "built" / drawing.image).read_bytes()
        assert built == (SAMPLE / drawing.image).read_bytes()


def test_a_missing_npm_is_named(tmp_path: Path) -> None:
    with pytest.raises(LikemarkError, match="install Node"):
        build(tmp_path, npm="no-such-npm")


NPM = """
import io, json, sys, tarfile
name = sys.argv[2].rsplit("@", 1)[0]
folder = sys.argv[3].split("=", 1)[1]
data = json.dumps({{"icons": json.load(open({sets!r}))[name]}}).encode()
with tarfile.open(folder + "/package.tgz", "w:gz") as tar:
    member = tarfile.TarInfo("package/icons.json")
    member.size = len(data)
    tar.addfile(member, io.BytesIO(data))
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Demo:
    return run_demo(tmp_path_factory.mktemp("demo"))


def test_the_demonstration_answers_every_sample_query(demo: Demo) -> None:
    assert demo.indexing.added == len(rows("manifest.csv"))
    assert len(demo.results) == len(sample_queries())
    for result in demo.results:
        assert result.error is None
        assert len(result.hits) == demo.search.k


def test_the_shipped_model_finds_a_good_part_of_the_other_drawings(demo: Demo) -> None:
    found = [rank for rank in demo.best_ranks if rank is not None]
    assert sum(rank == 1 for rank in found) >= 4
    assert len(found) >= 8


def test_the_demonstration_writes_a_page_and_a_sheet_that_stand_alone(demo: Demo) -> None:
    page = demo.report.read_text(encoding="utf-8")
    assert "<script" not in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    with Image.open(demo.sheet) as sheet:
        assert sheet.format == "PNG"
        assert min(sheet.size) > 800


def test_the_demonstration_finds_its_mark_twice_and_paints_over_all_of_it(demo: Demo) -> None:
    scene = demo.scene
    assert [match.region.score > 0.5 for match in scene.matches] == [True, True]
    before, after = (np.asarray(Image.open(path)) for path in (scene.scene, scene.redacted))
    changed = (before != after).any(axis=2)
    for match in scene.matches:
        left, top, right, bottom = match.region.box
        assert changed[top:bottom, left:right].mean() > 0.5
        changed[max(0, top - 30) : bottom + 30, max(0, left - 30) : right + 30] = False
    assert not changed.any()
    assert "A mark in a scene" in demo.report.read_text(encoding="utf-8")


def test_the_command_embeds_nothing_again_and_prints_one_document(
    demo: Demo, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    words = ["likemark", "demo", "--out", str(demo.report.parent), "--json"]
    outcome = run_here(words, monkeypatch, capsys)
    assert outcome.code == 0, outcome.err
    document = outcome.json
    assert document.keys() == {
        "model", "index", "k", "min_score", "blocks", "turned", "parts", "queries",
        "embedded", "best_ranks", "report", "contact_sheet", "scene",
    }  # fmt: skip
    assert document["embedded"] == 0
    assert document["best_ranks"] == list(demo.best_ranks)
    assert document["report"] == str(demo.report)
