from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from support.packages import Registry, icon_set

from likemark.benchmarks.corpus.drawings import Drawing
from likemark.benchmarks.corpus.packages import (
    LICENCES,
    SOURCES,
    Source,
    drawings,
    fetch,
    read_sources,
)
from likemark.db.errors import InvalidInput, LikemarkError

RESERVED = ("token", "crypto", "arcticons", "cbi", "web3", "football", "beer")


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    return Registry(tmp_path)


def source(kind: str = "mixed", brands: str = "") -> Source:
    return Source(kind, "@x/y", "1", "sha512-", brands)  # type: ignore[arg-type]


def drawing(name: str, *, is_brand: bool = False) -> Drawing:
    return Drawing("@x/y", "1", name, "<svg/>", "MIT", is_brand)


def test_fetching_again_asks_npm_for_nothing(registry: Registry, tmp_path: Path) -> None:
    registry.add("logos", "@x/y", icon_set({"acme": "<path/>"}))
    sources = read_sources(registry.sources)
    fetch(sources, tmp_path / "cache", npm=str(registry.npm))
    fetch(sources, tmp_path / "cache", npm="no-such-npm")
    (found,) = drawings(sources[0], tmp_path / "cache")
    assert found.name == "acme"


def test_an_archive_with_another_hash_is_refused(registry: Registry, tmp_path: Path) -> None:
    path = registry.add("logos", "@x/y", icon_set({"acme": "<path/>"}))
    path.write_bytes(path.read_bytes() + b"\0")
    with pytest.raises(LikemarkError, match="nothing was taken from it"):
        fetch(read_sources(registry.sources), tmp_path / "cache", npm=str(registry.npm))
    assert not list((tmp_path / "cache").iterdir())


def test_a_damaged_archive_in_the_cache_is_fetched_again(
    registry: Registry, tmp_path: Path
) -> None:
    registry.add("logos", "@x/y", icon_set({"acme": "<path/>"}))
    sources = read_sources(registry.sources)
    fetch(sources, tmp_path / "cache", npm=str(registry.npm))
    (tmp_path / "cache" / sources[0].archive).write_bytes(b"torn")
    fetch(sources, tmp_path / "cache", npm=str(registry.npm))
    assert len(list(drawings(sources[0], tmp_path / "cache"))) == 1


def test_a_package_that_is_gone_is_named_with_npms_reason(
    registry: Registry, tmp_path: Path
) -> None:
    registry.add("logos", "@x/y", icon_set({})).unlink()
    with pytest.raises(LikemarkError, match=r"@x/y@1\.0\.0 failed: .*no such package"):
        fetch(read_sources(registry.sources), tmp_path / "cache", npm=str(registry.npm))


def test_drawings_of_another_licence_are_not_taken(registry: Registry, tmp_path: Path) -> None:
    registry.add("logos", "@x/y", icon_set({"acme": "<path/>"}, licence="CC-BY-NC-4.0"))
    sources = read_sources(registry.sources)
    fetch(sources, tmp_path / "cache", npm=str(registry.npm))
    assert list(drawings(sources[0], tmp_path / "cache")) == []


@pytest.mark.parametrize(
    ("kind", "brands", "given", "expected"),
    [
        ("logos", "", drawing("acme-color"), "acme"),
        ("logos", "file-type-.+", drawing("file-type-acme"), "acme"),
        ("logos", "file-type-.+", drawing("folder-acme"), ""),
        ("mixed", "", drawing("acme", is_brand=True), "acme"),
        ("mixed", "", drawing("arrow"), ""),
        ("mixed", "known", drawing("acme-fill"), "acme"),
        ("mixed", "known", drawing("arrow"), ""),
        ("mixed", "known", drawing("target"), ""),
        ("icons", "", drawing("acme", is_brand=True), ""),
    ],
)
def test_a_brand_is_what_its_package_says_it_is(
    kind: str, brands: str, given: Drawing, expected: str
) -> None:
    assert source(kind, brands).brand_of(given, {"acme", "target"}) == expected


def test_no_idea_bears_a_brands_name() -> None:
    icons = source("icons")
    assert icons.idea_of(drawing("arrow-left-24"), {"acme"}) == "arrowleft"
    assert icons.idea_of(drawing("acme"), {"acme"}) == ""
    assert icons.idea_of(drawing("logo-unknown"), {"acme"}) == ""
    assert icons.idea_of(drawing("other", is_brand=True), {"acme"}) == ""
    assert source("logos").idea_of(drawing("folder"), set()) == ""


def test_an_emoji_shows_an_idea_though_a_brand_is_called_so() -> None:
    assert source("emoji").idea_of(drawing("red-apple"), {"redapple"}) == "redapple"


def test_the_committed_table_pins_every_package_and_none_that_is_reserved() -> None:
    sources = read_sources(SOURCES)
    assert len(sources) > 140
    assert len({s.archive for s in sources}) == len(sources)
    for each in sources:
        assert not any(word in each.package for word in RESERVED), each.package
        assert len(each.integrity) == len("sha512-") + 88


def test_no_licence_forbids_use_or_change() -> None:
    assert not [licence for licence in LICENCES if "NC" in licence or "ND" in licence]


def test_a_wrong_row_is_named(tmp_path: Path) -> None:
    row: Mapping[str, str] = {"kind": "other", "integrity": "sha512-"}
    with pytest.raises(InvalidInput, match="@x/y"):
        Source(**{"package": "@x/y", "version": "1", "brands": "", **row})  # type: ignore[arg-type]
