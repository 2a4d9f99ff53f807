from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.embedded import embedded
from likemark.benchmarks.encoders import Pixels, Rows
from likemark.db.errors import LikemarkError

COUNT = 1300  # more than two blocks
PICTURES = [np.full((4, 4, 3), i % 251, np.uint8) for i in range(COUNT)]


class Killed(Exception):
    pass


@dataclass
class Counting:
    """Rows that follow from the pixels, a count of how many were asked for, and a break-down."""

    name: str = "counting"
    dimension: int = 3
    breaks_at: int | None = None
    asked: list[int] = field(default_factory=list)

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.name.encode()).hexdigest()

    def encode(self, pictures: Iterable[Pixels]) -> Iterator[Rows]:
        for picture in pictures:
            if len(self.asked) == self.breaks_at:
                raise Killed
            self.asked.append(int(picture[0, 0, 0]))
            row = np.array([1.0, picture[0, 0, 0], 2.0], np.float32)
            yield (row / np.linalg.norm(row)).astype(np.float32)


def test_each_picture_is_encoded_once(tmp_path: Path) -> None:
    encoder = Counting()
    first = np.array(embedded(encoder, PICTURES, tmp_path, data="d"))
    again = np.array(embedded(encoder, PICTURES, tmp_path, data="d"))
    assert len(encoder.asked) == COUNT
    np.testing.assert_array_equal(first, again)
    np.testing.assert_array_equal(first, np.stack(list(Counting().encode(PICTURES))))


def test_fewer_pictures_take_the_first_rows_and_more_add_to_them(tmp_path: Path) -> None:
    encoder = Counting()
    few = np.array(embedded(encoder, PICTURES[:700], tmp_path, data="d"))
    many = np.array(embedded(encoder, PICTURES, tmp_path, data="d"))
    assert len(encoder.asked) == COUNT
    np.testing.assert_array_equal(many[:700], few)
    assert len(embedded(encoder, PICTURES[:5], tmp_path, data="d")) == 5


def test_a_run_that_broke_goes_on_where_it_was(tmp_path: Path) -> None:
    with pytest.raises(Killed):
        embedded(Counting(breaks_at=1200), PICTURES, tmp_path, data="d")
    (path,) = tmp_path.iterdir()
    with path.open("ab") as file:
        file.write(b"torn")  # part of a row
    encoder = Counting()
    rows = np.array(embedded(encoder, PICTURES, tmp_path, data="d"))
    assert len(encoder.asked) == COUNT - 1024
    np.testing.assert_array_equal(rows, np.stack(list(Counting().encode(PICTURES))))


def test_other_data_and_other_encoders_have_files_of_their_own(tmp_path: Path) -> None:
    embedded(Counting(), PICTURES[:3], tmp_path, data="d")
    embedded(Counting(), PICTURES[:3], tmp_path, data="e")
    embedded(Counting(name="other"), PICTURES[:3], tmp_path, data="d")
    assert len(list(tmp_path.iterdir())) == 3


def test_a_cache_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(LikemarkError, match="cannot be written"):
        embedded(Counting(), PICTURES[:3], tmp_path / "file", data="d")
