"""Regions from the JSON of an earlier run: what is listed is covered, what is wrong is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.found import Found, Match, found_json
from likemark.retrieval.oneshot.sources import Source
from likemark.retrieval.redact.listing import locating_listed, read_listing
from likemark.retrieval.redact.regions import Region, region_of_mask

SHEET = np.zeros((60, 80, 3), np.uint8)
OUTLINE = [[10, 5], [29, 5], [29, 24], [10, 24]]
TURNED = [[10, 15], [20, 5], [30, 15], [20, 25]]


def entry(*regions: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"scene": "a.png", "width": 80, "height": 60, "regions": list(regions), **more}


def read(*entries: dict[str, Any], threshold: float | None = None) -> list[Region]:
    """What is located in a.png."""
    found = read_listing(json.dumps(entries), name="r.json", threshold=threshold)
    return list(locating_listed(found, name="r.json")(Path("a.png"))(SHEET))


def test_a_polygon_is_the_mask_and_a_box_stands_in_for_none() -> None:
    outline, box = read(
        entry({"score": 0.9, "box": [10, 5, 30, 25], "polygon": OUTLINE}, {"box": [1, 2, 4, 9]})
    )
    assert (outline.box, outline.score) == ((10, 5, 30, 25), 0.9)
    assert (box.box, box.score) == ((1, 2, 4, 9), 1.0)
    diamond = {"box": [10, 5, 31, 26], "polygon": TURNED}
    assert np.count_nonzero(read(entry(diamond))[0].mask) < 0.6 * 21 * 21


def test_a_mark_of_several_parts_is_covered_whole() -> None:
    """Its polygon is of the largest part alone."""
    (region,) = read(entry({"box": [10, 5, 70, 25], "polygon": OUTLINE}))
    assert region.box == (10, 5, 70, 25)
    assert region.mask.all()


def test_every_part_that_is_listed_is_covered_and_what_lies_between_them_is_not() -> None:
    """The largest part of this one reaches round the other: its outline alone spans the box."""
    ell = [[10, 10], [19, 10], [19, 50], [60, 50], [60, 55], [10, 55]]
    inside = [[40, 10], [60, 10], [60, 30], [40, 30]]
    (region,) = read(
        entry({"box": [10, 10, 61, 56], "polygon": ell, "polygons": [ell, inside]})
    )  # fmt: skip
    assert region.box == (10, 10, 61, 56)
    assert region.mask[0:21, 30:51].all()
    assert not region.mask[0:30, 15:25].any()


def test_what_locate_prints_of_several_parts_is_covered_again() -> None:
    mask = np.zeros((60, 80), np.uint8)
    mask[10:56, 10:20] = mask[50:56, 10:61] = mask[10:31, 40:61] = 255
    found = Found(Source("a.png", Path("a.png")), 80, 60, (Match(region_of_mask(mask)),))
    (region,) = read(json.loads(json.dumps(found_json(found))))
    left, top, right, bottom = region.box
    left_out = (region.mask == 0) & (mask[top:bottom, left:right] > 0)
    assert left_out.sum() <= 5  # a px at a corner, as outlines are simplified


def test_a_rotated_box_is_kept() -> None:
    (region,) = read(entry({"box": [10, 5, 30, 25], "rotated_box": TURNED}))
    assert region.corners.tolist() == TURNED


def test_a_rotated_box_far_from_the_mark_is_not_believed() -> None:
    """It is of a mark of which the picture shows a part."""
    (region,) = read(
        entry({"box": [0, 0, 5, 25], "rotated_box": [[-90, 0], [5, 0], [5, 25], [-90, 25]]})
    )
    assert region.corners.tolist() == [[0, 0], [5, 0], [5, 25], [0, 25]]


def test_a_box_that_reaches_over_the_edge_is_cut() -> None:
    (region,) = read(entry({"box": [-9.5, 50.2, 200, 61]}))
    assert region.box == (0, 50, 80, 60)


def test_regions_below_the_threshold_are_left_out_and_entries_of_one_picture_joined() -> None:
    listed = [entry({"box": [0, 0, 9, 9], "score": score}) for score in (0.2, 0.6, 0.8)]
    assert [region.score for region in read(*listed)] == [0.2, 0.6, 0.8]
    assert [region.score for region in read(*listed, threshold=0.6)] == [0.6, 0.8]


def test_a_picture_that_is_not_listed_or_has_another_size_is_refused() -> None:
    locating = locating_listed(read_listing(json.dumps([entry()]), name="r.json"), name="r.json")
    with pytest.raises(InvalidInput, match=r"b\.png: r\.json does not list it"):
        locating(Path("b.png"))
    with pytest.raises(InvalidInput, match=r"has 60 x 60 px, 80 x 60 in r\.json"):
        locating(Path("a.png"))(SHEET[:, :60])


def test_a_picture_that_could_not_be_looked_at_is_not_taken_for_clean() -> None:
    failed = entry(width=0, height=0, error={"reason": "truncated"})
    with pytest.raises(InvalidInput, match="could not be looked at"):
        read(failed)


def test_the_frames_of_a_video_are_passed_over_and_a_video_is_refused() -> None:
    found = read_listing(json.dumps([entry(scene="a.mp4", frame=3), entry()]), name="r.json")
    assert [Path(name).name for name in found] == ["a.png"]
    with pytest.raises(InvalidInput, match=r"a\.mp4: r\.json is of pictures"):
        locating_listed(found, name="r.json")(Path("a.mp4"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no json", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ('{"scene": 1}', "must be a list"),
        ("[1]", "must be a list"),
        ("[{}]", "lacks 'scene'"),
        (json.dumps([{"scene": "a.png", "width": 80, "height": 60}]), "lacks 'regions'"),
        (json.dumps([entry(scene=3)]), "must be a path"),
        (json.dumps([entry(width=0)]), "its width must be whole px"),
        (json.dumps([entry(), entry(width=90)]), "another size than before"),
        (json.dumps([entry({"score": 1})]), "region 1: lacks 'box'"),
        (json.dumps([entry({"box": [1, 2, 3]})]), "a box of four numbers"),
        (json.dumps([entry({"box": [1, 2, 3, 4, 5, 6]})]), "a box of four numbers"),
        (json.dumps([entry({"box": [5, 5, 5, 9]})]), "empty or outside"),
        (json.dumps([entry({"box": [90, 5, 99, 9]})]), "empty or outside"),
        (json.dumps([entry({"box": [0, 0, 1e300, 9]})]), "a box of four numbers"),
        ('[{"scene":"a","width":9,"height":9,"regions":[{"box":[0,0,NaN,9]}]}]', "four numbers"),
        (json.dumps([entry({"box": [0, 0, 9, 9], "score": 7})]), "score must be 0 to 1"),
        (json.dumps([entry({"box": [0, 0, 9, 9], "polygon": [[1], [2]]})]), "points of two"),
        (json.dumps([entry({"box": [0, 0, 9, 9], "rotated_box": [[1, 2]]})]), "four corners"),
    ],
)
def test_what_is_no_listing_is_refused_in_one_line(text: str, said: str) -> None:
    with pytest.raises(InvalidInput, match=said) as refused:
        read_listing(text, name="r.json")
    assert str(refused.value).startswith("r.json")
    assert "\n" not in str(refused.value)
