"""Every raster kind and pixel mode becomes the same upright RGB picture."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from likemark.db.errors import PictureError
from likemark.retrieval.pictures import raster
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Crop, Picture

Encode = Callable[..., bytes]
See = Callable[..., Picture]

LOSSLESS: list[tuple[str, dict[str, Any]]] = [
    ("PNG", {}),
    ("BMP", {}),
    ("TIFF", {}),
    ("TIFF", {"compression": "tiff_lzw"}),
    ("TIFF", {"compression": "tiff_adobe_deflate"}),
    ("WEBP", {"lossless": True}),
]


def first_frame(data: bytes, kind: str) -> np.ndarray:
    return np.asarray(raster.load("test", data, kind, PictureLimits()))


@pytest.mark.parametrize(("kind", "options"), LOSSLESS)
def test_the_same_picture_has_one_artwork_in_every_lossless_file(
    kind: str, options: dict[str, Any], encode: Encode, mark: Image.Image, see: See
) -> None:
    picture, png = see(encode(mark, kind, **options)), see(encode(mark, "PNG"))
    assert picture.artwork == png.artwork
    assert (picture.pixels == png.pixels).all()
    assert picture.format == kind
    assert len(picture.artwork) == len(picture.content) == 32


@pytest.mark.parametrize(
    ("kind", "options"),
    [("JPEG", {"quality": 90}), ("WEBP", {"quality": 90}), ("AVIF", {"quality": 90}), ("GIF", {})],
)
def test_lossy_files_come_close(
    kind: str, options: dict[str, Any], encode: Encode, mark: Image.Image, see: See
) -> None:
    found = see(encode(mark, kind, **options)).pixels.astype(int)
    assert np.abs(found - see(encode(mark, "PNG")).pixels).mean() < 4


def test_the_artwork_forgets_the_border_but_not_the_shape(
    encode: Encode, mark: Image.Image, see: See
) -> None:
    wide = Image.new("RGB", (300, 200), "white")
    wide.paste(mark, (90, 70))
    assert see(encode(wide, "PNG")).artwork == see(encode(mark, "PNG")).artwork
    flat, tall = Image.new("RGB", (4, 9), "red"), Image.new("RGB", (9, 4), "red")
    assert see(encode(flat, "PNG")).artwork != see(encode(tall, "PNG")).artwork


@pytest.mark.parametrize("mode", ["1", "L", "P", "LA", "RGBA", "PA"])
def test_grey_palette_and_alpha_modes_keep_their_look(
    mode: str, encode: Encode, mark: Image.Image, see: See
) -> None:
    kind = "TIFF" if mode == "PA" else "PNG"
    image = mark.convert("P").convert("PA") if mode == "PA" else mark.convert(mode)
    try:
        data = encode(image, kind)
    except (OSError, KeyError):
        data = encode(image.convert("RGBA"), kind)
    expected = see(encode(image.convert("RGBA").convert("RGB"), "PNG"))
    assert (see(data).pixels == expected.pixels).all()


def test_a_transparent_palette_entry_is_transparent(encode: Encode) -> None:
    image = Image.new("P", (20, 20), 0)
    image.putpalette([255, 0, 255, 0, 0, 0] + [0] * 762)
    image.paste(1, (5, 5, 15, 15))
    for transparency in (0, bytes([0, 255])):
        pixels = first_frame(encode(image, "PNG", transparency=transparency), "PNG")
        assert pixels.shape == (20, 20, 4)
        assert pixels[0, 0, 3] == 0
        assert tuple(pixels[10, 10]) == (0, 0, 0, 255)
    assert first_frame(encode(image, "GIF", transparency=0), "GIF")[0, 0, 3] == 0


@pytest.mark.parametrize(("mode", "key"), [("L", 255), ("RGB", (255, 255, 255))])
def test_a_transparent_colour_without_palette_is_transparent(
    mode: str, key: Any, encode: Encode, mark: Image.Image
) -> None:
    pixels = first_frame(encode(mark.convert(mode), "PNG", transparency=key), "PNG")
    assert pixels[0, 0, 3] == 0
    assert pixels[40, 40, 3] == 255


@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bit_grey_is_scaled_not_clipped(kind: str, encode: Encode) -> None:
    ramp = np.linspace(0, 65535, 256).round().astype(np.uint16).reshape(1, 256)
    pixels = first_frame(encode(Image.fromarray(ramp.repeat(4, axis=0)), kind), kind)
    assert (pixels[0, :, 0] == np.arange(256)).all()


@pytest.mark.parametrize("top", [1.0, 255.0, 65535.0])
def test_a_float_tiff_is_scaled_by_the_range_it_fills(top: float, encode: Encode) -> None:
    ramp = (np.linspace(0, top, 256, dtype=np.float32)).reshape(1, 256)
    pixels = first_frame(encode(Image.fromarray(ramp), "TIFF"), "TIFF")
    assert np.abs(pixels[0, :, 0].astype(int) - np.arange(256)).max() <= 1


def test_a_float_tiff_of_odd_values_is_stretched_and_survives_nan(encode: Encode) -> None:
    values = np.array([[-3.0, 1e6, np.nan, np.inf, -np.inf]], np.float32)
    pixels = first_frame(encode(Image.fromarray(values), "TIFF"), "TIFF")
    assert pixels[0, :, 0].tolist() == [0, 255, 0, 255, 0]


@pytest.mark.parametrize(("top", "level"), [(200, 200), (65535, 255), (2**30, 255)])
def test_a_32_bit_tiff_is_scaled(top: int, level: int, encode: Encode) -> None:
    values = np.array([[0, top]], np.int32)
    pixels = first_frame(encode(Image.fromarray(values), "TIFF"), "TIFF")
    assert pixels[0, :, 0].tolist() == [0, level]


@pytest.mark.parametrize("mode", ["LAB", "YCbCr"])
def test_other_colour_spaces_are_converted(mode: str, encode: Encode, mark: Image.Image) -> None:
    if mode == "LAB":
        srgb, lab = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
        image = ImageCms.profileToProfile(mark, srgb, lab, outputMode="LAB")
        assert image is not None
    else:
        image = mark.convert(mode)
    pixels = first_frame(encode(image, "TIFF"), "TIFF").astype(int)
    assert np.abs(pixels[..., :3] - np.asarray(mark)).mean() < 4


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_is_converted(kind: str, encode: Encode, mark: Image.Image) -> None:
    pixels = first_frame(encode(mark.convert("CMYK"), kind), kind).astype(int)
    assert np.abs(pixels - np.asarray(mark)).mean() < 4


def test_cmyk_jpeg_looks_the_same_without_the_adobe_marker(
    encode: Encode, mark: Image.Image
) -> None:
    data = encode(mark.convert("CMYK"), "JPEG")
    at = data.index(b"\xff\xee")
    length = int.from_bytes(data[at + 2 : at + 4], "big")
    bare = data[:at] + data[at + 2 + length :]
    assert b"Adobe" in data
    assert b"Adobe" not in bare
    # As browsers do: inks in a JPEG are stored inverted, marker or not.
    assert (first_frame(bare, "JPEG") == first_frame(data, "JPEG")).all()


def test_a_broken_cmyk_profile_falls_back_to_the_plain_formula(
    encode: Encode, mark: Image.Image
) -> None:
    inks = mark.convert("CMYK")
    data = encode(inks, "JPEG", icc_profile=b"not a profile")
    assert (first_frame(data, "JPEG") == first_frame(encode(inks, "JPEG"), "JPEG")).all()


def test_a_profile_of_another_space_does_not_stop_cmyk(encode: Encode, mark: Image.Image) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    data = encode(mark.convert("CMYK"), "JPEG", icc_profile=profile)
    assert first_frame(data, "JPEG").shape == (80, 120, 3)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(
    orientation: int, kind: str, encode: Encode, mark: Image.Image, see: See
) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    stored = mark
    # The transposition that undoes what a viewer does for this orientation.
    undo = {2: 0, 3: 3, 4: 1, 5: 5, 6: 2, 7: 6, 8: 4}
    if orientation in undo:
        stored = mark.transpose(Image.Transpose(undo[orientation]))
    options: dict[str, Any] = {"quality": 100} if kind == "JPEG" else {}
    if kind == "WEBP":
        options = {"lossless": True}
    picture = see(encode(stored, kind, exif=exif, **options))
    assert (picture.width, picture.height) == (120, 80)
    plain = see(encode(mark, "PNG")).pixels.astype(int)
    assert np.abs(picture.pixels - plain).mean() < 5


def test_broken_exif_is_no_reason_to_refuse(encode: Encode, mark: Image.Image, see: See) -> None:
    assert see(encode(mark, "JPEG", exif=b"Exif\0\0II*\0garbage")).format == "JPEG"


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "PNG", "AVIF", "TIFF"])
def test_an_animation_is_read_as_its_first_frame(
    kind: str, encode: Encode, mark: Image.Image, see: See
) -> None:
    others = [Image.new("RGB", mark.size, colour) for colour in ("black", "green")]
    options = {"lossless": True} if kind == "WEBP" else {}
    data = encode(mark, kind, save_all=True, append_images=others, **options)
    found = see(data).pixels.astype(int)
    assert np.abs(found - see(encode(mark, "PNG")).pixels).mean() < 4


def test_a_stereo_jpeg_is_read_as_its_first_picture(
    encode: Encode, mark: Image.Image, see: See
) -> None:
    other = Image.new("RGB", mark.size, "black")
    data = encode(mark, "MPO", save_all=True, append_images=[other])
    found = see(data)
    assert found.format == "JPEG"
    assert (found.pixels == see(encode(mark, "JPEG")).pixels).all()


def test_a_crop_is_taken_from_the_upright_picture(
    encode: Encode, mark: Image.Image, see: See
) -> None:
    data = encode(mark, "PNG")
    cut = see(encode(mark.crop((60, 20, 110, 70)), "PNG"))
    picture = see(data, crop=Crop(60, 20, 50, 50))
    assert picture.artwork == cut.artwork
    assert (picture.width, picture.height) == (120, 80)
    assert see(data, crop=Crop(-50, -50, 5000, 5000)).artwork == see(data).artwork


@pytest.mark.parametrize("crop", [Crop(120, 0, 5, 5), Crop(0, 80, 5, 5), Crop(-9, 0, 9, 9)])
def test_a_crop_beside_the_picture_is_refused(
    crop: Crop, encode: Encode, mark: Image.Image, refuse: Callable[..., PictureError]
) -> None:
    error = refuse(encode(mark, "PNG"), crop=crop)
    assert error.reason == "crop_outside"
    assert "120 x 80 px" in error.detail


def test_pillows_global_limit_is_left_alone_and_not_used(
    encode: Encode, see: See, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 100)
    assert see(encode(Image.new("RGB", (50, 50)), "PNG")).width == 50
    assert Image.MAX_IMAGE_PIXELS == 100


def test_a_bmp_of_zero_width_is_damaged(
    encode: Encode, refuse: Callable[..., PictureError]
) -> None:
    data = bytearray(encode(Image.new("RGB", (4, 4)), "BMP"))
    data[18:22] = struct.pack("<i", 0)
    assert refuse(bytes(data)).reason == "damaged"
