"""From a downloaded npm package to its drawings as stand-alone SVG documents."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from likemark.db.errors import InvalidInput

ICONS, INFO, METADATA = "package/icons.json", "package/info.json", "package/metadata.json"
_SVG = re.compile(r"package/(?:images/svg|icons|vectors|svg)/[^/]+\.svg")
_MODULE = re.compile(r"package/dist/[^/]+\.cjs")
_TEMPLATE = re.compile(r'"(\w+)": `((?:[^`\\]|\\.)*)`', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_LICENCE = re.compile(r'^exports\.license = "([^"]*)"', re.MULTILINE)
_BRANDS = re.compile(r"brand|logo", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Drawing:
    package: str  # npm package
    version: str  # of it
    name: str  # of the icon in its package
    svg: str  # a stand-alone document
    licence: str  # SPDX expression
    is_brand: bool  # the set's own categories call it a brand's

    @property
    def id(self) -> str:
        return f"{self.package.rpartition('/')[2]}:{self.name}"


def icon_svg(icon_set: dict[str, Any], name: str) -> str:
    """Write one icon of an icon-set JSON as a stand-alone SVG document.

    icon_set: the parsed `icons.json`; an icon's own left, top, width and height override the set's
    name: a key of `icon_set["icons"]` (aliases are not followed)
    Raises InvalidInput for a name the set does not hold. Format: the IconifyJSON type, where left
    and top default to 0, width and height to 16.
    """
    icon = icon_set["icons"].get(name)
    if icon is None:
        raise InvalidInput(f"set {icon_set.get('prefix')!r} has no icon {name!r}: correct its row")
    box = {"left": 0, "top": 0, "width": 16, "height": 16}
    left, top, width, height = (icon.get(k, icon_set.get(k, box[k])) for k in box)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{left} {top} {width} {height}"'
        f' width="{width}" height="{height}">{icon["body"]}</svg>\n'
    )


def read_drawings(archive: Path, package: str, version: str) -> Iterator[Drawing]:
    """All drawings of a package in the order of their names; nothing is unpacked onto the disk.

    archive: the .tgz that `npm pack` wrote: icon-set JSON, a folder of SVG files, or modules that
    export SVG text
    Raises InvalidInput when it is none of them.
    """
    with tarfile.open(archive, "r:gz") as tar:
        members = {m.name: m for m in tar.getmembers() if m.isfile()}
        if ICONS in members:
            icons, info = _json(tar, ICONS), _json(tar, INFO)
            found = _of_icon_set(icons, info, _json(tar, METADATA) if METADATA in members else {})
        elif any(_SVG.fullmatch(name) for name in members):
            found = _of_files(tar, members)
        elif any(_MODULE.fullmatch(name) for name in members):
            found = _of_modules(tar, members)
        else:
            raise InvalidInput(f"{archive.name} holds neither an icon set nor SVG files")
        for name, (svg, licence, is_brand) in sorted(found.items()):
            yield Drawing(package, version, name, svg, licence, is_brand)


def read_icon_set(archive: Path) -> dict[str, Any]:
    """The icon-set JSON of a package. Raises InvalidInput when it holds none."""
    with tarfile.open(archive, "r:gz") as tar:
        if ICONS not in tar.getnames():
            raise InvalidInput(f"{archive.name} holds no file {ICONS}: name an icon-set package")
        return _json(tar, ICONS)


Found = dict[str, tuple[str, str, bool]]  # name: SVG, licence, is a brand's


def _of_icon_set(icons: dict[str, Any], info: dict[str, Any], metadata: dict[str, Any]) -> Found:
    licence = info["license"]["spdx"]
    categories = metadata.get("categories", {}).items()
    brands = {name for title, names in categories if _BRANDS.search(title) for name in names}
    # Hidden icons were withdrawn from their set.
    shown = (name for name, icon in icons["icons"].items() if not icon.get("hidden"))
    return {name: (icon_svg(icons, name), licence, name in brands) for name in shown}


def _of_files(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> Found:
    licence = _json(tar, "package/package.json")["license"]
    paths = [name for name in members if _SVG.fullmatch(name)]
    return {PurePosixPath(p).stem: (_text(tar, p), licence, True) for p in paths}


def _of_modules(tar: tarfile.TarFile, members: dict[str, tarfile.TarInfo]) -> Found:
    found: Found = {}
    for path in members:
        if not _MODULE.fullmatch(path):
            continue
        text = _text(tar, path)
        licence = _LICENCE.search(text)
        variants = text.partition("exports.variants = {")[2].partition("\nexports.")[0]
        for variant, template in _TEMPLATE.findall(variants):
            name = f"{PurePosixPath(path).stem}-{variant.lower()}"
            svg = _ESCAPE.sub(r"\1", template)
            found[name.removesuffix("-default")] = (svg, licence[1] if licence else "", True)
    return found


def _json(tar: tarfile.TarFile, name: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(_text(tar, name))
    return value


def _text(tar: tarfile.TarFile, name: str) -> str:
    file = tar.extractfile(name)
    if file is None:
        raise InvalidInput(f"{name} is no file in its package")
    return file.read().decode("utf-8")
