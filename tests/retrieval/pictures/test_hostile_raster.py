"""Cut, broken and oversized raster files end in one reason, quickly."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures.decode import decode
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture, Request

Encode = Callable[..., bytes]
Refuse = Callable[..., PictureError]

KINDS = ["PNG", "JPEG", "WEBP", "GIF", "TIFF", "BMP", "AVIF"]
FUZZ = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def chunk(tag: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + tag + body + struct.pack(">I", zlib.crc32(tag + body))


def png_of(width: int, height: int, body: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    signature = b"\x89PNG\r\n\x1a\n"
    return signature + chunk(b"IHDR", header) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


@pytest.mark.parametrize("share", [0.1, 0.25, 0.5, 0.75, 0.9, 0.98])
@pytest.mark.parametrize("kind", KINDS)
def test_a_file_cut_short_is_truncated(
    kind: str, share: float, encode: Encode, noise: Image.Image, refuse: Refuse
) -> None:
    data = encode(noise, kind)
    error = refuse(data[: int(len(data) * share)])
    # A TIFF's directory stands at its end: without it nothing says how much is missing.
    assert error.reason in (("truncated", "damaged") if kind == "TIFF" else ("truncated",))


@pytest.mark.parametrize("count", [1, 2, 4, 8, 12, 16, 24, 32])
@pytest.mark.parametrize("kind", KINDS)
def test_the_first_few_bytes_of_a_file_are_refused(
    kind: str, count: int, encode: Encode, noise: Image.Image, refuse: Refuse
) -> None:
    error = refuse(encode(noise, kind)[:count])
    assert error.reason in ("not_a_picture", "truncated", "damaged")


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_overwritten_data_are_damaged(
    kind: str, encode: Encode, noise: Image.Image, refuse: Refuse
) -> None:
    data = bytearray(encode(noise, kind))
    third = len(data) // 3
    data[third : 2 * third] = b"\xa5" * third
    assert refuse(bytes(data)).reason == "damaged"


def test_no_bytes_are_empty(refuse: Refuse) -> None:
    assert refuse(b"").reason == "empty"


def test_a_header_of_huge_dimensions_is_refused_before_decoding(refuse: Refuse) -> None:
    data = png_of(200_000, 200_000, zlib.compress(b"\0" * 100))
    assert len(data) < 200
    error = refuse(data)
    assert error.reason == "too_many_pixels"
    assert "200000 x 200000 px is 40000.0 megapixels, over the limit of 100" in error.detail


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_meets_the_limit_of_pixels(
    kind: str, encode: Encode, refuse: Refuse, see: Callable[..., Picture]
) -> None:
    data = encode(Image.new("RGB", (300, 200), "red"), kind)
    assert refuse(data, max_megapixels=0.0599).reason == "too_many_pixels"
    assert see(data, max_megapixels=0.06).width == 300


def test_a_real_file_that_inflates_a_thousandfold_is_refused(refuse: Refuse) -> None:
    rows = zlib.compress((b"\0" + b"\xff" * 36_000) * 11_000, 9)
    data = png_of(12_000, 11_000, rows)
    assert len(data) < 1_000_000
    assert refuse(data).reason == "too_many_pixels"


def test_a_compressed_text_chunk_cannot_inflate_without_end(refuse: Refuse) -> None:
    sound = png_of(4, 4, zlib.compress((b"\0" + b"\x10" * 12) * 4))
    bomb = chunk(b"zTXt", b"k\0\0" + zlib.compress(b"x" * 200_000_000))
    assert refuse(sound[:33] + bomb + sound[33:]).reason == "damaged"


def test_data_for_fewer_rows_than_promised_are_refused(refuse: Refuse) -> None:
    packer = zlib.compressobj()
    rows = packer.compress(b"\0" * 901 * 20) + packer.flush(zlib.Z_SYNC_FLUSH)
    assert refuse(png_of(300, 300, rows)).reason in ("truncated", "damaged")


def test_a_tiff_whose_directories_form_a_circle_ends(refuse: Refuse) -> None:
    entry = struct.pack("<HHII", 0x0100, 3, 1, 5)
    data = b"II*\0" + struct.pack("<I", 8) + struct.pack("<H", 1) + entry + struct.pack("<I", 8)
    assert refuse(data).reason in ("damaged", "truncated")


@FUZZ
@given(data=st.binary(max_size=400), magic=st.sampled_from(range(9)))
def test_random_bytes_raise_nothing_but_picture_errors(data: bytes, magic: int) -> None:
    heads = [
        b"",
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF89a",
        b"II*\0\x08\0\0\0",
        b"MM\0*",
        b"BM",
        b"RIFF\x40\0\0\0WEBPVP8 ",
        b"\0\0\0\x18ftypavif\0\0\0\0avifmif1",
    ]
    only_picture_errors(heads[magic] + data)


@pytest.mark.parametrize("kind", KINDS)
@FUZZ
@given(data=st.data())
def test_mutated_files_raise_nothing_but_picture_errors(
    kind: str, data: st.DataObject, encode: Encode, mark: Image.Image
) -> None:
    sound = bytearray(encode(mark, kind))
    for _ in range(data.draw(st.integers(1, 8))):
        # Headers hold the dangerous numbers, so half of the changes fall there.
        reach = data.draw(st.sampled_from([64, len(sound)]))
        at = data.draw(st.integers(0, min(reach, len(sound)) - 1))
        sound[at] = data.draw(st.integers(0, 255))
    only_picture_errors(bytes(sound))


def only_picture_errors(data: bytes) -> None:
    try:
        picture = decode(Request("x", data), size=16, limits=PictureLimits(max_megapixels=1))
    except PictureError:
        return
    assert picture.pixels.shape == (16, 16, 3)
