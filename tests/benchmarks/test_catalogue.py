"""The catalogue at size: made marks are the same each time, and a run measures every filter."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from support.postgres import Server

from likemark.benchmarks.catalogue.__main__ import main
from likemark.benchmarks.catalogue.questions import questions
from likemark.benchmarks.catalogue.server import temporary_server, url_of
from likemark.benchmarks.catalogue.synthetic import BLOCK, Made, made_entries, owner_name
from likemark.db.catalogue import Catalogue
from likemark.db.codes import parse_vienna, valid_nice
from likemark.db.errors import InvalidInput

MADE = Made(BLOCK + 500, dimension=4)


def test_the_same_seed_makes_the_same_marks() -> None:
    one, two = list(made_entries(MADE)), list(made_entries(MADE))
    assert [replace(e, vector=None) for e in one] == [replace(e, vector=None) for e in two]
    assert all(
        np.array_equal(a.vector, b.vector)
        for a, b in zip(one, two, strict=True)
        if a.vector is not None and b.vector is not None
    )
    other = next(iter(made_entries(replace(MADE, seed=1))))
    assert other.content != one[0].content


def test_more_marks_begin_with_the_same_pictures() -> None:
    few = [e.content for e in made_entries(replace(MADE, marks=100))]
    many = [e.content for e in made_entries(replace(MADE, marks=BLOCK))]
    assert len(set(few)) < len(few)
    assert len(set(many)) < len(many)


def test_made_marks_are_what_a_register_could_hold() -> None:
    entries = list(made_entries(MADE))
    assert len({e.mark.key for e in entries}) == MADE.marks
    for entry in entries:
        assert 1 <= len(entry.mark.nice) <= 4
        assert 1 <= len(entry.mark.vienna) <= 5
        assert all(map(valid_nice, entry.mark.nice))
        assert all(parse_vienna(code) == code for code in entry.mark.vienna)
        assert entry.vector is not None
        assert np.linalg.norm(entry.vector) == pytest.approx(1, abs=1e-5)
        assert entry.facts is not None
        assert entry.facts.content == entry.content


def test_a_few_owners_hold_many_marks_and_many_hold_one() -> None:
    owners = Counter(e.mark.owner for e in made_entries(replace(MADE, dimension=0)))
    numbers = sorted(owners.values(), reverse=True)
    assert numbers[0] > 20 * numbers[len(numbers) // 2]
    assert owners.most_common(1)[0][0] == owner_name(0)


@pytest.mark.parametrize(("marks", "dimension"), [(0, 4), (-1, 4), (5, -1)])
def test_what_cannot_be_made_is_refused(marks: int, dimension: int) -> None:
    with pytest.raises(InvalidInput, match="not possible"):
        Made(marks, dimension)


def test_a_run_measures_every_filter_on_both_databases(
    postgres: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "catalogue.json"
    with postgres.database() as url:
        given = ["--marks", "300", "--dimension", "4", "--times", "1", "--database", url]
        given += ["--out", str(out)]
        assert main([*given, "--folder", str(tmp_path)]) == 0
        again = main([*given, "--databases", "postgresql"])
    shown, said = capsys.readouterr()
    assert again == 2
    assert "held marks before" in said
    assert shown.count("| Nice class, rare |") == 2
    document = json.loads(out.read_text())
    assert document["benchmark"] == "catalogue"
    assert url not in out.read_text()
    for measured in document["result"]["databases"]:
        asked = {each["filter"]: each for each in measured["answered"]}
        assert set(asked) == set(questions(MADE))
        assert asked["collection"]["images"] == 300
        assert measured["disk_bytes"] > 0
    assert [path.name for path in tmp_path.iterdir()] == ["catalogue.json"]


def test_an_unknown_database_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--databases", "oracle"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_a_server_of_its_own_leaves_nothing_behind(postgres: Server) -> None:
    del postgres  # it skips where PostgreSQL is not installed
    with ExitStack() as stack:
        folder = stack.enter_context(temporary_server())
        Catalogue.open(url_of(folder)).close()
        assert folder.is_dir()
    assert not folder.exists()
