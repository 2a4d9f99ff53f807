"""What is trained on: folders, tables, built corpora; never a benchmark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.corpus import draw_mark, write_manifest

from likemark.db.errors import InvalidInput, NotFound
from likemark.retrieval.training.corpus import Corpus, Drawing, read_corpus
from likemark.retrieval.training.survey import survey


def groups_of(corpus: Corpus) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {name: [] for name in corpus.names}
    for path, group in zip(corpus.paths, corpus.groups.tolist(), strict=True):
        found[corpus.names[group]].append(path.name)
    return found


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [
        {"image": "a/1.png", "group": "acme", "kind": "brand", "artwork": "old"},
        {"image": "a/2.png", "group": "acme", "kind": "", "artwork": "old"},
        {"image": "a/3.png", "group": "acme", "kind": "brand", "artwork": ""},
        {"image": "b/1.png", "group": "acme", "kind": "idea", "artwork": ""},
        {"image": "b/2.png", "group": "zeta", "kind": "brand", "artwork": ""},
    ]
    return write_manifest(tmp_path / "marks.csv", rows)


def test_each_folder_is_a_brand_and_other_files_are_passed_over(tmp_path: Path) -> None:
    for name in ("acme/1.png", "acme/old/2.SVG", "acme/notes.txt", "zeta/1.webp", "stray.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    found = read_corpus(tmp_path)
    assert groups_of(found) == {"brand/acme": ["1.png", "2.SVG"], "brand/zeta": ["1.webp"]}


def test_a_table_names_groups_kinds_and_copies(table: Path) -> None:
    found = read_corpus(table)
    assert groups_of(found) == {
        "brand/acme": ["1.png", "2.png", "3.png"], "brand/zeta": ["2.png"], "idea/acme": ["1.png"]
    }  # fmt: skip
    assert found.paths[0] == table.parent / "a" / "1.png"
    assert found.is_idea.tolist() == [name.startswith("idea") for name in
                                      np.array(found.names)[found.groups]]  # fmt: skip
    copies = {path.name: work for path, work in zip(found.paths, found.artworks, strict=True)
              if path.parent.name == "a"}  # fmt: skip
    assert copies["1.png"] == copies["2.png"] != copies["3.png"]


def test_a_folder_with_a_manifest_is_read_by_it(table: Path) -> None:
    table.rename(table.parent / "manifest.csv")
    assert len(read_corpus(table.parent)) == 5


def test_excluded_groups_are_left_out_by_name_or_pattern(table: Path) -> None:
    assert read_corpus(table, ["acm?"]).names == ("brand/zeta",)
    assert read_corpus(table, ["zeta", "nobody"]).names == ("brand/acme", "idea/acme")


def test_a_benchmark_is_never_trained_on(tmp_path: Path) -> None:
    rows = [{"image": "1.png", "group": "acme", "kind": "relevant"}]
    with pytest.raises(InvalidInput, match="is a benchmark: it is never trained on"):
        read_corpus(write_manifest(tmp_path / "manifest.csv", rows))


@pytest.mark.parametrize(
    ("row", "said"),
    [({"image": "1.png"}, "must have the columns image and group"),
     ({"image": "1.png", "group": ""}, "marks.csv:2: give image, group"),
     ({"image": "1.png", "group": "a", "kind": "logo"}, "marks.csv:2: give image, group")],
)  # fmt: skip
def test_a_table_that_lacks_something_is_refused(
    tmp_path: Path, row: dict[str, str], said: str
) -> None:
    with pytest.raises(InvalidInput, match=said):
        read_corpus(write_manifest(tmp_path / "marks.csv", [row]))


def test_a_table_that_cannot_be_read_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").mkdir()
    with pytest.raises(InvalidInput, match=r"manifest\.csv: cannot be read: Is a directory$"):
        read_corpus(tmp_path)


def test_no_pictures_is_an_error_and_so_is_no_folder(tmp_path: Path, table: Path) -> None:
    with pytest.raises(NotFound, match=r"all of its \d+ drawings are excluded"):
        read_corpus(table, ["*"])
    (tmp_path / "empty" / "brand").mkdir(parents=True)
    (tmp_path / "empty" / "brand" / "._a.png").touch()
    with pytest.raises(NotFound, match="no pictures in one folder a brand"):
        read_corpus(tmp_path / "empty")
    with pytest.raises(NotFound, match="no such file or folder"):
        read_corpus(tmp_path / "none")


def test_a_group_is_held_out_by_its_name_alone() -> None:
    names = [f"brand{n}" for n in range(400)]
    whole = Corpus.of(Drawing(Path(f"{n}/{k}.png"), n) for n in names for k in range(2))
    half = Corpus.of(Drawing(Path(f"{n}/0.png"), n) for n in names[::2])
    held = {whole.names[n] for n in whole.groups[whole.held(0.25)]}
    assert held & set(half.names) == {half.names[n] for n in half.groups[half.held(0.25)]}
    assert 70 <= len(held) <= 130
    assert int(whole.held(0.25).sum()) == 2 * len(held)  # whole groups
    assert held <= {whole.names[n] for n in whole.groups[whole.held(0.3)]}


def test_a_part_of_a_corpus_is_numbered_anew(table: Path) -> None:
    whole = read_corpus(table)
    part = whole.only(np.array([path.parent.name == "b" for path in whole.paths]))
    assert groups_of(part) == {"brand/zeta": ["2.png"], "idea/acme": ["1.png"]}
    assert sorted(part.artworks.tolist()) == [0, 1]


def test_a_broken_picture_is_left_out_with_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "marks" / "acme"
    folder.mkdir(parents=True)
    draw_mark(1).save(folder / "whole.png")
    (folder / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    kept, calls = tmp_path / "shapes.npz", []
    for _ in range(2):  # the second time from what the first has kept
        found = survey(read_corpus(folder.parent), kept=kept, told=lambda *n: calls.append(n))
        assert [path.name for path in found.corpus.paths] == ["whole.png"]
        assert found.shapes.shape == (1, 256)
        (line,) = found.errors
        assert line.startswith(f"{folder / 'broken.png'}: ")
    assert calls == [(2, 2)]


@pytest.mark.parametrize("left", [0, 1, 100, -1], ids=lambda n: f"{n} bytes")
def test_a_kept_survey_that_is_not_whole_is_made_anew(tmp_path: Path, left: int) -> None:
    (tmp_path / "marks" / "acme").mkdir(parents=True)
    draw_mark(1).save(tmp_path / "marks" / "acme" / "1.png")
    corpus, kept = read_corpus(tmp_path / "marks"), tmp_path / "shapes.npz"
    first = survey(corpus, kept=kept, told=lambda *_: None)
    whole = kept.read_bytes()
    kept.write_bytes(whole[:left])
    again = survey(corpus, kept=kept, told=lambda *_: None)
    np.testing.assert_array_equal(again.shapes, first.shapes)
    assert kept.read_bytes() == whole


def test_a_survey_of_other_drawings_is_not_taken_for_this_ones(tmp_path: Path) -> None:
    for name in ("acme", "zeta"):
        (tmp_path / "marks" / name).mkdir(parents=True)
        draw_mark(len(name)).save(tmp_path / "marks" / name / "1.png")
        found = survey(
            read_corpus(tmp_path / "marks"), kept=tmp_path / "s.npz", told=lambda *_: None
        )
    assert len(found.shapes) == 2
