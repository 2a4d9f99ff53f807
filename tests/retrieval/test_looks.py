"""What `--parts` has read of pictures is kept for the next command, and never in its way."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from likemark.retrieval import looks as looks_module
from likemark.retrieval.looks import Looks
from likemark.retrieval.parts import SIDE, Grey


def greys(*numbers: int) -> dict[bytes, Grey]:
    """Of their own, by their own hashes."""
    return {
        number.to_bytes(32, "big"): np.random.default_rng(number).integers(
            0, 256, (SIDE, SIDE), dtype=np.uint8
        )
        for number in numbers
    }


def same(found: dict[bytes, Grey], wanted: dict[bytes, Grey]) -> bool:
    return found.keys() == wanted.keys() and all(
        np.array_equal(found[content], wanted[content]) for content in wanted
    )


def test_what_one_has_kept_another_finds(tmp_path: Path) -> None:
    kept = greys(*range(1200))  # more than are asked for at once
    Looks(tmp_path / "looks.db").keep(kept)
    found = Looks(tmp_path / "looks.db").get([*kept, *greys(9999)])
    assert same(found, kept)


def test_where_nothing_is_kept_nothing_is_found_or_made(tmp_path: Path) -> None:
    assert Looks(tmp_path / "looks.db").get(list(greys(1, 2))) == {}
    assert not list(tmp_path.iterdir())


def test_the_same_is_kept_once(tmp_path: Path) -> None:
    looks = Looks(tmp_path / "looks.db")
    for _ in range(3):
        looks.keep(greys(1, 2))
    with sqlite3.connect(tmp_path / "looks.db") as database:
        assert database.execute("select count(*) from looks_1").fetchone() == (2,)
    database.close()


@pytest.mark.parametrize("damage", [b"no zlib", b"", looks_module.zlib.compress(b"too short")])
def test_a_damaged_one_is_missing_until_it_is_kept_again(tmp_path: Path, damage: bytes) -> None:
    looks, kept = Looks(tmp_path / "looks.db"), greys(1, 2, 3)
    looks.keep(kept)
    first = next(iter(kept))
    with sqlite3.connect(tmp_path / "looks.db") as database:
        database.execute("update looks_1 set grey = ? where content = ?", (damage, first))
    database.close()
    assert looks.get(list(kept)).keys() == kept.keys() - {first}
    looks.keep({first: kept[first]})
    assert same(looks.get(list(kept)), kept)


def test_a_file_that_is_no_database_is_begun_anew(tmp_path: Path) -> None:
    file, kept = tmp_path / "looks.db", greys(1, 2)
    file.write_bytes(b"no database, and long enough to be seen as none" * 100)
    looks = Looks(file)
    assert looks.get(list(kept)) == {}
    looks.keep(kept)
    assert same(looks.get(list(kept)), kept)


def test_where_nothing_can_be_written_nothing_is_kept(tmp_path: Path) -> None:
    looks = Looks(tmp_path / "nowhere" / "looks.db")
    looks.keep(greys(1))
    assert looks.get(list(greys(1))) == {}


def test_a_file_in_use_is_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looks_module, "_PATIENCE", 0.01)
    looks, kept = Looks(tmp_path / "looks.db"), greys(1, 2)
    looks.keep(kept)
    other = sqlite3.connect(tmp_path / "looks.db", isolation_level=None)
    other.execute("begin exclusive")
    assert looks.get(list(kept)) == {}
    looks.keep(greys(3))
    other.execute("rollback")
    other.close()
    assert same(looks.get([*kept, *greys(3)]), kept)


def test_of_too_many_the_first_written_are_forgotten(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(looks_module, "KEPT", 3)
    looks = Looks(tmp_path / "looks.db")
    for number in range(5):
        looks.keep(greys(number))
    assert same(looks.get(list(greys(*range(5)))), greys(2, 3, 4))
