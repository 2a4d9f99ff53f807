"""Slips of the hand cost nothing: no file is written over, no folder is taken for another."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from support.command import Run
from support.corpus import draw_mark, write_corpus


@pytest.fixture
def marks(tmp_path: Path) -> Path:
    write_corpus(tmp_path / "marks", range(4))
    return tmp_path / "marks"


def test_a_report_takes_no_pictures_name(likemark: Run, marks: Path) -> None:
    picture = marks / "mark-0000.png"
    before = picture.read_bytes()
    outcome = likemark("query", picture, "--report", picture)
    assert (outcome.code, picture.read_bytes()) == (2, before)
    assert "its name must end in .html or .htm" in outcome.err


def test_a_sheet_is_not_written_over_what_it_is_made_of(likemark: Run, marks: Path) -> None:
    picture = marks / "mark-0000.png"
    before = picture.read_bytes()
    link = marks / "link.png"
    link.symlink_to(picture)
    for grid in (picture, link):
        outcome = likemark("augment", picture, "--grid", grid, "--count", 1)
        assert (outcome.code, picture.read_bytes()) == (2, before)
        assert "is a picture that the sheet is made of" in outcome.err


def test_a_sheet_takes_a_links_place_and_not_that_of_the_picture_it_leads_to(
    likemark: Run, marks: Path
) -> None:
    other, link = marks / "mark-0001.png", marks / "link.png"
    before = other.read_bytes()
    link.symlink_to(other)
    outcome = likemark("augment", marks / "mark-0000.png", "--grid", link, "--count", 1)
    assert (outcome.code, other.read_bytes()) == (0, before)
    assert not link.is_symlink()


@pytest.mark.parametrize("command", [["stats"], ["list"], ["query", "a.png"], ["remove", "1"]])
@pytest.mark.parametrize("place", [["--workspace", "typo"], ["--database", "sqlite:///typo.db"]])
def test_who_reads_makes_no_workspace(
    likemark: Run, marks: Path, monkeypatch: pytest.MonkeyPatch, command: list[str],
    place: list[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(marks)
    before = sorted(marks.iterdir())
    outcome = likemark(*command, *place)
    assert (outcome.code, outcome.out) == (1, "")
    assert "yet; run: likemark index FOLDER" in outcome.err
    assert sorted(marks.iterdir()) == before
    assert not (marks.parent / "home").exists()


@pytest.mark.parametrize(
    "arguments",
    [["index", ""], ["redact", "", "--all-logos", "--in-place"], ["stats", "--workspace", ""]],
    ids=" ".join,
)
def test_an_empty_name_is_not_the_folder_one_is_in(
    likemark: Run, marks: Path, monkeypatch: pytest.MonkeyPatch, arguments: list[str]
) -> None:
    monkeypatch.chdir(marks)
    before = {path: path.read_bytes() for path in marks.iterdir()}
    outcome = likemark(*arguments)
    assert outcome.code == 2
    assert "empty" in outcome.err
    assert {path: path.read_bytes() for path in marks.iterdir()} == before


def test_what_has_another_ending_is_counted(likemark: Run, marks: Path) -> None:
    for name in ("a.heic", "b.heic", "c.pdf", ".hidden"):
        (marks / name).touch()
    outcome = likemark("index", marks)
    assert outcome.code == 0
    assert outcome.err.splitlines()[-1].endswith(
        f"{marks}: 3 files passed over for their ending: 2 .heic, 1 .pdf"
    )


@pytest.mark.parametrize("name", ["register.xlsx", "register.ods", "register.txt"])
def test_a_table_of_another_kind_is_told_how_it_is_read(
    likemark: Run, tmp_path: Path, name: str
) -> None:
    (tmp_path / name).touch()
    outcome = likemark("index", tmp_path / name)
    assert (outcome.code, "save a table as CSV UTF-8" in outcome.err) == (2, True)


def test_nothing_but_refusals_is_exit_code_1(likemark: Run, tmp_path: Path) -> None:
    (tmp_path / "broken.png").write_bytes(b"no picture")
    outcome = likemark("index", tmp_path / "broken.png")
    assert outcome.code == 1
    assert "1 refused (1 not_a_picture)" in outcome.out
    draw_mark(1).save(tmp_path / "sound.png")
    assert likemark("index", tmp_path / "broken.png", tmp_path / "sound.png").code == 0


def test_rows_that_cannot_be_used_are_among_the_reasons(likemark: Run, register: Path) -> None:
    with register.open("a") as stream:
        stream.write(",,,,,,,,,\n" * 2)
    assert "2 refused (2 unusable rows)" in likemark("index", register).out


def test_vectors_stay_where_nothing_new_could_be_read(likemark: Run, marks: Path) -> None:
    out = marks / "v.npz"
    assert likemark("embed", marks, "--out", out).code == 0
    before = out.read_bytes()
    assert likemark("embed", marks / "none.png", "--out", out).code == 1
    assert out.read_bytes() == before


def test_standard_input_is_read_once(likemark: Run, tmp_path: Path) -> None:
    outcome = likemark("embed", "-", "-", "--out", tmp_path / "v.npz")
    assert (outcome.code, "standard input can be read once" in outcome.err) == (2, True)


def test_a_list_says_that_it_goes_on(likemark: Run, register: Path) -> None:
    likemark("index", register)
    first = likemark("list", "--limit", 3)
    last = likemark("list", "--limit", 3, "--json").json["next_after"]
    assert f"there are more: --after {last} goes on" in first.err
    rest = likemark("list", "--after", last, "--json").json
    assert (len(rest["marks"]), rest["next_after"]) == (5, None)
    assert likemark("list", "--limit", 8).err == ""


def test_refused_pictures_are_listed_with_a_limit_and_no_filter(
    likemark: Run, tmp_path: Path
) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / f"{name}.png").write_bytes(b"no picture")
    likemark("index", tmp_path / "a.png", tmp_path / "b.png", tmp_path / "c.png")
    outcome = likemark("list", "--rejected", "--limit", 2, "--json")
    assert len(outcome.json["rejected"]) == 2
    assert "there are more" in outcome.err
    refused = likemark("list", "--rejected", "--nice", 9)
    assert (refused.code, "takes --collection and --limit alone" in refused.err) == (2, True)


@pytest.mark.parametrize("option", ["--status", "--office", "--owner"])
def test_a_filter_by_nothing_is_refused(likemark: Run, register: Path, option: str) -> None:
    likemark("index", register)
    outcome = likemark("list", option, "")
    assert (outcome.code, "names nothing" in outcome.err) == (2, True)


def test_pruning_takes_no_missing_disk_for_an_empty_one(
    likemark: Run, register: Path, tmp_path: Path
) -> None:
    marks = register.parent / "marks"
    likemark("index", register, marks)
    before = likemark("stats", "--json").json
    shutil.move(marks, tmp_path / "away")
    marks.mkdir()
    for given in (register, marks):
        outcome = likemark("index", given, "--prune")
        assert f"{given}: not pruned, since none of its pictures are there" in outcome.err
    after = likemark("stats", "--json").json
    assert (after["marks"], after["pictures"]) == (before["marks"], before["pictures"])


def test_a_value_that_no_mark_has_is_told_from_a_clear_register(
    likemark: Run, register: Path
) -> None:
    likemark("index", register)
    picture = register.parent / "marks" / "mark-0001.png"
    for asked in (["list"], ["query", picture]):
        outcome = likemark(*asked, "--status", "registered,pending", "--office", "em")
        assert outcome.code == 3
        assert "no mark has the status 'registered,pending'; there are: Registered" in outcome.err
        assert "the office" not in outcome.err
    assert likemark("list", "--status", "registered", "--office", "em").code == 0
