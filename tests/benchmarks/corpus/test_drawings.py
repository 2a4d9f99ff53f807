from __future__ import annotations

import json
from pathlib import Path

import pytest
from support.packages import archive, icon_set

from likemark.benchmarks.corpus.drawings import icon_svg, read_drawings
from likemark.db.errors import InvalidInput

DISC = '<circle cx="12" cy="12" r="9"/>'
MODULE = """"use strict";
exports.slug = "acme";
exports.svg = `<svg id="first"/>`;
exports.variants = {
  "default": `<svg id="a\\`b"/>`,
  "mono": `<svg id="mono"/>`,
};
exports.license = "CC0-1.0";
exports.default = { variants: { "light": `<svg id="not me"/>` } };
"""


def test_an_icon_set_gives_its_icons_with_their_own_box(tmp_path: Path) -> None:
    files = icon_set({"acme": DISC})
    files["icons.json"] = json.dumps(
        {"prefix": "x", "width": 24, "icons": {"acme": {"body": DISC, "height": 12, "left": 3}}}
    )
    (drawing,) = read_drawings(archive(tmp_path / "x.tgz", files), "@x/y", "1.2.3")
    assert 'viewBox="3 0 24 12"' in drawing.svg
    assert DISC in drawing.svg
    assert (drawing.id, drawing.licence, drawing.version) == ("y:acme", "MIT", "1.2.3")


def test_withdrawn_icons_are_left_out(tmp_path: Path) -> None:
    files = icon_set({})
    files["icons.json"] = json.dumps(
        {"icons": {"old": {"body": DISC, "hidden": True}, "new": {"body": DISC}}}
    )
    names = [d.name for d in read_drawings(archive(tmp_path / "x.tgz", files), "p", "1")]
    assert names == ["new"]


def test_the_categories_say_which_icons_are_brands(tmp_path: Path) -> None:
    files = icon_set({"acme": DISC, "arrow": DISC})
    files["metadata.json"] = json.dumps({"categories": {"Brand / Logo": ["acme"], "UI": ["arrow"]}})
    found = read_drawings(archive(tmp_path / "x.tgz", files), "p", "1")
    assert {d.name: d.is_brand for d in found} == {"acme": True, "arrow": False}


def test_a_folder_of_svg_files_gives_each_by_its_name(tmp_path: Path) -> None:
    files = {
        "package.json": json.dumps({"license": "MIT"}),
        "icons/acme.svg": "<svg/>",
        "docs/other.svg": "<svg/>",
    }
    (drawing,) = read_drawings(archive(tmp_path / "x.tgz", files), "p", "1")
    assert (drawing.name, drawing.svg, drawing.is_brand) == ("acme", "<svg/>", True)


def test_a_module_gives_its_variants_unescaped_and_its_own_licence(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.tgz", {"dist/acme.cjs": MODULE, "dist/acme.d.ts": ""})
    found = {d.name: (d.svg, d.licence) for d in read_drawings(path, "p", "1")}
    assert found == {
        "acme": ('<svg id="a`b"/>', "CC0-1.0"),
        "acme-mono": ('<svg id="mono"/>', "CC0-1.0"),
    }


def test_a_package_without_drawings_is_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "x.tgz", {"index.js": ""})
    with pytest.raises(InvalidInput, match="neither an icon set nor SVG"):
        list(read_drawings(path, "p", "1"))


def test_an_icon_that_is_not_there_is_named() -> None:
    with pytest.raises(InvalidInput, match="'nope'"):
        icon_svg({"prefix": "x", "icons": {}}, "nope")
