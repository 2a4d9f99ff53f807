"""Picture files of every kind: px outside the marks and metadata are kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageCms, PngImagePlugin, TiffImagePlugin

from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.redact.paint import covered_mask
from likemark.retrieval.redact.pictures import PictureResult, redact_picture
from likemark.retrieval.redact.regions import Pixels, Region, region_of_box
from likemark.retrieval.redact.style import Style

ICC = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
BOX = (30, 20, 30, 24)  # of the px as they are stored
NOISE = np.random.default_rng(5).integers(0, 256, (80, 120, 4), np.uint8)
RGB, DEEP = Image.fromarray(NOISE[..., :3]), Image.fromarray(NOISE[..., 0] * np.uint16(257))


def exif(orientation: int) -> bytes:
    tags = Image.Exif()
    tags[0x010E], tags[0x0112] = "a shop", orientation
    return tags.tobytes()


def stored_box(frame: Pixels) -> list[Region]:
    """BOX, whichever way the picture is turned upright by orientation 6, or by none."""
    x, y, width, height = BOX
    if frame.shape[0] == 120:
        return [region_of_box(80 - y - height, x, height, width)]
    return [region_of_box(x, y, width, height)]


def run(
    folder: Path, name: str, image: Image.Image, **options: Any
) -> tuple[Path, Path, PictureResult]:
    source, target = folder / name, folder / f"new-{name}"
    image.save(source, **options)
    return source, target, redact_picture(source, target, stored_box)


def px(path: Path, mode: str | None = None) -> NDArray[Any]:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode) if mode else image)


def outside() -> NDArray[np.bool_]:
    return covered_mask((80, 120), [region_of_box(*BOX)], Style()) == 0


@pytest.mark.parametrize(
    ("name", "image", "options"),
    [
        ("a.png", RGB, {"exif": exif(6), "icc_profile": ICC}),
        ("a.png", Image.fromarray(NOISE), {}),
        ("a.png", RGB.convert("L"), {}),
        ("a.png", RGB.convert("LA"), {}),
        ("a.png", RGB.convert("1"), {}),
        ("a.png", RGB.quantize(40), {}),
        ("a.png", DEEP, {}),
        ("a.webp", RGB, {"lossless": True, "exif": exif(6), "icc_profile": ICC}),
        ("a.webp", Image.fromarray(NOISE), {"lossless": True, "exact": True}),
        ("a.bmp", RGB, {}),
        ("a.gif", RGB.quantize(40), {}),
        ("a.tif", RGB, {"compression": "tiff_lzw", "icc_profile": ICC}),
        ("a.tif", RGB.convert("CMYK"), {}),
        ("a.tif", RGB.convert("1"), {"compression": "group4"}),
        ("a.tif", DEEP, {}),
    ],
)
def test_px_outside_the_mark_are_bit_identical_in_lossless_files(
    name: str, image: Image.Image, options: dict[str, Any], tmp_path: Path
) -> None:
    source, target, result = run(tmp_path, name, image, **options)
    before, after, kept = px(source), px(target), outside()
    assert before.dtype == after.dtype
    assert (before[kept] == after[kept]).all()
    assert (before[~kept] != after[~kept]).any()
    assert not result.copied
    assert result.notes == ()
    with Image.open(source) as one, Image.open(target) as other:
        assert (one.mode, one.format) == (other.mode, other.format)
        assert one.info.get("icc_profile") == other.info.get("icc_profile")
        assert ("exif" in options) == (0x0112 in one.getexif())
        assert one.getexif().get(0x0112) == other.getexif().get(0x0112)


def test_the_colours_of_a_transparent_gif_stay(tmp_path: Path) -> None:
    image = RGB.quantize(40)
    image.paste(7, (60, 40, 120, 80))
    source, target, _ = run(tmp_path, "a.gif", image, transparency=7)
    before, after = px(source, "RGBA"), px(target, "RGBA")
    assert (before[50:, 70:, 3] == 0).all()
    kept = outside()
    assert (before[kept] == after[kept]).all()
    assert (before[~kept] != after[~kept]).any()


def test_a_compressed_tiff_with_exif_keeps_it_and_says_that_it_grows(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[0x010E] = "a shop"
    tags[0x8769] = {0x9286: b"ASCII\0\0\0hello", 0x927C: b"\xff\xd8\xff small one"}
    RGB.save(tmp_path / "plain.tif", tiffinfo=tags)
    packed = repacked(tmp_path / "plain.tif", tmp_path / "a.tif")
    result = redact_picture(packed, tmp_path / "b.tif", stored_box)
    assert result.notes == (
        f"{packed}: TIFF is written uncompressed, to keep its EXIF",
        f"{packed}: left out of its metadata, which could show a mark: maker's note",
    )
    assert (px(packed)[outside()] == px(tmp_path / "b.tif")[outside()]).all()
    with Image.open(tmp_path / "b.tif") as image:
        assert image.info["compression"] == "raw"
        assert image.getexif()[0x010E] == "a shop"
        assert dict(image.getexif().get_ifd(0x8769)) == {0x9286: b"ASCII\0\0\0hello"}


def repacked(plain: Path, path: Path) -> Path:
    """The same TIFF with its px deflated: what Pillow cannot write beside EXIF."""
    import struct
    import zlib

    data = bytearray(plain.read_bytes())
    assert data[:2] == b"II"
    (at,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, at)
    places = {}
    for number in range(count):
        tag, kind, values, value = struct.unpack_from("<HHII", data, at + 2 + 12 * number)
        places[tag] = (at + 2 + 12 * number + 8, kind, values, value)
    (offset, _, strips, begin), (length, *_, size) = places[273], places[279]
    assert strips == 1
    squeezed = zlib.compress(bytes(data[begin : begin + size]))
    struct.pack_into("<H", data, places[259][0], 8)
    struct.pack_into("<I", data, offset, len(data))
    struct.pack_into("<I", data, length, len(squeezed))
    path.write_bytes(bytes(data) + squeezed)
    return path


def test_the_layers_that_photoshop_hides_in_a_tiff_go(tmp_path: Path) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[37724], tags[33432] = b"Adobe Photoshop Document Data Block\0 the mark", "me"
    tags.tagtype[37724] = 7
    source, target, _ = run(tmp_path, "a.tif", RGB, tiffinfo=tags)
    assert b"the mark" in source.read_bytes()
    assert b"the mark" not in target.read_bytes()
    with Image.open(target) as image:
        assert image.getexif()[33432] == "me"


@pytest.mark.parametrize("width", [535, 540, 720])
def test_a_bmp_of_any_width_has_8_bits_a_channel(width: int, tmp_path: Path) -> None:
    """Pillow tells the bytes of a row, 2160 of them for 720 px."""
    image = RGB.resize((width, 80))
    image.save(tmp_path / "a.bmp")
    redact_picture(tmp_path / "a.bmp", tmp_path / "b.bmp", stored_box)
    assert (px(tmp_path / "b.bmp")[:, 100:] == np.asarray(image)[:, 100:]).all()


def test_a_lying_tiff_stays_lying(tmp_path: Path) -> None:
    tags = Image.Exif()
    tags[0x010E], tags[0x0112] = "a shop", 6
    source, target, _ = run(tmp_path, "a.tif", RGB, compression="tiff_lzw", exif=tags)
    kept = np.rot90(outside(), -1)  # as Pillow turns it
    assert (px(source)[kept] == px(target)[kept]).all()
    with Image.open(target) as image:
        tags = dict(image.getexif())
        assert (tags[0x0112], tags[0x010E]) == (6, "a shop")
        assert image.info["compression"] == "tiff_lzw"


def test_a_jpeg_keeps_its_tables_and_metadata_and_says_that_it_is_encoded_anew(
    tmp_path: Path,
) -> None:
    smooth = RGB.resize((12, 8)).resize((120, 80))
    smooth.paste((230, 20, 20), (36, 24, 46, 40))
    source, target, result = run(
        tmp_path, "a.jpg", smooth, quality=83, exif=exif(6), icc_profile=ICC, comment=b"hello"
    )
    with Image.open(source) as one, Image.open(target) as other:
        assert one.quantization == other.quantization  # type: ignore[attr-defined]
        for key in ("icc_profile", "comment", "exif"):
            assert one.info[key] == other.info[key]
    kept, off = outside(), np.abs(px(source).astype(int) - px(target)).max(axis=2)
    assert off[:, 84:].mean() < 2
    assert off[~kept].max() > 30
    assert "encoded once more" in result.notes[0]
    assert "\n" not in result.notes[0]


def test_a_picture_without_marks_is_copied_byte_for_byte(tmp_path: Path) -> None:
    source, target = tmp_path / "a.jpg", tmp_path / "b.jpg"
    RGB.save(source, quality=50)
    for regions in ([], [region_of_box(500, 500, 10, 10)]):
        result = redact_picture(source, target, lambda frame, found=regions: found)
        assert result.copied
        assert source.read_bytes() == target.read_bytes()


def test_a_locator_sees_a_transparent_picture_upright_on_a_plain_ground(tmp_path: Path) -> None:
    seen: list[Pixels] = []

    def look(frame: Pixels) -> list[Region]:
        seen.append(frame)
        return []

    source = tmp_path / "a.png"
    Image.fromarray(NOISE).save(source, exif=exif(6))
    redact_picture(source, tmp_path / "b.png", look)
    assert seen[0].shape == (120, 80, 3)
    assert seen[0].dtype == np.uint8


def test_text_chunks_of_a_png_stay_and_unknown_ones_follow_their_letter(tmp_path: Path) -> None:
    text = PngImagePlugin.PngInfo()
    text.add_text("Author", "me")
    text.add(b"abCd", b"tied to the px")
    text.add(b"abCd".replace(b"d", b"D"), b"x")
    _, target, _ = run(tmp_path, "a.png", RGB, pnginfo=text, dpi=(300, 300))
    data = target.read_bytes()
    assert b"abCd" in data
    assert b"abCD" not in data
    with Image.open(target) as image:
        assert image.info["Author"] == "me"
        assert image.info["dpi"] == pytest.approx((300, 300), abs=0.1)


def test_texts_of_a_png_lose_the_pictures_in_them(tmp_path: Path) -> None:
    packet = "<x><xmpGImg:image>/9j/4AAQ</xmpGImg:image><dc:title>mine</dc:title></x>"
    text = PngImagePlugin.PngInfo()
    text.add_itxt("XML:com.adobe.xmp", packet, "en", "", zip=True)
    text.add_text("Raw profile type exif", "exif 9 ffd8ffe0", zip=True)
    text.add_text("Comment", packet, zip=True)
    text.add_text("Title", "a long one", zip=True)
    text.add_text("Author", packet)
    source, target, _ = run(tmp_path, "a.png", RGB, pnginfo=text)
    with Image.open(source) as one, Image.open(target) as other:
        one.load()
        other.load()
        assert one.text.keys() - other.text.keys() == {"Raw profile type exif", "Comment"}  # type: ignore[attr-defined]
        assert other.text["Title"] == "a long one"  # type: ignore[attr-defined]
        for name in ("XML:com.adobe.xmp", "Author"):
            assert other.text[name] == "<x><dc:title>mine</dc:title></x>"  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("name", "reason", "write"),
    [
        ("a.tif", "not_a_picture", lambda p: RGB.save(p, save_all=True, append_images=[RGB])),
        ("a.gif", "not_a_picture", lambda p: RGB.save(p, save_all=True, append_images=[DEEP])),
        ("a.tif", "not_a_picture", lambda p: RGB.convert("F").save(p)),
        ("a.svg", "not_a_picture", lambda p: p.write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")),
        ("a.png", "empty", lambda p: p.write_bytes(b"")),
        ("a.jpg", "wrong_extension", lambda p: RGB.save(p, "PNG")),
    ],
)  # fmt: skip
def test_what_cannot_be_written_as_it_was_is_refused_in_one_line(
    name: str, reason: str, write: Callable[[Path], None], tmp_path: Path
) -> None:
    source, target = tmp_path / name, tmp_path / f"new-{name}"
    write(source)
    with pytest.raises(PictureError) as refused:
        redact_picture(source, target, stored_box)
    assert refused.value.reason == reason
    assert "\n" not in str(refused.value)
    assert not target.exists()


def test_a_cut_picture_and_one_that_is_too_large_are_refused(tmp_path: Path) -> None:
    source, target = tmp_path / "a.png", tmp_path / "b.png"
    RGB.save(source)
    with pytest.raises(PictureError, match="too_many_pixels"):
        redact_picture(source, target, stored_box, limits=PictureLimits(max_megapixels=0.001))
    source.write_bytes(source.read_bytes()[:9000])
    with pytest.raises(PictureError, match="truncated"):
        redact_picture(source, target, stored_box)
    assert not target.exists()


def test_colours_of_16_bits_are_refused_rather_than_cut(tmp_path: Path) -> None:
    import cv2

    source = tmp_path / "a.png"
    cv2.imwrite(str(source), NOISE[..., :3].astype(np.uint16) * 257)
    with pytest.raises(PictureError, match="16 bits"):
        redact_picture(source, tmp_path / "b.png", stored_box)


def test_another_format_and_a_missing_folder_are_refused(tmp_path: Path) -> None:
    RGB.save(tmp_path / "a.png")
    with pytest.raises(InvalidInput, match="PNG"):
        redact_picture(tmp_path / "a.png", tmp_path / "b.jpg", stored_box)
    with pytest.raises(NotFound):
        redact_picture(tmp_path / "a.png", tmp_path / "none" / "b.png", stored_box)


def test_a_wide_panorama_is_covered(tmp_path: Path) -> None:
    wide = np.zeros((40, 20_000, 3), np.uint8)
    wide[:] = np.arange(20_000, dtype=np.uint16)[:, None].astype(np.uint8)
    Image.fromarray(wide).save(tmp_path / "a.png")
    place = region_of_box(19_950, 5, 30, 20)
    redact_picture(tmp_path / "a.png", tmp_path / "b.png", lambda frame: [place])
    made = px(tmp_path / "b.png")
    assert (made[:, :19_900] == wide[:, :19_900]).all()
    assert (made[:, 19_950:] != wide[:, 19_950:]).any()
