"""Marks located by the finder for a run: what is asked of it, and with which frames."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.drawings import badge
from support.located import RED, RedFinder, save, scene

from likemark.db.errors import InvalidInput, NotFound, PictureError
from likemark.retrieval.oneshot.finder import Finder
from likemark.retrieval.redact.locating import each_once, locating_all, locating_queries
from likemark.retrieval.redact.regions import region_of_box


@pytest.fixture
def finder(monkeypatch: pytest.MonkeyPatch) -> RedFinder:
    """Stands in for the network, whose weights say nothing for sure."""
    found = RedFinder()

    def load(**options: Any) -> RedFinder:
        assert options == {"device": "cpu", "card": None}
        return found

    monkeypatch.setattr(Finder, "load", load)
    return found


def test_every_query_is_asked_in_every_scene(finder: RedFinder, tmp_path: Path) -> None:
    alone = save(tmp_path / "one.png", badge())
    for name in ("a.png", "sub/b.png"):
        save(tmp_path / "more" / name, badge())
    locating = locating_queries([alone, tmp_path / "more"], threshold=0.1, device="cpu")
    locate = locating(tmp_path / "any.png")
    assert [region.box for region in locate(scene((10, 20)))] == [(10, 20, 30, 32)]
    assert len(locate(scene((10, 20), (50, 40)))) == 2
    assert len(finder.seen) == 2


def test_what_else_was_found_of_a_mark_is_covered_with_it(
    finder: RedFinder, tmp_path: Path
) -> None:
    finder.others = (region_of_box(25, 22, 20, 6), region_of_box(4, 24, 10, 4))
    logo = save(tmp_path / "one.png", badge())
    for locating in (locating_queries([logo], device="cpu"), locating_all(device="cpu")):
        (region,) = locating(tmp_path)(scene((10, 20)))
        assert region.box == (4, 20, 45, 32)
        assert np.count_nonzero(region.mask) < 41 * 12


def test_places_that_are_one_are_joined_and_others_stay() -> None:
    whole, part = region_of_box(10, 10, 60, 30), region_of_box(10, 10, 40, 30)
    other = region_of_box(100, 10, 30, 30)
    boxes = [region.box for region in each_once([part, other, whole])]
    assert boxes == [(10, 10, 70, 40), (100, 10, 130, 40)]


def test_a_place_is_covered_before_the_finder_would_name_it(
    finder: RedFinder, tmp_path: Path
) -> None:
    logo = save(tmp_path / "logo.png", badge())
    # Tens of px of the 300 that are sure; a mark that is asked for is covered sooner than any.
    for height, asked, anything in ((8, 1, 1), (7, 1, 0), (4, 1, 0), (2, 0, 0)):
        frame = np.full((60, 80, 3), 255, np.uint8)
        frame[10 : 10 + height, 20:30] = RED
        assert not finder.propose(frame)
        assert len(locating_queries([logo], device="cpu")(tmp_path)(frame)) == asked
        assert len(locating_all(device="cpu")(tmp_path)(frame)) == anything
    surer = locating_queries([logo], threshold=0.9, device="cpu")
    assert not surer(tmp_path)(scene((10, 20)))


def test_any_mark_is_found_in_a_frame_that_lies_turned(finder: RedFinder, tmp_path: Path) -> None:
    lying = scene((10, 20)).swapaxes(0, 1)[::-1]
    (region,) = locating_all(device="cpu")(tmp_path / "a.mp4")(lying)
    assert region.box == (20, 66, 32, 86)
    assert finder.seen[0].flags.c_contiguous
    np.testing.assert_array_equal(finder.seen[0], lying)


def test_what_cannot_be_asked_is_refused_before_the_network_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFound, match="holds no pictures"):
        locating_queries([tmp_path / "empty"])
    with pytest.raises(PictureError, match="missing"):
        locating_queries([tmp_path / "none.png"])
    for locating in (locating_all, lambda **options: locating_queries([], **options)):
        with pytest.raises(InvalidInput, match="a probability is 0 to 1"):
            locating(threshold=1.5)
