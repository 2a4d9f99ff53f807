from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from likemark.retrieval.oneshot.regions import spots, suppressed
from likemark.retrieval.redact.regions import Region, region_of_box

SCENE = (400, 600)  # H, W: levels of a quarter, 100 x 150 places


def ground() -> NDArray[np.float32]:
    return np.full((100, 150), -5.0, np.float32)


def test_each_blob_is_a_place_and_the_surest_comes_first() -> None:
    logits = ground()
    logits[10:20, 10:30] = 2.0
    logits[60:80, 100:110] = 4.0
    found = spots(logits, SCENE)
    assert [spot.read(logits) for spot in found] == [(4.0, 4.0), (2.0, 2.0)]
    assert found[0].read(logits * np.float32(0.5)) == (2.0, 2.0)
    for spot, box in zip(found, [(400, 240, 440, 320), (40, 40, 120, 80)], strict=True):
        assert np.abs(np.subtract(spot.region.box, box)).max() <= 2
    assert found[0].side == np.sqrt(
        (found[0].region.box[2] - found[0].region.box[0])
        * (found[0].region.box[3] - found[0].region.box[1])
    )


@pytest.mark.parametrize("radius", [3, 5, 9])
def test_a_mask_ends_where_its_logits_cross_the_level(radius: int) -> None:
    down, across = np.mgrid[:100, :150] + 0.5
    # One a place: the level of -1 is crossed a place further out.
    logits = (radius - 1 - np.hypot(down - 50, across - 75)).astype(np.float32)
    mask = spots(logits, SCENE)[0].region
    y, x = np.mgrid[:400, :600] + 0.5
    truth = np.hypot(y - 200, x - 300) < 4 * radius
    found = np.zeros(SCENE, np.bool_)
    tall, wide = mask.mask.shape
    found[mask.top : mask.top + tall, mask.left : mask.left + wide] = mask.mask > 0
    assert (found & truth).sum() / (found | truth).sum() > 0.96


def test_letters_of_one_word_are_one_place() -> None:
    logits = ground()
    for left in range(20, 60, 6):
        logits[40:50, left : left + 5] = 3.0
    assert len(spots(logits, SCENE)) == 1


def test_a_speck_is_no_mark_and_an_empty_mask_has_no_place() -> None:
    logits = ground()
    assert spots(logits, SCENE) == []
    logits[50, 50] = 9.0
    assert spots(logits, SCENE) == []


def test_a_place_at_the_edge_stays_inside_the_scene() -> None:
    logits = ground()
    logits[:8, :8] = 3.0
    logits[-8:, -8:] = 3.0
    for spot in spots(logits, (401, 603)):
        left, top, right, bottom = spot.region.box
        assert left >= 0
        assert top >= 0
        assert right <= 603
        assert bottom <= 401


def test_of_places_that_overlap_the_surest_stays() -> None:
    boxes = [(10, 10, 100, 100), (20, 20, 100, 100), (300, 10, 50, 50), (40, 40, 20, 20)]
    scores = [0.6, 0.9, 0.5, 0.8]
    regions: list[Region] = [
        replace(region_of_box(*box), score=score) for box, score in zip(boxes, scores, strict=True)
    ]
    # The last lies within the second, which is surer.
    assert suppressed(regions) == [1, 2]


def test_a_surer_part_does_not_hide_the_whole() -> None:
    whole, part = region_of_box(0, 0, 200, 200), region_of_box(80, 80, 30, 30)
    kept = suppressed([replace(whole, score=0.7), replace(part, score=0.9)])
    assert kept == [1, 0]
