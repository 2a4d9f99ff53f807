"""Thumbnails in metadata, which would show the marks, are gone; the rest is as it was."""

from __future__ import annotations

import base64
import io
import struct
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms, PngImagePlugin

from likemark.retrieval.redact.exif import clean_exif
from likemark.retrieval.redact.packets import clean_iptc, clean_xmp
from likemark.retrieval.redact.pictures import redact_picture
from likemark.retrieval.redact.regions import region_of_box
from likemark.retrieval.redact.resources import clean_photoshop, clean_resources
from likemark.retrieval.redact.signs import holds_picture, may_stay

PLAIN = Image.fromarray(np.random.default_rng(1).integers(0, 256, (48, 64, 3), np.uint8))

SMALL = PLAIN.resize((16, 12))
ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def thumbnail() -> bytes:
    stream = io.BytesIO()
    SMALL.save(stream, "JPEG")
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


def resource(number: int, data: bytes) -> bytes:
    head = b"8BIM" + struct.pack(">H", number) + b"\0\0" + struct.pack(">I", len(data))
    return head + data + b"\0" * (len(data) % 2)


def data_set(record: int, number: int, data: bytes) -> bytes:
    return bytes([0x1C, record, number]) + struct.pack(">H", len(data)) + data


def xmp(prefix: str, quote: str = "") -> bytes:
    """A packet with a title and a thumbnail: an element's text, or an attribute."""
    small = base64.b64encode(thumbnail()).decode()
    if quote:
        inner = f"<rdf:Description {prefix}:image={quote}{small}{quote}/>"
    else:
        inner = f"<{prefix}:image>{small}</{prefix}:image>"
    return f"<x><dc:title>mine</dc:title>{inner}</x>".encode()


def author_exif(maker: bytes = b"") -> bytes:
    """Orientation, author, rights and date; a maker's note, where there is one."""
    tags = Image.Exif()
    tags[0x0112], tags[0x013B], tags[0x8298] = 6, "Ada L", "mine"
    tags.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    if maker:
        tags.get_ifd(0x8769)[0x927C] = maker
    return tags.tobytes()


def exif_with_strips() -> bytes:
    """A second directory of plain px in two strips."""
    pixels, block = SMALL.tobytes(), bytearray(author_exif()[6:])
    (count,) = struct.unpack_from(">H", block, 8)
    second = len(block)
    struct.pack_into(">I", block, 10 + 12 * count, second)
    arrays = second + 2 + 3 * 12 + 4
    begin, half = arrays + 16, len(pixels) // 2
    entries = ((0x103, 3, 1, 1), (0x111, 4, 2, arrays), (0x117, 4, 2, arrays + 8))
    block += struct.pack(">H", 3) + b"".join(struct.pack(">HHII", *each) for each in entries)
    block += struct.pack(">5I", 0, begin, begin + half, half, len(pixels) - half)
    return b"Exif\0\0" + bytes(block) + pixels


def nested() -> bytes:
    """A preview with a thumbnail of its own."""
    stream = io.BytesIO()
    PLAIN.save(stream, "JPEG", exif=exif_with_thumbnail())
    return b"MAKER\0" + stream.getvalue()


def jpeg_with(marker: int, payload: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        PLAIN.save(path, exif=author_exif(), dpi=(300, 300), icc_profile=ICC)
        data = path.read_bytes()
        size = struct.pack(">H", len(payload) + 2)
        path.write_bytes(data[:2] + bytes([0xFF, marker]) + size + payload + data[2:])

    return write


def saved(**options: Any) -> Callable[[Path], None]:
    return lambda path: PLAIN.save(path, dpi=(300, 300), icc_profile=ICC, **options)


def with_text(name: str, text: str, *, packed: bool = False) -> Callable[[Path], None]:
    texts = PngImagePlugin.PngInfo()
    texts.add_text(name, text, zip=packed)
    texts.add_itxt("Title", "a shop")
    return saved(pnginfo=texts, exif=author_exif())


def tiff_with(tag: int, value: bytes) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        tags = Image.Exif()
        tags.load(author_exif())
        tags[tag] = value
        PLAIN.save(path, exif=tags, dpi=(300, 300), icc_profile=ICC)

    return write


def photoshop(number: int, data: bytes) -> Callable[[Path], None]:
    return jpeg_with(0xED, b"Photoshop 3.0\0" + resource(number, data))


PREVIEW = data_set(2, 80, b"me") + data_set(2, 202, thumbnail())
BASE64 = base64.b64encode(thumbnail()).decode()
HEAD = b"http://ns.adobe.com/xap/1.0/\0"


@pytest.mark.parametrize(
    ("name", "write", "told"),
    [
        ("a.jpg", saved(exif=author_exif(nested())), "maker's note"),
        ("a.jpg", saved(exif=exif_with_strips()), "thumbnail"),
        ("a.jpg", photoshop(1028, PREVIEW), "IPTC data set 2:202"),
        ("a.jpg", photoshop(1058, exif_with_thumbnail()[6:]), "thumbnail"),
        ("a.jpg", photoshop(1060, xmp("xmpGImg")), "thumbnail"),
        ("a.jpg", photoshop(4000, thumbnail()), "Photoshop resource 4000"),
        ("a.jpg", jpeg_with(0xE1, HEAD + xmp("xapGImg")), "thumbnail"),
        ("a.jpg", jpeg_with(0xE1, HEAD + xmp("xmpGImg", "'")), "thumbnail"),
        ("a.jpg", jpeg_with(0xE1, HEAD + xmp("a").replace(b"image", b"Data")), "XMP packet"),
        ("a.jpg", jpeg_with(0xE2, b"FPXR\0" + thumbnail()), "APP2 block"),
        ("a.jpg", jpeg_with(0xFE, BASE64.encode()), "comment"),
        ("a.png", with_text("mxfile", f"data:image/jpeg;base64,{BASE64}"), "text 'mxfile'"),
        ("a.png", with_text("mxfile", BASE64, packed=True), "text 'mxfile'"),
        ("a.webp", saved(lossless=True, exif=author_exif(nested())), "maker's note"),
        ("a.webp", saved(lossless=True, exif=author_exif(), xmp=xmp("xapGImg")), "thumbnail"),
        ("a.avif", saved(exif=author_exif(nested())), "maker's note"),
        ("a.tif", tiff_with(33723, PREVIEW), "IPTC data set 2:202"),
        ("a.tif", tiff_with(700, xmp("xapGImg")), "thumbnail"),
        ("a.tif", tiff_with(34377, resource(1028, PREVIEW)), "IPTC data set 2:202"),
        ("a.tif", saved(exif=author_exif(nested())), "maker's note"),
    ],
)
def test_no_picture_is_left_in_metadata_and_who_made_it_is(
    name: str, write: Callable[[Path], None], told: str, tmp_path: Path
) -> None:
    source, target = tmp_path / name, tmp_path / f"new-{name}"
    write(source)
    result = redact_picture(source, target, lambda frame: [region_of_box(10, 10, 20, 20)])
    assert is_hidden_in(source)
    assert not is_hidden_in(target)
    line = f"{source}: left out of its metadata, which could show a mark: {told}"
    assert result.notes[-1] == line
    with Image.open(source) as old, Image.open(target) as new:
        old.load()
        new.load()
        assert new.info.get("icc_profile") == ICC
        assert new.info.get("dpi") == pytest.approx(old.info["dpi"]) if "dpi" in old.info else True
        tags = new.getexif()
        assert (tags[0x013B], tags[0x8298]) == ("Ada L", "mine")
        assert tags.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"
        assert tags.get(0x0112) == old.getexif().get(0x0112)


def test_a_gif_keeps_a_comment_without_a_picture_alone(tmp_path: Path) -> None:
    source, target = tmp_path / "a.gif", tmp_path / "b.gif"
    for comment, kept in ((b"made by Ada L", b"made by Ada L"), (BASE64.encode(), None)):
        PLAIN.quantize(16).save(source, comment=comment)
        result = redact_picture(source, target, lambda frame: [region_of_box(10, 10, 20, 20)])
        with Image.open(target) as image:
            assert image.info.get("comment") == kept
        assert len(result.notes) == (kept is None)


def test_a_directory_that_leads_back_or_nowhere_goes_alone() -> None:
    block = bytearray(author_exif())
    link = block.index(struct.pack(">HHI", 0x8769, 4, 1)) + 8
    for place in (8, 60_000):
        struct.pack_into(">I", block, link, place)
        told: list[str] = []
        clean = clean_exif(bytes(block), told.append)
        tags = Image.Exif()
        tags.load(clean)
        assert (tags[0x013B], tags[0x0112], told) == ("Ada L", 6, ["EXIF tag 34665"])


def test_a_directory_without_a_link_loses_no_value() -> None:
    """Some cameras write the first value where the link should be."""
    block = bytearray(author_exif()[6:])
    at = len(block)
    link = block.index(struct.pack(">HHI", 0x8769, 4, 1)) + 8
    struct.pack_into(">I", block, link, at)
    block += struct.pack(">HHHII", 1, 0x9003, 2, 20, at + 14) + b"2024:05:06 07:08:09\0"
    tags = Image.Exif()
    tags.load(clean_exif(bytes(block)))
    assert tags.get_ifd(0x8769)[0x9003] == "2024:05:06 07:08:09"


def test_hostile_texts_are_looked_through_in_linear_time() -> None:
    began = time.monotonic()
    for part in (b"A" * 59 + b" ", b"A" * 179 + b" -", b"<image ", b"a:", b"a", b"<a."):
        clean_xmp(part * (300_000 // len(part)))
    assert time.monotonic() - began < 5


def is_hidden_in(path: Path) -> bool:
    """Whether the small picture is there, its px or its last bytes, packed or not."""
    data = path.read_bytes()
    if path.suffix == ".png":
        with Image.open(path) as image:
            image.load()
            data += "".join(image.text.values()).encode()  # type: ignore[attr-defined]
    end, pixels = thumbnail()[-60:-2], SMALL.tobytes()
    return any(each in data for each in (end, BASE64[-60:].encode(), pixels[: len(pixels) // 2]))


def test_texts_of_all_kinds_may_stay() -> None:
    for text in ("a long story. " * 200, "ein Bär, 商標 " * 200, "0, 12, 128, 255, " * 100):
        assert may_stay(text.encode())
        assert may_stay(text.encode("utf-16-le"))
    assert may_stay(("Jürgen Müller, Zürich. " * 80).encode("latin-1"))
    assert may_stay(bytes(5000))
    assert may_stay(b"0123456789abcdef" * 4 + b" " * 3000)
    assert may_stay(b"\x93\xff" * 200)
    assert not may_stay(PLAIN.tobytes())


def test_pictures_show_themselves_in_every_disguise() -> None:
    lines = "\n".join(BASE64[at : at + 76] for at in range(0, len(BASE64), 76))
    for text in (BASE64, lines, lines.replace("\n", "&#xA;"), BASE64.replace("/", "\\/"),
                 BASE64.replace("/", "%2F").replace("+", "%2B"), thumbnail().hex(),
                 "data%3Aimage%2Fpng,x", "&lt;svg xmlns=", "<a:svg>"):  # fmt: skip
        assert holds_picture(text.encode())
        assert holds_picture(text.encode("utf-16-le"))


def test_the_thumbnail_goes_and_the_tags_stay() -> None:
    block = exif_with_thumbnail()
    clean = clean_exif(block)
    assert block.startswith(clean[:14])
    assert len(clean) <= len(block) - len(thumbnail())
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


def test_iptc_keeps_its_texts() -> None:
    kept = data_set(2, 116, b"mine") + data_set(2, 120, b"a caption " * 150)
    assert clean_iptc(kept + data_set(2, 200, b"\0\1") + data_set(8, 10, b"px") + b"\0") == kept


def test_image_resources_lose_their_thumbnails_alone() -> None:
    kept = resource(1028, data_set(2, 80, b"me"))
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
