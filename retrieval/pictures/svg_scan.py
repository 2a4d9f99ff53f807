"""One pass over an SVG's text that refuses what must not reach the renderer."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import unquote_to_bytes
from xml.parsers import expat

from likemark.db.errors import PictureError
from likemark.retrieval.pictures import raster, sniff
from likemark.retrieval.pictures.limits import PictureLimits
from likemark.retrieval.pictures.svg_cost import Cycle, Node, expanded
from likemark.retrieval.pictures.svg_refs import (
    Reference,
    attribute_references,
    external_url,
    is_internal,
    sheet_references,
)

MAX_DEPTH = 256  # levels of elements, with references followed, in each SVG
MAX_ELEMENTS = 200_000  # elements, with references followed
MAX_REFERENCES = 1_000_000  # from one element to another, each rule of a style sheet counted
MAX_NESTED = 3  # SVG inside SVG inside SVG, as embedded data

_SPACE = re.compile(rb"\s+")
# Elements whose `href` draws the element referred to.
_DRAWS = {"use", "image", "feImage", "pattern"}


@dataclass(frozen=True, slots=True)
class Scan:
    """What an SVG that passed the checks comes to."""

    elements: int  # with references followed and embedded SVG counted
    depth: int  # levels, with references followed; embedded SVG have their own
    raster_pixels: int  # px of all embedded raster pictures together
    has_text: bool  # it holds a `text` element


def scan(
    name: str,
    text: str,
    limits: PictureLimits,
    *,
    nested: Callable[[bytes], str],
    level: int = 0,
) -> Scan:
    """Check an SVG's text, and the SVG embedded in it.

    nested: text of an embedded SVG file
    level: how many SVG this one is embedded in
    Raises PictureError, for text that is no SVG too.
    """
    return _Scanner(name, limits, nested, level).run(text)


class _Scanner:
    def __init__(
        self, name: str, limits: PictureLimits, nested: Callable[[bytes], str], level: int
    ) -> None:
        self.name = name
        self.limits = limits
        self.nested = nested
        self.level = level
        self.nodes: list[Node] = []
        self.by_id: dict[str, int] = {}
        self.path: list[int] = []
        self.css: list[str] = []
        self.references = 0
        self.raster_pixels = 0

    def run(self, text: str) -> Scan:
        # The encoding is fixed: a declaration in the text must not be followed a second time.
        parser = expat.ParserCreate("utf-8")
        parser.buffer_text = True
        parser.EntityDeclHandler = self._entity
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        try:
            parser.Parse(text.encode("utf-8"), True)
        except expat.ExpatError as fault:
            raise self._unreadable(fault) from fault
        return self._total()

    def _total(self) -> Scan:
        self._check_sheets()
        try:
            elements, depth = expanded(self.nodes, self.by_id)
        except Cycle as fault:
            raise self._refusal("svg_complex", f"a <{fault}> element draws itself") from fault
        if depth > MAX_DEPTH:
            raise self._too_deep()
        if elements > MAX_ELEMENTS:
            raise self._too_complex(f"it expands to {elements} elements")
        texts = any(node.tag == "text" for node in self.nodes)
        return Scan(elements, depth, self.raster_pixels, texts)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        local = tag.rpartition(":")[2]
        if not self.nodes and local != "svg":
            detail = f"the root element is <{tag}>, not <svg>"
            raise PictureError(self.name, "not_a_picture", detail)
        if len(self.path) >= MAX_DEPTH:
            raise self._too_deep()
        if len(self.nodes) >= MAX_ELEMENTS:
            raise self._too_complex(f"it has over {MAX_ELEMENTS} elements")
        node = Node(local, _keys(local, attributes))
        if self.path:
            self.nodes[self.path[-1]].children.append(len(self.nodes))
        self.path.append(len(self.nodes))
        self.by_id.setdefault(attributes.get("id", ""), len(self.nodes))
        self.nodes.append(node)
        for key, value in attributes.items():
            self._attribute(node, key.rpartition(":")[2], value)

    def _end(self, tag: str) -> None:
        self.path.pop()

    def _characters(self, text: str) -> None:
        if self.path and self.nodes[self.path[-1]].tag == "style":
            self.css.append(text)

    def _attribute(self, node: Node, key: str, value: str) -> None:
        if key == "href":
            self._href(node, value.strip())
        outside = external_url(value)
        if outside is not None:
            raise self._external(outside)
        self._refer(node, attribute_references(key, value))

    def _href(self, node: Node, link: str) -> None:
        if node.tag == "a":
            return
        if not is_internal(link):
            raise self._external(link)
        if link.startswith("#") and node.tag in _DRAWS:
            self._refer(node, (Reference(link[1:], inherited=False),))
        elif link[:5].lower() == "data:":
            self._embedded(node, _payload(link))

    def _refer(self, node: Node, references: Iterable[Reference]) -> None:
        before = len(node.references)
        node.references.extend(references)
        self.references += len(node.references) - before
        if self.references > MAX_REFERENCES:
            raise self._too_complex(f"it makes over {MAX_REFERENCES} references")

    def _embedded(self, node: Node, data: bytes) -> None:
        """Count what a data address holds; what is no picture is not drawn either."""
        try:
            kind = sniff.sniff(self.name, data)
        except PictureError:
            return
        if kind == "SVG":
            self._embedded_svg(node, data)
            return
        width, height = raster.dimensions(self.name, data, kind)
        self.raster_pixels += width * height
        self._check_rasters()

    def _embedded_svg(self, node: Node, data: bytes) -> None:
        if self.level >= MAX_NESTED:
            detail = f"SVG are embedded in one another more than {MAX_NESTED} deep"
            raise self._refusal("svg_nesting", detail)
        inner = scan(
            self.name,
            self.nested(data),
            self.limits,
            nested=self.nested,
            level=self.level + 1,
        )
        node.weight += inner.elements
        self.raster_pixels += inner.raster_pixels
        self._check_rasters()

    def _check_rasters(self) -> None:
        raster.check_size(self.name, (max(self.raster_pixels, 1), 1), self.limits)

    def _check_sheets(self) -> None:
        css = "".join(self.css)
        outside = external_url(css)
        if outside is not None:
            raise self._external(outside)
        rules = sheet_references(css)
        if rules:
            for node in self.nodes:
                for key in node.keys:
                    self._refer(node, rules.get(key, ()))

    def _entity(self, *declared: object) -> None:
        detail = "the SVG declares entities: save it as plain SVG"
        raise PictureError(self.name, "svg_entities", detail)

    def _instruction(self, target: str, data: str) -> None:
        if target == "xml-stylesheet":
            raise self._external(f"<?xml-stylesheet {data}?>")

    def _unreadable(self, fault: expat.ExpatError) -> PictureError:
        # Text that stops inside its root element was cut; anything else was never well-formed.
        cut = fault.code in _CUT and (bool(self.path) or not self.nodes)
        reason = "truncated" if cut else "damaged"
        return self._refusal(reason, f"the SVG's text is broken: {fault}")

    def _external(self, link: str) -> PictureError:
        shown = link if len(link) <= 80 else link[:79] + "…"
        detail = f"the SVG refers to {shown!r} outside itself: embed it or remove it"
        return self._refusal("svg_external", detail)

    def _too_deep(self) -> PictureError:
        detail = f"elements are nested over {MAX_DEPTH} deep: simplify the drawing"
        return self._refusal("svg_nesting", detail)

    def _too_complex(self, what: str) -> PictureError:
        detail = f"{what}: simplify the drawing (limit: {MAX_ELEMENTS} elements)"
        return self._refusal("svg_complex", detail)

    def _refusal(self, reason: str, detail: str) -> PictureError:
        return PictureError(self.name, reason, detail)


_CUT = {
    expat.errors.codes[message]
    for message in (
        expat.errors.XML_ERROR_NO_ELEMENTS,
        expat.errors.XML_ERROR_UNCLOSED_TOKEN,
        expat.errors.XML_ERROR_PARTIAL_CHAR,
        expat.errors.XML_ERROR_UNCLOSED_CDATA_SECTION,
    )
}


def _keys(tag: str, attributes: dict[str, str]) -> tuple[str, ...]:
    classes = attributes.get("class", "").split()
    return (tag, "*", f"#{attributes.get('id', '')}", *(f".{one}" for one in classes))


def _payload(link: str) -> bytes:
    """The bytes of a `data:` address; empty where they cannot be read."""
    head, _, body = link.partition(",")
    data = unquote_to_bytes(body)
    if not head.rstrip().lower().endswith("base64"):
        return data
    bare = _SPACE.sub(b"", data).rstrip(b"=")
    try:
        return base64.b64decode(bare + b"=" * (-len(bare) % 4))
    except ValueError:
        return b""
