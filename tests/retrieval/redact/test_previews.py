"""Thumbnails in metadata, which would show the marks, are gone; the rest is as it was."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from likemark.retrieval.redact.pictures import redact_picture
from likemark.retrieval.redact.previews import (
    clean_exif,
    clean_photoshop,
    clean_resources,
    clean_xmp,
)
from likemark.retrieval.redact.regions import region_of_box

PLAIN = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8))


def thumbnail() -> bytes:
    stream = io.BytesIO()
    PLAIN.resize((16, 12)).save(stream, "JPEG")
    return stream.getvalue()


def exif_with_thumbnail() -> bytes:
    """One directory with a description, and a second one with a thumbnail (EXIF 2.32, 4.6.8)."""
    small, text = thumbnail(), b"a shop\0\0"
    first = struct.pack("<H", 1) + struct.pack("<HHII", 0x010E, 2, 7, 60) + struct.pack("<I", 26)
    second = struct.pack("<H", 2)
    second += struct.pack("<HHII", 0x0201, 4, 1, 68) + struct.pack(
        "<HHII", 0x0202, 4, 1, len(small)
    )
    second += struct.pack("<I", 0)
    block = b"II*\0" + struct.pack("<I", 8) + first + second
    return b"Exif\0\0" + block.ljust(60, b"\0") + text + small


def test_the_thumbnail_goes_and_the_tags_stay() -> None:
    block = exif_with_thumbnail()
    clean = clean_exif(block)
    assert len(clean) == len(block)
    assert b"\xff\xd8\xff" in block
    assert b"\xff\xd8\xff" not in clean
    tags = Image.Exif()
    tags.load(clean)
    assert tags[0x010E] == "a shop"
    assert not tags.get_ifd(1)


def test_a_block_that_nobody_can_read_is_left_out() -> None:
    assert clean_exif(b"Exif\0\0nonsense") == b""
    assert clean_exif(b"") == b""
    assert clean_photoshop(b"something") == b""


def test_image_resources_lose_their_thumbnails_alone() -> None:
    def resource(number: int, data: bytes) -> bytes:
        return b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(data)) + data

    kept = resource(1028, b"iptc")
    assert clean_resources(resource(1036, b"\xff\xd8\xff?") + kept) == kept
    block = b"Photoshop 3.0\0" + kept + resource(1033, b"ab")
    assert clean_photoshop(block) == b"Photoshop 3.0\0" + kept


def test_xmp_loses_its_pictures() -> None:
    packet = b"<x><xmpGImg:image>/9j/4AAQ</xmpGImg:image><dc:title>a</dc:title></x>"
    assert clean_xmp(packet) == b"<x><dc:title>a</dc:title></x>"


def test_a_jpeg_comes_out_without_its_thumbnail_or_unknown_blocks(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    PLAIN.save(source, exif=exif_with_thumbnail())
    data = source.read_bytes()
    hidden = b"\xff\xe7" + struct.pack(">H", 2 + len(thumbnail())) + thumbnail()
    source.write_bytes(data[:2] + hidden + data[2:] + thumbnail())
    redact_picture(source, target, lambda frame: [region_of_box(10, 10, 20, 20)])
    made = target.read_bytes()
    assert made.count(b"\xff\xd8\xff") == 1
    with Image.open(target) as image:
        assert image.getexif()[0x010E] == "a shop"
        image.load()
