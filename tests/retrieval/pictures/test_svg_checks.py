"""What must not reach the renderer is refused: entities, outside references, endless nesting."""

from __future__ import annotations

import base64
import gzip
import time
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

Svg = Callable[..., bytes]
See = Callable[..., Picture]
Refuse = Callable[..., PictureError]

BOX = '<rect width="90" height="40" fill="#08c"/>'
DTD = '"-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd"'


def quickly(refuse: Refuse, data: bytes, **options: object) -> str:
    started = time.process_time()
    reason = refuse(data, **options).reason
    assert time.process_time() - started < 3
    return reason


def data_uri(kind: str, data: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def test_a_plain_doctype_is_accepted(svg: Svg, see: See) -> None:
    assert see(svg(BOX, head=f"<!DOCTYPE svg PUBLIC {DTD}>")).format == "SVG"
    assert see(svg(BOX, head=f"<!DOCTYPE svg PUBLIC {DTD} []>")).format == "SVG"


@pytest.mark.parametrize(
    "subset",
    [
        '<!ENTITY ns_svg "http://www.w3.org/2000/svg">',
        '<!ENTITY secret SYSTEM "file:///etc/passwd">',
        '<!ENTITY % remote SYSTEM "http://example.com/x.dtd"> %remote;',
        "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10 if i else "ha"}">' for i in range(12)),
    ],
)
def test_entities_are_refused(subset: str, svg: Svg, refuse: Refuse) -> None:
    head = f"<!DOCTYPE svg PUBLIC {DTD} [{subset}]>"
    assert quickly(refuse, svg(BOX, head=head)) == "svg_entities"


@pytest.mark.parametrize(
    "body",
    [
        '<image xlink:href="http://example.com/a.png"/>',
        '<image href="file:///etc/passwd"/>',
        '<image href="../a.png"/>',
        '<image href="&#x68;ttp://example.com"/>',
        '<use xlink:href="other.svg#a"/>',
        '<feImage href="//example.com/a.png"/>',
        '<script xlink:href="a.js"/>',
        '<rect fill="url(http://example.com/a.svg#p)"/>',
        "<rect fill=\"URL( 'a.svg#p' )\"/>",
        '<rect style="filter:url(a.svg#f)"/>',
        "<style>@import 'http://example.com/a.css';</style>",
        "<style>@IMPORT url(a.css);</style>",
        "<style>a{} @font-face{src:url('https://example.com/a.woff')}</style>",
        "<style><![CDATA[.a{fill:url(b.svg#c)}]]></style>",
        '<x:image xmlns:x="http://www.w3.org/2000/svg" x:href="a.png"/>',
    ],
)
def test_references_to_the_outside_are_refused(body: str, svg: Svg, refuse: Refuse) -> None:
    assert refuse(svg(body)).reason == "svg_external"


def test_a_style_sheet_named_before_the_root_is_refused(svg: Svg, refuse: Refuse) -> None:
    head = '<?xml-stylesheet type="text/css" href="a.css"?>'
    assert refuse(svg(BOX, head=head)).reason == "svg_external"


@pytest.mark.parametrize(
    "body",
    [
        f'<a xlink:href="http://example.com">{BOX}</a>',
        f'<linearGradient id="g"/><g fill="url(#g)" style="stroke:url(\'#g\')">{BOX}</g>',
        f'<g id="b">{BOX}</g><use href="#b"/><use xlink:href=" #b "/><use href=""/>',
        f"<style>/* @import url(a.css) */ .a{{fill:red}}</style>{BOX}",
        f"<style>@namespace svg url(http://www.w3.org/2000/svg);</style>{BOX}",
        f"<?php-like instruction?><metadata about='http://example.com'/>{BOX}",
        f"<title>url(http://example.com) @import</title>{BOX}",
        f'<use href="#absent"/><rect fill="url(#absent)"/>{BOX}',
    ],
)
def test_references_within_the_file_are_accepted(body: str, svg: Svg, see: See) -> None:
    assert see(svg(body)).format == "SVG"


@pytest.mark.parametrize("levels", [300, 100_000])
def test_endless_nesting_is_refused(levels: int, svg: Svg, refuse: Refuse) -> None:
    assert quickly(refuse, svg("<g>" * levels + BOX + "</g>" * levels)) == "svg_nesting"
    assert quickly(refuse, svg("<g>" * levels)) == "svg_nesting"


@pytest.mark.parametrize("element", ["g opacity='.9'", "svg", "a", "switch"])
def test_the_deepest_allowed_nesting_is_drawn(element: str, svg: Svg, see: See) -> None:
    levels = 254
    body = f"<{element}>" * levels + BOX + f"</{element.split()[0]}>" * levels
    assert see(svg(body)).format == "SVG"


@pytest.mark.parametrize("kind", ["mask", "pattern", "clipPath"])
def test_the_deepest_allowed_references_are_drawn(kind: str, svg: Svg, see: See) -> None:
    attribute = {"mask": "mask", "pattern": "fill", "clipPath": "clip-path"}[kind]
    levels = 120
    links = "".join(
        f'<{kind} id="p{i}" width="9" height="9"><rect width="90" height="40" '
        f'{attribute}="url(#p{i + 1})"/></{kind}>'
        for i in range(levels)
    )
    body = f'{links}<{kind} id="p{levels}">{BOX}</{kind}><g {attribute}="url(#p0)">{BOX}</g>'
    assert see(svg(BOX + body)).format == "SVG"


def test_a_long_chain_of_references_is_refused(svg: Svg, refuse: Refuse) -> None:
    chain = "".join(f'<g id="u{i}"><use href="#u{i + 1}"/></g>' for i in range(5000))
    assert quickly(refuse, svg(chain + f'<g id="u5000">{BOX}</g>')) == "svg_nesting"


@pytest.mark.parametrize(
    "link",
    [
        '<g id="a{0}">{1}</g>|<use href="#a{0}"/>',
        '<g id="a{0}">{1}</g>|<use xlink:href="#a{0}" x="1"/>',
        '<pattern id="a{0}" width="1" height="1">{1}</pattern>|<rect fill="url(#a{0})"/>',
        '<mask id="a{0}">{1}</mask>|<rect style="opacity:1;mask:url(#a{0})"/>',
        '<marker id="a{0}">{1}</marker>|<path marker-end="url(\'#a{0}\')"/>',
        '<style>.c{0}{{fill:url(#a{0})}}</style><pattern id="a{0}">{1}</pattern>'
        '|<rect class="b c{0}"/>',
    ],
)
def test_exponential_references_are_refused(link: str, svg: Svg, refuse: Refuse) -> None:
    element, use = link.split("|")
    parts = [element.format(i, (use.format(i + 1) if i < 9 else BOX) * 10) for i in range(10)]
    assert quickly(refuse, svg("".join(parts) + use.format(0))) == "svg_complex"


def test_a_paint_inherited_by_a_group_counts_for_each_member(svg: Svg, refuse: Refuse) -> None:
    parts = [
        f'<pattern id="a{i}"><g fill="url(#a{i + 1})">{"<path/>" * 10}</g></pattern>'
        for i in range(10)
    ]
    body = "".join(parts) + '<pattern id="a10"/><g fill="url(#a0)"><path/></g>'
    assert quickly(refuse, svg(body)) == "svg_complex"


def test_very_many_elements_are_refused(svg: Svg, refuse: Refuse) -> None:
    assert quickly(refuse, svg("<g/>" * 200_001)) == "svg_complex"


@pytest.mark.parametrize(
    "body",
    [
        '<g id="a"><use href="#a"/></g>',
        '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>',
        '<pattern id="a"><rect fill="url(#a)"/></pattern>',
        '<mask id="a" mask="url(#a)"/>',
    ],
)
def test_an_element_that_draws_itself_is_refused(body: str, svg: Svg, refuse: Refuse) -> None:
    assert quickly(refuse, svg(body)) == "svg_complex"


def test_many_shapes_may_share_a_gradient_of_many_stops(svg: Svg, see: See) -> None:
    gradient = f'<linearGradient id="g">{"<stop/>" * 500}</linearGradient>'
    assert see(svg(gradient + '<path d="M0 0h9v9z" fill="url(#g)"/>' * 2000)).format == "SVG"


def test_embedded_rasters_over_the_limit_are_refused(
    svg: Svg, refuse: Refuse, see: See, encode: Callable[..., bytes]
) -> None:
    png = encode(Image.new("1", (1000, 1000)), "PNG")
    image = f'<image width="9" height="9" href="{data_uri("image/png", png)}"/>'
    assert see(svg(BOX + image), max_megapixels=1).format == "SVG"
    assert refuse(svg(image * 2), max_megapixels=1).reason == "too_many_pixels"


def test_the_kind_of_an_embedded_file_is_not_believed(
    svg: Svg, refuse: Refuse, encode: Callable[..., bytes]
) -> None:
    png = encode(Image.new("1", (2000, 1000)), "PNG")
    for kind in ("image/jpeg", "text/plain", "image/svg+xml", ""):
        image = f'<image href=" DATA:{kind};base64,{base64.b64encode(png).decode()}"/>'
        data = svg(image)
        assert refuse(data, max_megapixels=1).reason == "too_many_pixels"


def test_an_embedded_svg_is_checked_too(svg: Svg, refuse: Refuse) -> None:
    inner = svg('<image href="http://example.com/a.png"/>')
    for packed in (inner, gzip.compress(inner)):
        image = f'<image href="{data_uri("image/svg+xml", packed)}"/>'
        assert refuse(svg(image)).reason == "svg_external"
    escaped = "".join(f"%{byte:02x}" for byte in inner)
    image = f'<image href="data:image/svg+xml,{escaped}"/>'
    assert refuse(svg(image)).reason == "svg_external"


def test_svg_inside_svg_ends_at_three(svg: Svg, see: See, refuse: Refuse) -> None:
    data = svg(BOX)
    for level in range(1, 5):
        image = f'<image width="90" height="40" href="{data_uri("image/svg+xml", data)}"/>'
        data = svg(BOX + image)
        if level <= 3:
            assert see(data).format == "SVG"
    assert refuse(data).reason == "svg_nesting"


def test_the_elements_of_embedded_svg_count_as_often_as_they_are_used(
    svg: Svg, refuse: Refuse
) -> None:
    inner = data_uri("image/svg+xml", svg("<g/>" * 2000))
    body = f'<g id="i"><image href="{inner}"/></g>' + '<use href="#i"/>' * 100
    assert refuse(svg(body)).reason == "svg_complex"


@pytest.mark.parametrize("text", [b"<!--" + b"x" * 300_000_000, b"\0" * 300_000_000])
def test_a_compressed_bomb_is_refused_without_inflating_it(text: bytes, refuse: Refuse) -> None:
    packer = zlib.compressobj(9, wbits=31)
    bomb = packer.compress(b"<svg>" + text) + packer.flush()
    assert len(bomb) < 400_000
    assert quickly(refuse, bomb, max_bytes=1 << 20) == "too_many_bytes"


@pytest.mark.parametrize("attribute", ["d", "points", "transform", "style", "class", "id"])
def test_long_attributes_end(attribute: str, svg: Svg) -> None:
    started = time.process_time()
    for text in ("url(" * 100_000, "((((" * 100_000, "a:url(#" * 50_000, "/*" * 200_000):
        only_picture_errors(svg(f'<path {attribute}="{text}"/>'))
    assert time.process_time() - started < 6


def test_long_style_sheets_end(svg: Svg) -> None:
    started = time.process_time()
    for text in ("{" * 400_000, "a{" * 200_000, "/*" * 200_000, "a:url(" * 60_000, "@" * 20_000):
        only_picture_errors(svg(f"<style>{text}</style>"))
    assert time.process_time() - started < 6


SOUND = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><defs><pattern id="p" width="2" '
    'height="2"><path d="M0 0h1v1z"/></pattern><filter id="f"><feGaussianBlur stdDeviation="1"/>'
    '</filter></defs><g fill="url(#p)" filter="url(#f)" transform="rotate(9)"><rect width="8" '
    'height="8"/><use href="#p"/></g><style>.a{stroke:#fff}</style></svg>'
)


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(edits=st.lists(st.tuples(st.integers(0, len(SOUND) - 1), st.text(max_size=6)), max_size=5))
def test_mutated_drawings_raise_nothing_but_picture_errors(edits: list[tuple[int, str]]) -> None:
    text = SOUND
    for at, replacement in edits:
        text = text[:at] + replacement + text[at + len(replacement) :]
    only_picture_errors(text.encode("utf-8", "surrogatepass"))


def only_picture_errors(data: bytes) -> None:
    try:
        picture = decode(Request("x", data), size=16, limits=PictureLimits())
    except PictureError:
        return
    assert picture.pixels.shape == (16, 16, 3)
