"""The whole way from packages to a corpus, with a program that stands in for npm's client."""

from __future__ import annotations

import csv
import hashlib
from pathlib import Path

import pytest
from support.packages import Registry, icon_set

from likemark.benchmarks.corpus.build import WORK, build
from likemark.benchmarks.corpus.dataset import OpenBenchmark, TrainingCorpus
from likemark.benchmarks.corpus.keys import brand_share, idea_share
from likemark.benchmarks.corpus.manifest import Entry, read_entries, summary
from likemark.db.errors import InvalidInput, LikemarkError, NotFound, PictureError
from likemark.db.manifest import read_manifest

STAR = '<path d="M12 2l3 7h7l-6 4 3 8-7-5-7 5 3-8-6-4h7z"/>'
THIN = '<path d="M12 2l3 7h7l-6 4 3 8-7-5-7 5 3-8-6-4h7z" fill="none" stroke="black"/>'
CROSS = '<path d="M10 2h4v8h8v4h-8v8h-4v-8h-8v-4h8z"/>'
WAVE = '<path d="M1 12q5 -14 11 0t11 0v6q-5 14 -11 0t-11 0z"/>'


def first_name(words: list[str], share: str, of: str) -> str:
    share_of = brand_share if of == "brand" else idea_share
    return next(word for word in words if share_of(word.replace("-", "")) == share)


NAMES = [f"zyx{chr(97 + i)}{chr(97 + j)}" for i in range(9) for j in range(9)]
BRAND = first_name(NAMES, "benchmark", "brand")
IDEA = first_name([name for name in NAMES if name != BRAND], "benchmark", "idea")
OTHER_BRAND = first_name(NAMES[::-1], "training", "brand")
# The same brand, by a key that may be trained on.
SQUARE = first_name(
    [f"{word}-{BRAND}" for word in ("square", "cc", "with", "old")], "training", "brand"
)
OTHER_IDEA = first_name([n for n in NAMES[::-1] if n != OTHER_BRAND], "training", "idea")


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Registry:
    registry = Registry(tmp_path_factory.mktemp("registry"))
    marks = {
        BRAND: STAR,
        f"{OTHER_BRAND}-mono": WAVE,
        SQUARE: CROSS,
        "broken": "<path d='",
        "empty": "",
    }
    registry.add("logos", "@x/marks", icon_set(marks, licence="CC0-1.0"))
    registry.add("logos", "@x/more", icon_set({BRAND: THIN, OTHER_BRAND: WAVE, "fedex": CROSS}))
    icons = {
        IDEA: CROSS, f"{IDEA}-24-filled": CROSS, f"{IDEA}-text": "<text>A</text>",
        f"{IDEA}-bold": STAR, BRAND: CROSS, f"{OTHER_IDEA}-thin": WAVE, f"{OTHER_IDEA}-fill": STAR,
        f"{OTHER_IDEA}-line": CROSS,
    }  # fmt: skip
    registry.add("icons", "@x/icons", icon_set(icons))
    return registry


@pytest.fixture(scope="module")
def curated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("curated") / "curated.csv"
    path.write_text(
        f"group,package,icon,dropped\n{BRAND},@x/marks,{BRAND},\n{BRAND},@x/more,{BRAND},\n"
    )
    return path


@pytest.fixture(scope="module")
def benchmark(registry: Registry, curated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("open")
    build(folder, npm=str(registry.npm), sources=registry.sources, curated=curated)
    return folder


@pytest.fixture(scope="module")
def training(registry: Registry, curated: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("training")
    build(folder, part="training", npm=str(registry.npm), sources=registry.sources, curated=curated)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    paths = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def by_id(folder: Path) -> dict[str, Entry]:
    return {entry.id: entry for entry in read_entries(folder)}


def test_the_benchmark_holds_the_groups_and_distinct_distractors(benchmark: Path) -> None:
    found = by_id(benchmark)
    assert {(e.id, e.kind, e.group) for e in found.values()} == {
        (f"marks:{BRAND}", "relevant", BRAND),
        (f"more:{BRAND}", "relevant", BRAND),
        *((e.id, "distractor", IDEA) for e in found.values() if e.kind == "distractor"),
    }
    assert len(found) == 3  # of two equal crosses one; no star, which is the mark itself


def test_every_listed_picture_is_there_with_its_hash_and_no_other(benchmark: Path) -> None:
    entries = read_entries(benchmark)
    assert {"manifest.csv", *(e.image for e in entries)} == set(files(benchmark))
    for entry in entries:
        assert hashlib.sha256((benchmark / entry.image).read_bytes()).hexdigest() == entry.sha256


def test_the_same_bytes_come_out_of_every_run(
    benchmark: Path, registry: Registry, curated: Path, tmp_path: Path
) -> None:
    build(tmp_path, npm=str(registry.npm), sources=registry.sources, curated=curated)
    assert files(tmp_path) == files(benchmark)


def test_a_run_that_was_stopped_goes_on_to_the_same_bytes(
    benchmark: Path, registry: Registry, curated: Path, tmp_path: Path
) -> None:
    class Stopped(Exception):
        pass

    def stop(line: str) -> None:
        if line.startswith("@x/more"):
            raise Stopped

    options = {"npm": str(registry.npm), "sources": registry.sources, "curated": curated}
    with pytest.raises(Stopped):
        build(tmp_path, progress=stop, **options)  # type: ignore[arg-type]
    assert (tmp_path / WORK).is_dir()
    assert not (tmp_path / "manifest.csv").exists()
    build(tmp_path, **options)  # type: ignore[arg-type]
    assert files(tmp_path) == files(benchmark)


def test_the_training_corpus_has_the_other_share_and_none_of_the_reserved_brands(
    training: Path,
) -> None:
    found = by_id(training)
    assert {(e.kind, e.group) for e in found.values()} == {
        ("brand", OTHER_BRAND), ("idea", OTHER_IDEA)
    }  # fmt: skip
    assert "more:fedex" not in found


def test_what_is_drawn_like_a_benchmark_mark_is_not_trained_on(training: Path) -> None:
    assert f"icons:{OTHER_IDEA}-thin" in by_id(training)
    assert f"icons:{OTHER_IDEA}-fill" not in by_id(training)


def test_no_other_name_brings_a_benchmark_drawing_into_training(training: Path) -> None:
    found = by_id(training)
    assert f"icons:{OTHER_IDEA}-line" not in found  # drawn as a distractor is
    assert f"marks:{SQUARE}" not in found  # names the benchmark's brand


def test_copies_in_a_training_group_have_one_artwork(training: Path) -> None:
    corpus = TrainingCorpus.read(training)
    brands = corpus.artworks[corpus.is_brand]
    assert len(brands) == 2
    assert len(set(brands.tolist())) == 1


def test_shares_never_mix(benchmark: Path, training: Path) -> None:
    with pytest.raises(InvalidInput, match="never trained on"):
        TrainingCorpus.read(benchmark)
    with pytest.raises(InvalidInput, match="training corpus"):
        OpenBenchmark.read(training)


def test_the_benchmark_puts_relevant_drawings_first(benchmark: Path) -> None:
    opened = OpenBenchmark.read(benchmark)
    assert opened.groups.tolist() == [0, 0]
    assert opened.distractors == 1
    assert all(picture.shape[2] == 3 for picture in opened.pictures)
    assert OpenBenchmark.read(benchmark, distractors=1).data == opened.data


def test_more_distractors_than_there_are_is_refused(benchmark: Path) -> None:
    with pytest.raises(InvalidInput, match="has 1 distractors, not 5"):
        OpenBenchmark.read(benchmark, distractors=5)


def test_likemark_itself_can_index_the_manifest(benchmark: Path) -> None:
    rows = [row for row in read_manifest(benchmark / "manifest.csv")]
    assert len(rows) == 3


def test_the_summary_counts_what_was_built(benchmark: Path) -> None:
    told = summary(benchmark, read_entries(benchmark))
    assert told["relevant drawings"] == 2
    assert told["relevant groups"] == 1
    assert told["relevant groups of three or more"] == 0


def test_a_curated_drawing_that_is_missing_is_named(registry: Registry, tmp_path: Path) -> None:
    curated = tmp_path / "curated.csv"
    with curated.open("w", newline="") as file:
        rows = [["group", "package", "icon", "dropped"], ["acme", "@x/marks", "gone", ""]]
        csv.writer(file).writerows(rows)
    with pytest.raises(LikemarkError, match="missing: acme"):
        build(tmp_path / "out", npm=str(registry.npm), sources=registry.sources, curated=curated)


def test_a_folder_without_a_corpus_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="likemark bench build open"):
        OpenBenchmark.read(tmp_path)


def test_a_picture_that_has_gone_is_named(
    registry: Registry, curated: Path, tmp_path: Path
) -> None:
    build(tmp_path, npm=str(registry.npm), sources=registry.sources, curated=curated)
    opened = OpenBenchmark.read(tmp_path)
    (tmp_path / opened.relevant[0].image).write_bytes(b"no picture")
    with pytest.raises(PictureError, match="build the corpus again"):
        opened.pictures[0]
