"""Marks followed through frames: nothing flashes, nothing flickers."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.following import Tracking
from likemark.retrieval.redact.paint import covered_mask
from likemark.retrieval.redact.regions import Pixels, Region, region_of_box, region_of_mask
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.tracks import Tracker

Shot = Callable[..., Pixels]
Red = Callable[[Pixels], NDArray[np.uint8]]
Find = Callable[[Pixels], list[Region]]
Marks = list[dict[int, Region]]
STYLE = Style(least_margin=2)
RATE = 25  # frames a second
EACH = Tracking(every=0)


def track(
    frames: Sequence[Pixels],
    locate: Callable[[int], list[Region]],
    tracking: Tracking | None = None,
) -> Marks:
    """locate: told the number of the frame that is looked at; tracking: None looks at each."""
    number = 0
    tracker = Tracker(lambda frame: locate(number), tracking or EACH, STYLE)
    done: Marks = []
    for number, frame in enumerate(frames):
        done += tracker.push(frame, number / RATE)
    done += tracker.finish()
    assert len(done) == len(frames)
    return done


def looks_at(frames: Sequence[Pixels], find: Find, tracking: Tracking | None = None) -> list[int]:
    """The numbers of the frames that are looked at by default."""
    looks: list[int] = []

    def locate(number: int) -> list[Region]:
        looks.append(number)
        return find(frames[number])

    track(frames, locate, tracking or Tracking())
    return looks


def recall(frames: Sequence[Pixels], marks: Marks, red: Red) -> list[float]:
    """Of each frame, the share of the mark's px that is covered."""
    shares = []
    for frame, found in zip(frames, marks, strict=True):
        truth = red(frame) > 0
        mask = covered_mask((64, 96), list(found.values()), STYLE)
        shares.append(float((mask[truth] > 0).mean()) if truth.any() else 1.0)
    return shares


@pytest.mark.parametrize("tracking", [EACH, Tracking()], ids=["each frame", "by default"])
def test_a_mark_at_rest_has_one_region_in_all_frames_though_findings_jitter_and_fail(
    tracking: Tracking, shot: Shot, red: Red
) -> None:
    frames = [shot(30, 20, noise=3 + k % 2) for k in range(24)]
    rng = np.random.default_rng(2)

    def locate(number: int) -> list[Region]:
        if number in (0, 1, 6, 8, 14, 15):
            return []
        x, y, width, height = (int(v) for v in np.array([30, 20, 36, 24]) + rng.integers(-2, 3, 4))
        return [region_of_box(x, y, width, height)]

    marks = track(frames, locate, tracking)
    regions = {id(region) for found in marks for region in found.values()}
    assert [len(found) for found in marks] == [1] * 24
    assert len(regions) == 1
    assert min(recall(frames, marks, red)) > 0.99


def test_a_finding_of_a_part_of_a_mark_at_rest_does_not_lay_bare_the_rest(
    shot: Shot, red: Red
) -> None:
    frames = [shot(30, 20, noise=3 + k % 2) for k in range(20)]
    whole, part = region_of_box(30, 20, 36, 24), region_of_box(49, 26, 20, 12)
    marks = track(frames, lambda number: [part if number > 5 else whole])
    assert min(recall(frames, marks, red)) == 1


def test_a_finding_of_a_part_of_a_moving_mark_does_not_lay_bare_the_rest(
    shot: Shot, red: Red
) -> None:
    frames = [shot(4 + 2 * k, 20, noise=3) for k in range(26)]

    def locate(number: int) -> list[Region]:
        left = 4 + 2 * number
        return [region_of_box(left, 20, 36, 24) if number < 6 else region_of_box(left, 22, 13, 20)]

    for tracking in (EACH, Tracking()):
        assert min(recall(frames, track(frames, locate, tracking), red)) == 1


def test_what_a_finding_beside_a_moving_mark_lacks_stays_covered(shot: Shot, red: Red) -> None:
    frames = [shot(14 + 2 * k, 20, noise=3) for k in range(21)]

    def locate(number: int) -> list[Region]:
        return [region_of_box(14 + 2 * number - (10 if number > 5 else 0), 20, 36, 24)]

    assert min(recall(frames, track(frames, locate), red)) == 1


def test_what_is_plainly_another_mark_by_now_is_covered_as_it_is_found_from_then_on(
    shot: Shot, red: Red
) -> None:
    frames = [shot(4 + 2 * k, 20) for k in range(20)]
    for number, frame in enumerate(frames[10:], 10):
        left = 4 + 2 * number
        frame[20:44, left + 12 : left + 36] = shot(90, 60, seed=number)[20:44, 40:64]

    def locate(number: int) -> list[Region]:
        return [region_of_box(4 + 2 * number, 20, 36 if number < 10 else 12, 24)]

    marks = track(frames, locate)
    (region,) = marks[19].values()
    assert region.box[2] - region.box[0] <= 14
    assert min(recall(frames[:10], marks[:10], red)) == 1


@pytest.mark.parametrize("step", [2, 3])
def test_a_mark_that_comes_in_at_the_edge_is_covered_as_far_as_it_is_in(
    step: int, shot: Shot, red: Red, find: Find
) -> None:
    frames = [shot(step * k - 36, 20) for k in range(60 // step)]
    marks = track(frames, lambda number: find(frames[number]), Tracking())
    assert min(recall(frames[3:], marks[3:], red)) > 0.97


@pytest.mark.parametrize("first", range(20, 28))
def test_a_mark_that_is_shown_for_eight_frames_is_covered_in_all_of_them(
    first: int, shot: Shot, red: Red, find: Find
) -> None:
    empty, full = shot(200, 20), shot(30, 20)
    frames = [full if first <= k < first + 8 else empty for k in range(40)]
    marks = track(frames, lambda number: find(frames[number]), Tracking())
    assert min(recall(frames, marks, red)) == 1


def test_a_moving_turning_mark_is_covered_while_it_is_not_found(shot: Shot, red: Red) -> None:
    frames = [shot(6 + 1.5 * k, 12 + 0.6 * k, turn=2 * k, scale=1 + 0.01 * k) for k in range(26)]

    def locate(number: int) -> list[Region]:
        return [region_of_mask(red(frames[number]))] if number in (6, 7, 20) else []

    marks = track(frames, locate, Tracking(every=0))
    assert min(recall(frames, marks, red)) > 0.97
    assert {len(found) for found in marks} == {1}


def test_a_mark_is_covered_before_it_is_found_first_but_not_before_the_scene(
    shot: Shot, red: Red
) -> None:
    other = np.full((64, 96, 3), (20, 20, 220), np.uint8)
    frames = [other] * 4 + [shot(30 + k, 20) for k in range(8)]
    found = {9: [region_of_mask(red(frames[9]))]}
    marks = track(frames, lambda number: found.get(number, []))
    assert [len(m) for m in marks] == [0] * 4 + [1] * 8
    short = track(
        frames, lambda number: found.get(number, []), Tracking(every=0, lookback=2 / RATE)
    )
    assert [len(m) for m in short] == [0] * 7 + [1] * 5
    none = track(frames, lambda number: found.get(number, []), Tracking(every=0, lookback=0))
    assert [len(m) for m in none] == [0] * 9 + [1] * 3


def test_a_cut_ends_a_mark_but_a_flash_of_light_does_not(shot: Shot, red: Red) -> None:
    scene = [shot(30, 20) for _ in range(3)]
    light = np.clip(scene[0].astype(int) * 0.8 + 110, 0, 255).astype(np.uint8)
    other = [np.full((64, 96, 3), (20, 20, 220), np.uint8)] * 3
    first = {0: [region_of_mask(red(scene[0]))]}
    marks = track([*scene, light, *scene, *other], lambda number: first.get(number, []))
    assert [len(m) for m in marks] == [1] * 7 + [0] * 3


def test_a_damaged_frame_is_no_cut(shot: Shot, red: Red) -> None:
    frames = [shot(30, 20) for _ in range(4)]
    frames[2][12:] = 128
    looks = iter([[region_of_mask(red(frames[0]))], [], [], []])
    tracker = Tracker(lambda frame: next(looks), Tracking(every=0, lookback=0), STYLE)
    done = [tracker.push(frame, k / RATE, whole=k != 2) for k, frame in enumerate(frames)]
    assert [len(marks) for part in [*done, list(tracker.finish())] for marks in part] == [1] * 4


def test_a_mark_that_is_found_no_more_is_let_go_after_the_hold(shot: Shot, red: Red) -> None:
    frames = [shot(30, 20) for _ in range(12)]
    first = {0: [region_of_mask(red(frames[0]))]}
    marks = track(
        frames, lambda number: first.get(number, []), Tracking(every=0, hold=5 / RATE, follow=0)
    )
    assert [len(m) for m in marks] == [1] * 6 + [0] * 6


def test_a_mark_that_is_plain_to_see_stays_covered_between_findings_far_apart(
    shot: Shot, red: Red
) -> None:
    frames = [shot(30 + k // 9, 20, noise=k % 2) for k in range(40)]
    found = {k: [region_of_mask(red(frames[k]))] for k in (0, 39)}
    short = Tracking(every=0, hold=5 / RATE, lookback=3 / RATE)
    marks = track(frames, lambda number: found.get(number, []), short)
    assert min(recall(frames, marks, red)) > 0.97


def test_a_mark_that_something_hides_is_let_go_after_the_hold(shot: Shot, red: Red) -> None:
    frames = [shot(30, 20) for _ in range(14)]
    for frame in frames[4:]:
        frame[16:50, 24:72] = np.random.default_rng(5).integers(0, 256, (34, 48, 3))
    first = {0: [region_of_mask(red(frames[0]))]}
    marks = track(frames, lambda number: first.get(number, []), Tracking(every=0, hold=5 / RATE))
    assert [len(m) for m in marks] == [1] * 9 + [0] * 5


def test_frames_between_two_looks_and_those_after_a_cut_are_covered(shot: Shot, red: Red) -> None:
    frames = [shot(20 + k, 20) for k in range(10)] + [shot(40, 10, seed=9) for _ in range(5)]
    frames[10:] = [np.ascontiguousarray(255 - frame[..., ::-1]) for frame in frames[10:]]
    looks: list[int] = []

    def locate(number: int) -> list[Region]:
        looks.append(number)
        return [region_of_mask(red(frames[number]))] if number < 10 else []

    marks = track(frames, locate, Tracking(every=4 / RATE, hold=8 / RATE))
    assert looks == [0, 4, 8, 10, 14]
    assert [len(m) for m in marks] == [1] * 10 + [0] * 5
    assert min(recall(frames[:10], marks[:10], red)) > 0.97


def test_by_default_every_seventh_frame_of_25_a_second_is_looked_at(shot: Shot, find: Find) -> None:
    assert looks_at([shot(20 + k // 2, 20, noise=3) for k in range(40)], find) == [*range(0, 40, 7)]
    assert looks_at([shot(20, 20)] * 40, lambda frame: []) == [*range(0, 40, 7)]


def test_a_mark_that_was_lost_is_looked_for_at_once_until_it_is_found(shot: Shot) -> None:
    frames = [shot(4 + k, 20) if k < 9 else shot(55, 36) for k in range(20)]

    def find(frame: Pixels) -> list[Region]:
        number = next(k for k, each in enumerate(frames) if each is frame)
        return [region_of_box(4 + number, 20, 36, 24)] if number < 9 else []

    assert looks_at(frames, find) == [0, 7, *range(9, 15)]


def test_marks_are_looked_for_at_once_where_much_has_changed(
    shot: Shot, red: Red, find: Find
) -> None:
    empty, full = shot(200, 20), shot(30, 20, scale=1.8)
    frames = [full if 9 <= k < 12 else empty for k in range(20)]
    assert 9 in looks_at(frames, find)
    marks = track(frames, lambda number: find(frames[number]), Tracking())
    assert min(recall(frames, marks, red)) == 1


def test_marks_are_looked_for_as_often_as_frames_that_wait_are_let_go(
    shot: Shot, red: Red, find: Find
) -> None:
    frames = [shot(200, 20)] * 5 + [shot(30, 20)] * 20
    rare = Tracking(every=1, hold=1, lookback=1)
    looks: list[int] = []

    def locate(frame: Pixels) -> list[Region]:
        looks.append(pushed)
        return find(frame)

    tracker, done = Tracker(locate, rare, STYLE, most=4), []
    for pushed, frame in enumerate(frames):
        done += tracker.push(frame, pushed / RATE)
        assert pushed + 1 - len(done) <= 4
    done += tracker.finish()
    assert looks == [*range(0, 25, 4)]
    assert min(recall(frames, done, red)) == 1


def test_a_mark_that_leaves_the_picture_is_let_go(shot: Shot, red: Red) -> None:
    frames = [shot(60 + 4 * k, 20) for k in range(14)]
    first = {0: [region_of_mask(red(frames[0]))], 1: [region_of_mask(red(frames[1]))]}
    marks = track(frames, lambda number: first.get(number, []), Tracking(every=0, hold=40 / RATE))
    assert min(recall(frames[:8], marks[:8], red)) > 0.9
    assert all(region.box[0] < 96 for found in marks for region in found.values())


def test_two_marks_are_two_tracks(shot: Shot) -> None:
    frames = [shot(30, 20) for _ in range(4)]
    places = [region_of_box(5, 5, 12, 12, score=0.5), region_of_box(60, 40, 20, 12)]
    marks = track(frames, lambda number: places)
    assert all(len(found) == 2 for found in marks)
    assert {tuple(found) for found in marks} == {(0, 1)}


def test_a_frame_without_texture_keeps_its_mark_in_place() -> None:
    frames = [np.full((64, 96, 3), 90, np.uint8)] * 6
    marks = track(frames, lambda number: [region_of_box(10, 10, 20, 20)] if number == 2 else [])
    assert {found[0].box for found in marks} == {(10, 10, 30, 30)}


@pytest.mark.parametrize(
    "settings",
    [
        {"every": -1}, {"lookback": -1}, {"follow": -1}, {"still": -1}, {"hold": 3, "every": 4},
        {"every": float("nan")}, {"hold": float("inf")},
    ],
)  # fmt: skip
def test_tracking_that_cannot_be_is_refused(settings: dict[str, float]) -> None:
    with pytest.raises(InvalidInput):
        Tracking(**settings)
