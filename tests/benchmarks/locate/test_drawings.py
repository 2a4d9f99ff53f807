from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.packages import Registry, icon_set

from likemark.benchmarks.corpus.build import NEVER_TRAINED
from likemark.benchmarks.corpus.packages import read_sources
from likemark.benchmarks.locate.drawings import Choice, cut_to_ink, read_choices, read_drawings
from likemark.db.errors import InvalidInput, LikemarkError

HEADER = "brand,package,icon,missing\n"
ROSE = "Rose,@iconify-json/flowers,rose,\n"


@pytest.fixture
def registry(tmp_path: Path) -> Registry:
    registry = Registry(tmp_path)
    bar = '<rect x="6" y="10" width="12" height="4" fill="#e61e3c"/>'
    registry.add("logos", "@iconify-json/flowers", icon_set({"rose": bar}))
    return registry


def chosen(folder: Path, *rows: str) -> Path:
    path = folder / "chosen.csv"
    path.write_text(HEADER + "".join(rows))
    return path


def test_drawings_are_cut_to_their_ink_and_the_others_have_a_reason(
    registry: Registry, tmp_path: Path
):
    table = chosen(tmp_path, ROSE, "Moss,,,nobody draws it\n")
    found = read_drawings(
        tmp_path / "kept", npm=str(registry.npm), sources=registry.sources, chosen=table
    )
    assert dict(found.missing) == {"Moss": "nobody draws it"}
    (pixels,) = found.pixels.values()
    assert pixels.shape[2] == 4
    assert pixels.shape[1] / pixels.shape[0] == pytest.approx(3, rel=0.05)
    assert pixels[pixels.shape[0] // 2, pixels.shape[1] // 2].tolist() == [230, 30, 60, 255]


def test_what_was_unpacked_once_needs_no_package_again(registry: Registry, tmp_path: Path):
    table = chosen(tmp_path, ROSE)
    kept = tmp_path / "kept"
    first = read_drawings(kept, npm=str(registry.npm), sources=registry.sources, chosen=table)
    for path in kept.glob("*.tgz"):
        path.unlink()
    again = read_drawings(kept, npm="no-such-program", sources=registry.sources, chosen=table)
    assert np.array_equal(again.pixels["Rose"], first.pixels["Rose"])


def test_a_drawing_that_the_package_lacks_is_named(registry: Registry, tmp_path: Path):
    table = chosen(tmp_path, "Rose,@iconify-json/flowers,tulip,\n")
    with pytest.raises(InvalidInput, match="@iconify-json/flowers has no drawing 'tulip'"):
        read_drawings(tmp_path, npm=str(registry.npm), sources=registry.sources, chosen=table)


def test_a_package_that_cannot_be_had_is_named(registry: Registry, tmp_path: Path):
    with pytest.raises(LikemarkError, match="'no-such-program' is not on the path"):
        read_drawings(
            tmp_path / "kept",
            npm="no-such-program",
            sources=registry.sources,
            chosen=chosen(tmp_path, ROSE),
        )


def test_a_row_names_a_drawing_or_a_reason():
    for row in (("", "", ""), ("p", "", ""), ("p", "i", "why"), ("", "i", "why")):
        with pytest.raises(InvalidInput, match="drawings of Rose: name a package and an icon"):
            Choice("Rose", *row)


def test_the_choice_is_of_pinned_packages_and_of_brands_never_trained_on():
    choices = read_choices()
    assert len({choice.brand for choice in choices}) == len(choices) == 27
    assert {choice.brand.lower() for choice in choices} <= NEVER_TRAINED
    packages = {source.package for source in read_sources()}
    assert {choice.package for choice in choices if choice.package} <= packages
    assert sum(bool(choice.missing) for choice in choices) == 6


def test_a_picture_without_ink_or_without_clear_px_stays_whole():
    opaque = np.zeros((4, 5, 3), np.uint8)
    assert cut_to_ink(opaque) is opaque
    clear = np.zeros((4, 5, 4), np.uint8)
    assert cut_to_ink(clear) is clear
