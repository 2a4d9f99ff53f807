"""The bytes say what a file is; a name that claims otherwise is refused."""

from __future__ import annotations

import gzip
from collections.abc import Callable

import pytest
from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.sniff import EXTENSIONS, KINDS, check_extension, sniff

SAVED = ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"]


@pytest.mark.parametrize("kind", SAVED)
def test_a_saved_file_is_known_by_its_bytes(
    kind: str, encode: Callable[..., bytes], mark: Image.Image
) -> None:
    assert sniff("x", encode(mark, kind)) == kind


@pytest.mark.parametrize(
    "text",
    [
        "<svg/>",
        "<svg xmlns='http://www.w3.org/2000/svg'></svg>",
        "\ufeff<?xml version='1.0'?>\n<!-- by hand -->\n<svg></svg>",
        "\n\n  <!DOCTYPE svg PUBLIC '-//W3C//DTD SVG 1.1//EN' 'x'><svg:svg\nid='a'/>",
        "<!--" + "x" * 9000 + "--><svg/>",
    ],
)
def test_an_svg_is_known_by_its_root(text: str) -> None:
    assert sniff("x", text.encode()) == "SVG"
    assert sniff("x", text.encode("utf-16")) == "SVG"
    assert sniff("x", gzip.compress(text.encode(), mtime=0)) == "SVG"


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        b"just text",
        b"%PDF-1.7",
        b"PK\x03\x04",
        b"<html><p>no drawing</p></html>",
        b"RIFF\0\0\0\0WAVE",
        b"\0\0\0\x18ftypheic\0\0\0\0heicmif1",
        gzip.compress(b"a log file", mtime=0),
        b"\x1f\x8b broken",
    ],
)
def test_other_bytes_are_no_picture(data: bytes) -> None:
    with pytest.raises(PictureError, match="PNG, JPEG") as caught:
        sniff("x", data)
    assert caught.value.reason == "not_a_picture"


@pytest.mark.parametrize(("suffix", "kind"), EXTENSIONS.items())
def test_every_known_suffix_agrees_with_its_own_kind(suffix: str, kind: str) -> None:
    check_extension(f"folder.png/logo.{suffix}", kind)
    check_extension(f"LOGO.{suffix.upper()}", kind)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ["logo", "logo.dat", "logo.", ".png", "-"])
def test_without_a_known_suffix_the_content_decides(name: str, kind: str) -> None:
    check_extension(name, kind)


def test_a_wrong_suffix_is_answered_with_the_right_one() -> None:
    with pytest.raises(PictureError) as caught:
        check_extension("marks/logo.png", "JPEG")
    assert caught.value.reason == "wrong_extension"
    assert "named .png but its bytes are JPEG" in str(caught.value)
    assert "rename it to 'logo.jpg'" in str(caught.value)
    assert "--any-extension" in str(caught.value)


def test_the_check_of_the_suffix_can_be_switched_off(
    see: Callable[..., object],
    refuse: Callable[..., PictureError],
    encode: Callable[..., bytes],
    mark: Image.Image,
) -> None:
    data = encode(mark, "PNG")
    assert refuse(data, name="logo.gif").reason == "wrong_extension"
    see(data, name="logo.gif", check_extension=False)
