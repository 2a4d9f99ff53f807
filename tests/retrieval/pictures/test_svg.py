"""SVG files are drawn whole and alike on every machine."""

from __future__ import annotations

import base64
import codecs
import gzip
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image

from likemark.db.errors import PictureError
from likemark.retrieval.pictures import svg as module
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.picture import Picture

Svg = Callable[..., bytes]
See = Callable[..., Picture]
Refuse = Callable[..., PictureError]

DISC = '<circle cx="50" cy="25" r="20" fill="#d02030"/>'


def drawn(data: bytes) -> Image.Image:
    return module.render("test", data, PictureLimits())


def test_the_longer_side_is_512_px_on_a_transparent_ground(svg: Svg) -> None:
    image = drawn(svg(DISC))
    assert image.mode == "RGBA"
    assert image.size == (512, 256)
    assert image.getpixel((0, 0)) == (0, 0, 0, 0)
    assert image.getpixel((256, 128)) == (0xD0, 0x20, 0x30, 255)


def test_an_svg_becomes_a_picture(svg: Svg, see: See) -> None:
    picture = see(svg(DISC))
    assert (picture.format, picture.width, picture.height) == ("SVG", 512, 256)
    assert picture.pixels[32, 32].tolist() == [0xD0, 0x20, 0x30]
    assert picture.pixels[0, 0].tolist() == [255, 255, 255]


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ('width="100" height="50"', (512, 256)),
        ('width="50mm" height="10cm"', (256, 512)),
        ('width="3in" height="144pt"', (512, 341)),
        ('width="100%" height="100%" viewBox="0 0 10 40"', (128, 512)),
        ('width="10em" viewBox="0 0 40 10"', (512, 128)),
        ('width="0" height="0" viewBox="0 0 100 50"', (512, 256)),
        ('width="-5" height="7" viewBox="0 0 100 50"', (512, 256)),
        ('width="1e9" height="1"', (512, 1)),
        ('width="1" height="1e9"', (1, 512)),
        ('width="nan" height="inf" viewBox="0 0 10 10"', (512, 512)),
    ],
)
def test_any_stated_size_keeps_its_aspect(
    attributes: str, size: tuple[int, int], svg: Svg, see: See
) -> None:
    data = svg('<rect width="100%" height="100%"/>', attributes)
    width, height = drawn(data).size
    assert abs(width - size[0]) <= 1
    assert abs(height - size[1]) <= 1
    assert see(data).pixels.shape == (64, 64, 3)


@pytest.mark.parametrize("attributes", ["", 'viewBox="0 0 0 0"', 'viewBox="a b"', 'width="3q"'])
def test_a_missing_or_broken_size_is_no_fault(attributes: str, svg: Svg, see: See) -> None:
    assert max(see(svg(DISC, attributes)).pixels.shape) == 64


def test_white_ink_on_transparency_stays_visible(svg: Svg, see: See) -> None:
    pixels = see(svg(DISC.replace("#d02030", "white"))).pixels
    assert pixels[32, 32].tolist() == [255, 255, 255]
    assert pixels[0, 0].tolist() == [0, 0, 0]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "latin-1", "cp1252", "shift_jis"])
def test_the_declared_encoding_is_read(encoding: str, svg: Svg) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    data = svg(DISC, head=head).decode().encode(encoding)
    assert drawn(data).size == (512, 256)


@pytest.mark.parametrize("head", [b"\n  ", codecs.BOM_UTF8, codecs.BOM_UTF8 * 2])
def test_what_editors_leave_in_front_is_skipped(head: bytes, svg: Svg) -> None:
    assert drawn(head + svg(DISC, head='<?xml version="1.0"?>')).size == (512, 256)


@pytest.mark.parametrize("encoding", ["klingon", "zip", "hex", "unicode_escape\\", "ascii"])
def test_an_encoding_that_cannot_be_read_is_damaged(
    encoding: str, svg: Svg, refuse: Refuse
) -> None:
    head = f'<?xml version="1.0" encoding="{encoding}"?>'
    data = svg(DISC + "<desc>é</desc>", head=head)
    assert refuse(data + b"\xff").reason == "damaged"


def test_a_compressed_svg_gives_the_same_drawing(svg: Svg, see: See) -> None:
    data = svg(DISC)
    assert see(gzip.compress(data)).artwork == see(data).artwork
    assert see(gzip.compress(data), name="logo.svgz").content != see(data).content


@pytest.mark.parametrize("share", [0.6, 0.8, 0.95])
def test_a_compressed_svg_cut_short_is_truncated(share: float, svg: Svg, refuse: Refuse) -> None:
    data = gzip.compress(svg(DISC + "<!--" + "no repetition 0123456789" + "-->"))
    assert refuse(data[: int(len(data) * share)]).reason in ("truncated", "not_a_picture")


@pytest.mark.parametrize("share", [0.5, 0.8, 0.95, 0.99])
def test_an_svg_cut_short_is_truncated(share: float, svg: Svg, refuse: Refuse) -> None:
    data = svg(DISC * 20)
    assert refuse(data[: int(len(data) * share)]).reason == "truncated"


@pytest.mark.parametrize("body", ["<g></a>", "<g x=1/>", "&nbsp;", "<unbound:x", "\x00", "<g/>]]>"])
def test_broken_xml_is_refused(body: str, svg: Svg, refuse: Refuse) -> None:
    assert refuse(svg(body)).reason in ("damaged", "truncated")


def test_a_page_that_holds_an_svg_is_no_picture(refuse: Refuse) -> None:
    error = refuse(b"<html><svg></svg></html>")
    assert error.reason == "not_a_picture"
    assert "<html>" in error.detail


def test_live_text_alone_is_refused_with_advice(svg: Svg, refuse: Refuse, see: See) -> None:
    text = '<text x="5" y="20">BRAND</text>'
    assert "convert its text to paths" in refuse(svg(text)).detail
    assert see(svg(text + DISC)).artwork == see(svg(DISC)).artwork


def test_an_embedded_raster_is_drawn(svg: Svg, encode: Callable[..., bytes]) -> None:
    red = base64.b64encode(encode(Image.new("RGB", (4, 4), "red"), "PNG")).decode()
    image = f'<image width="100" height="50" preserveAspectRatio="none" xlink:href="{{}}{red}"/>'
    pixels = np.asarray(drawn(svg(image.format("data:image/png;base64,"))))
    assert pixels[128, 256].tolist() == [255, 0, 0, 255]


def test_a_panic_of_the_renderer_is_a_picture_error(
    svg: Svg, refuse: Refuse, monkeypatch: pytest.MonkeyPatch
) -> None:
    class PanicException(BaseException):  # as Rust's binding defines it
        pass

    def panics(text: str) -> bytes:
        raise PanicException("index out of bounds")

    monkeypatch.setattr(module, "_resvg", panics)
    error = refuse(svg(DISC))
    assert error.reason == "damaged"
    assert "index out of bounds" in error.detail


def test_the_drawing_does_not_depend_on_system_fonts(
    svg: Svg, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[bool] = []
    real = module.resvg_py.svg_to_bytes

    def spy(
        *, skip_system_fonts: bool, svg_string: str, width: int, height: int, dpi: int
    ) -> bytes:
        asked.append(skip_system_fonts)
        return real(svg_string=svg_string, skip_system_fonts=skip_system_fonts, width=width)

    monkeypatch.setattr(module.resvg_py, "svg_to_bytes", spy)
    drawn(svg(DISC))
    assert asked == [True]


@pytest.mark.parametrize(
    "content",
    [
        "",
        '<foreignObject width="9" height="9"><p>mark</p></foreignObject>',
    ],
)
def test_an_svg_of_which_nothing_is_seen_is_refused(svg: Svg, refuse: Refuse, content: str) -> None:
    refused = refuse(svg(content))
    assert refused.reason == "damaged"
    assert "draws nothing that can be seen" in refused.detail


def test_a_rule_for_everything_paints_with_a_ramp_of_its_own(svg: Svg) -> None:
    ramp = '<linearGradient id="g"><stop stop-color="#d02030"/></linearGradient>'
    image = drawn(svg(f"<style>*{{fill:url(#g)}}</style>{ramp}{DISC}"))
    assert image.getpixel((256, 128)) == (0xD0, 0x20, 0x30, 255)


@pytest.mark.parametrize("side", ["1e30", "1e-9"])
def test_a_size_beyond_all_measure_draws_nothing_and_is_refused(
    svg: Svg, refuse: Refuse, side: str
) -> None:
    refused = refuse(svg(DISC, f'width="{side}" height="{side}"'))
    assert "draws nothing that can be seen" in refused.detail
