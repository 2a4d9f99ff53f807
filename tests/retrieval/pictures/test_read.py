"""Files are opened once, refused by size before reading, and never waited for."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request

posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX files")


def reason(name: str | Path, limits: PictureLimits | None = None) -> str:
    with pytest.raises(PictureError) as caught:
        decode(Request(str(name)), size=32, limits=limits or PictureLimits())
    assert "\n" not in str(caught.value)
    return caught.value.reason


def test_a_file_gives_what_its_bytes_give(
    tmp_path: Path, encode: Callable[..., bytes], mark: Image.Image, see: Callable[..., Picture]
) -> None:
    data = encode(mark, "PNG")
    (tmp_path / "logo.png").write_bytes(data)
    picture = decode(Request(str(tmp_path / "logo.png")), size=64, limits=PictureLimits())
    assert (picture.pixels == see(data).pixels).all()
    assert picture.content == hashlib.sha256(data).digest()
    assert (picture.width, picture.height, picture.format) == (120, 80, "PNG")


def test_an_absent_file_is_missing(tmp_path: Path) -> None:
    assert reason(tmp_path / "no.png") == "missing"
    (tmp_path / "file").touch()
    assert reason(tmp_path / "file" / "no.png") == "missing"


@pytest.mark.parametrize("name", ["", "nul\0byte.png", "x" * 5000 + ".png"])
def test_an_impossible_name_is_refused(name: str) -> None:
    assert reason(name) in ("missing", "unreadable")


def test_an_empty_file_is_empty(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    assert reason(tmp_path / "a.png") == "empty"


@posix
def test_a_folder_is_unreadable(tmp_path: Path) -> None:
    assert reason(tmp_path) == "unreadable"


@posix
def test_a_fifo_without_a_writer_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert reason(tmp_path / "pipe.png") == "unreadable"


@posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null"])
def test_a_device_is_refused(device: str) -> None:
    assert reason(device) == "unreadable"


@posix
@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root reads everything")
def test_a_file_without_permission_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch(mode=0)
    assert reason(tmp_path / "a.png") == "unreadable"


@posix
def test_a_link_in_a_circle_is_unreadable(tmp_path: Path) -> None:
    (tmp_path / "a.png").symlink_to(tmp_path / "a.png")
    assert reason(tmp_path / "a.png") == "unreadable"


def test_a_sparse_file_over_the_limit_is_refused_without_reading_it(tmp_path: Path) -> None:
    with (tmp_path / "a.png").open("wb") as file:
        file.truncate(1 << 40)
    assert reason(tmp_path / "a.png") == "too_many_bytes"


def test_the_limit_of_bytes_is_inclusive(
    tmp_path: Path, encode: Callable[..., bytes], mark: Image.Image
) -> None:
    data = encode(mark, "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data)
    decode(Request(str(path)), size=32, limits=PictureLimits(max_bytes=len(data)))
    assert reason(path, PictureLimits(max_bytes=len(data) - 1)) == "too_many_bytes"


def test_bytes_in_memory_meet_the_same_limit(refuse: Callable[..., PictureError]) -> None:
    error = refuse(b"x" * 101, max_bytes=100)
    assert error.reason == "too_many_bytes"
    assert "101 bytes is over the limit of 100" in error.detail
