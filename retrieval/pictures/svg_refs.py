"""The references inside an SVG: `href`, `url(...)` and the style sheets' rules."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

# Every pattern here must take linear time in hostile text.
_COMMENT = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_NAMESPACE = re.compile(r"@namespace\b[^;]*;?", re.IGNORECASE)
_IMPORT = re.compile(r"@import\b", re.IGNORECASE)
_URL = re.compile(r"url\(\s*[\"']?\s*([^)\"']*)", re.IGNORECASE)
_SELECTED = re.compile(r"[.#]?[\w-]+|\*")
# Properties that every element inside a group draws again for itself.
_INHERITED = {"fill", "stroke", "marker", "marker-start", "marker-mid", "marker-end"}


@dataclass(frozen=True, slots=True)
class Reference:
    """A use of one element by another."""

    target: str  # id of the element referred to
    inherited: bool  # drawn by each element inside the one that refers, not once


def is_internal(link: str) -> bool:
    """Whether a link stays inside the file: a fragment, embedded data, or nothing at all."""
    bare = link.strip()
    return not bare or bare.startswith("#") or bare[:5].lower() == "data:"


def external_url(text: str) -> str | None:
    """The first outside address that a style or an attribute's value would fetch."""
    if "@" not in text and "(" not in text:
        return None
    bare = _NAMESPACE.sub("", _COMMENT.sub("", text))
    if _IMPORT.search(bare):
        return "@import"
    return next((link for link in _URL.findall(bare) if not is_internal(link)), None)


def attribute_references(
    attribute: str, value: str, *, in_style: bool = False
) -> Iterator[Reference]:
    """The elements that one attribute's value draws with: `fill="url(#x)"` or `style="..."`."""
    if "(" not in value:
        return
    if attribute == "style" and not in_style:
        yield from _declared(value)
        return
    for link in _URL.findall(value):
        if link.startswith("#"):
            yield Reference(link[1:].strip(), attribute in _INHERITED)


def sheet_references(css: str) -> dict[str, set[Reference]]:
    """What each selected name draws with, read generously: `.a`, `#b`, `g` and `*` are keys.

    Every simple name of a selector is taken alone, so that no rule that applies is missed.
    """
    found: dict[str, set[Reference]] = {}
    for rule in _COMMENT.sub("", css).split("}"):
        selector, _, body = rule.rpartition("{")
        references = set(_declared(body))
        if references:
            for key in _SELECTED.findall(selector):
                found.setdefault(key, set()).update(references)
    return found


def _declared(body: str) -> Iterator[Reference]:
    for declaration in body.split(";"):
        name, _, value = declaration.partition(":")
        yield from attribute_references(name.strip().lower(), value, in_style=True)
