"""Real video files: times, turn, sound and the px around the marks are kept."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from likemark.db.errors import InvalidInput, LikemarkError, NotFound
from likemark.retrieval.redact import video
from likemark.retrieval.redact.following import Tracking
from likemark.retrieval.redact.measures import coverage, flicker
from likemark.retrieval.redact.paint import covered_mask
from likemark.retrieval.redact.regions import Locator, Pixels, Region, region_of_mask
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.video import redact_video

Shot = Callable[..., Pixels]
Make = Callable[..., Path]
FramesOf = Callable[[Path], list[Pixels]]
UNEVEN = [0, 1, 2, 4, 5, 9, 10, 11, 12, 15, 16, 17]


def times(path: Path) -> list[Fraction]:
    with av.open(str(path)) as source:
        return [frame.pts * frame.time_base for frame in source.decode(video=0)]  # type: ignore[operator]


def sound(path: Path) -> list[tuple[float, bytes]]:
    with av.open(str(path)) as source:
        packets = source.demux(audio=0)
        return [(float(p.pts * p.time_base), bytes(p)) for p in packets if p.pts is not None]


def turn(path: Path) -> int:
    with av.open(str(path)) as source:
        return next(source.decode(video=0)).rotation


@pytest.mark.parametrize(
    ("name", "codec", "pixels", "tone", "degrees"),
    [
        ("a.mkv", "ffv1", "yuv420p", "pcm_s16le", 0),
        ("a.mkv", "ffv1", "bgr0", None, 0),
        ("a.mp4", "mpeg4", "yuv420p", "aac", 90),
        ("a.mp4", "libx264", "yuv420p", "aac", -90),
        ("a.mov", "libx264", "yuv420p10le", "aac", 180),
        ("a.webm", "libvpx-vp9", "yuv420p", None, 0),
        ("a.ts", "libx264", "yuv420p", "aac", 0),
        ("a.mkv", "mjpeg", "yuvj420p", "pcm_s16le", 0),
    ],
)
def test_uneven_times_turn_sound_and_title_are_kept(
    name: str, codec: str, pixels: str, tone: str | None, degrees: int,
    shot: Shot, film: Make, find: Locator, frames_of: FramesOf, tmp_path: Path,
) -> None:  # fmt: skip
    frames = [shot(30, 20)] * 12
    source = film(name, frames, codec=codec, pixels=pixels, times=UNEVEN, sound=tone, turn=degrees)
    target = tmp_path / f"new-{name}"
    seen: list[tuple[int, ...]] = []

    def locate(frame: Pixels) -> list[Region]:
        seen.append(frame.shape)
        return list(find(frame))

    result = redact_video(source, target, locate)
    assert (result.frames, result.covered, result.marks, result.notes) == (12, 12, 1, ())
    assert set(seen) == {(96, 64, 3) if abs(degrees) == 90 else (64, 96, 3)}
    assert times(target) == times(source)
    assert turn(target) == turn(source)
    before, after = frames_of(source), frames_of(target)
    assert np.abs(after[5][:12].astype(int) - before[5][:12]).mean() < 6
    assert np.abs(after[5][22:42, 32:64].astype(int) - before[5][22:42, 32:64]).mean() > 20
    if tone:
        assert sound(target) == sound(source)
    if not name.endswith(".ts"):
        with av.open(str(target)) as made:
            assert made.metadata["title"] == "a film"


@pytest.mark.parametrize("pixels", ["yuv420p", "yuv444p", "bgr0"])
def test_px_outside_the_marks_are_bit_identical_in_a_lossless_film(
    pixels: str, shot: Shot, film: Make, find: Locator, frames_of: FramesOf, tmp_path: Path
) -> None:
    source = film("a.mkv", [shot(30, 20, noise=2 + k) for k in range(5)], pixels=pixels)
    redact_video(source, tmp_path / "b.mkv", find)
    mask = covered_mask((64, 96), find(shot(30, 20)), Style(margin=0.2, least_margin=9))
    for before, after in zip(frames_of(source), frames_of(tmp_path / "b.mkv"), strict=True):
        assert (before[mask == 0] == after[mask == 0]).all()
        assert (before[mask > 0] != after[mask > 0]).any()


@pytest.mark.parametrize("every", [0, 0.25])
@pytest.mark.parametrize("noise", [0, 4])
@pytest.mark.parametrize("way", ["mosaic", "blur", "fill", "inpaint"])
def test_a_static_shot_does_not_flicker(
    way: str, noise: int, every: float,
    shot: Shot, film: Make, find: Locator, frames_of: FramesOf, tmp_path: Path,
) -> None:  # fmt: skip
    frames = [shot(30, 20, noise=noise + k % 3 if noise else 0) for k in range(20)]
    source = film("a.mkv", frames, pixels="yuv444p")
    tracking = Tracking(every=every)
    redact_video(source, tmp_path / "b.mkv", find, style=Style(way=way), tracking=tracking)
    made = np.stack(frames_of(tmp_path / "b.mkv"))
    mask = covered_mask((64, 96), find(frames[0]), Style(way=way, margin=0, least_margin=0))
    assert flicker(made, np.repeat(mask[None], 20, axis=0)) == 0


@pytest.mark.parametrize(
    ("tracking", "missed"),
    [(Tracking(every=0), [*range(4), *range(8, 14)]), (Tracking(), [0]), (Tracking(), [1])],
    ids=["each frame", "by default, first", "by default, second"],
)
def test_a_mark_that_is_missed_now_and_then_does_not_flash(
    tracking: Tracking, missed: list[int],
    shot: Shot, film: Make, find: Locator, frames_of: FramesOf, tmp_path: Path,
) -> None:  # fmt: skip
    frames = [shot(20 + k, 20 + 0.4 * k) for k in range(20)]
    source, target, look = film("a.mkv", frames, pixels="bgr0"), tmp_path / "b.mkv", -1

    def forgetful(frame: Pixels) -> list[Region]:
        nonlocal look
        look += 1
        return [] if look in missed else list(find(frame))

    fill = Style(way="fill", colour=(0, 0, 255), least_margin=2)
    redact_video(source, target, forgetful, style=fill, tracking=tracking)
    masks = [
        np.where((frame == (0, 0, 255)).all(axis=2), np.uint8(255), np.uint8(0))
        for frame in frames_of(target)
    ]
    boxes = [[region_of_mask(_plate(frame)).box] for frame in frames]
    found = coverage(masks, boxes, seen=0.01)
    assert (found.exposed, found.boxes) == (0, 20)
    assert found.precision > 0.6


def _plate(frame: Pixels) -> np.ndarray:
    return np.where(frame[..., 0] > 120, np.uint8(255), np.uint8(0))


def test_a_film_without_marks_is_copied_byte_for_byte(
    shot: Shot, film: Make, tmp_path: Path
) -> None:
    source = film("a.mp4", [shot(30, 20)] * 5, codec="mpeg4")
    result = redact_video(source, tmp_path / "b.mp4", lambda frame: [])
    assert result.copied
    assert result.covered == 0
    assert (tmp_path / "b.mp4").read_bytes() == source.read_bytes()


def test_a_cut_film_is_covered_as_far_as_it_goes_and_said_to_be_cut(
    shot: Shot, film: Make, find: Locator, frames_of: FramesOf, tmp_path: Path
) -> None:
    frames = [shot(30, 20, noise=3 + k) for k in range(20)]
    for name, codec, pixels in (("a.mkv", "ffv1", "yuv420p"), ("a.mp4", "mjpeg", "yuvj420p")):
        fast = name == "a.mp4"  # the header comes first, and is there
        whole = film(name, frames, codec=codec, pixels=pixels, fast=fast, sound="aac")
        whole.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
        result = redact_video(whole, tmp_path / f"new-{name}", find)
        assert 4 < result.frames < 18
        assert result.covered == result.frames == len(frames_of(tmp_path / f"new-{name}"))
        assert any("ends early" in line for line in result.notes)
        assert not any("\n" in line for line in result.notes)


@pytest.mark.parametrize("name", ["a.mkv", "a.flv"])
def test_a_whole_film_that_begins_late_under_longer_sound_is_not_said_to_be_cut(
    name: str, shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    codec, tone = ("ffv1", "pcm_s16le") if name == "a.mkv" else ("flv1", "aac")
    source = film(
        name, [shot(30, 20)] * 20, codec=codec, times=range(10, 30), sound=tone, longer=40
    )  # fmt: skip
    result = redact_video(source, tmp_path / f"new-{name}", find)
    assert result.frames == 20
    assert not any("ends early" in line for line in result.notes)


def test_what_is_no_video_is_refused_in_one_line(
    shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    headless = film("a.mp4", [shot(30, 20)] * 5, codec="mpeg4")
    headless.write_bytes(headless.read_bytes()[:900])
    (tmp_path / "text.mkv").write_text("no film")
    for source in (headless, tmp_path / "text.mkv"):
        with pytest.raises(LikemarkError, match="cannot be read as a video") as refused:
            redact_video(source, tmp_path / "b.mkv", find)
        assert "\n" not in str(refused.value)
    with pytest.raises(NotFound):
        redact_video(tmp_path / "none.mp4", tmp_path / "b.mkv", find)
    with pytest.raises(InvalidInput, match=r"\.xyz"):
        redact_video(headless, tmp_path / "b.xyz", find)
    with av.open(str(tmp_path / "sound.mkv"), "w") as out:
        stream = out.add_stream("pcm_s16le", rate=8000, layout="mono")
        silence = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        silence.sample_rate = 8000
        out.mux(stream.encode(silence))
    with pytest.raises(LikemarkError, match="holds no video"):
        redact_video(tmp_path / "sound.mkv", tmp_path / "b.mkv", find)
    assert not (tmp_path / "b.mkv").exists()


@pytest.mark.parametrize("name", ["a.mpg", "a.ts", "a.mkv"])
def test_an_encoder_that_counts_frames_shifts_none(
    name: str, shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    source = film(name, [shot(30, 20)] * 8, codec="mpeg2video")
    result = redact_video(source, tmp_path / f"new-{name}", find)
    assert result.notes == ()
    assert times(tmp_path / f"new-{name}") == times(source)


def test_a_text_that_holds_a_picture_is_left_out(
    shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    import base64

    plain, source = film("plain.mkv", [shot(30, 20)] * 3), tmp_path / "a.mkv"
    cover = base64.b64encode(shot(30, 20).tobytes()).decode()
    with av.open(str(plain)) as old, av.open(str(source), "w") as out:
        stream = out.add_stream_from_template(old.streams.video[0])
        out.metadata.update({"title": "a film", "METADATA_BLOCK_PICTURE": cover})
        for packet in old.demux(video=0):
            if packet.dts is not None:
                packet.stream = stream
                out.mux(packet)
    result = redact_video(source, tmp_path / "b.mkv", find)
    (note,) = result.notes
    assert note == f"{source}: text 'METADATA_BLOCK_PICTURE' is left out: it holds a picture"
    with av.open(str(tmp_path / "b.mkv")) as made:
        assert made.metadata["title"] == "a film"
    assert cover[:99].encode() not in (tmp_path / "b.mkv").read_bytes()


def test_another_container_takes_another_codec_and_says_so(
    shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    source = film("a.mp4", [shot(30, 20)] * 4, codec="mpeg4", sound="aac")
    result = redact_video(source, tmp_path / "b.webm", find)
    assert any("written as libvpx-vp9" in line for line in result.notes)
    assert any(f"{source}: stream 1 (audio) is left out" in line for line in result.notes)


def test_progress_is_told_and_a_failing_locator_leaves_nothing(
    shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    source = film("a.mp4", [shot(30, 20)] * 6, codec="mpeg4")
    told: list[tuple[int, int | None]] = []
    redact_video(
        source, tmp_path / "b.mp4", find, progress=lambda done, total: told.append((done, total))
    )
    assert told[:6] == [(k, 6) for k in range(1, 7)]
    assert told[-1] == (6, 6)

    def broken(frame: Pixels) -> list[Region]:
        raise RuntimeError("no more memory")

    (tmp_path / "folder").mkdir()
    with pytest.raises(RuntimeError):
        redact_video(source, tmp_path / "folder" / "c.mp4", broken)
    assert list((tmp_path / "folder").iterdir()) == []


def test_without_pyav_the_way_to_install_it_is_named(
    film: Make, shot: Shot, find: Locator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = film("a.mp4", [shot(30, 20)], codec="mpeg4")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(LikemarkError, match=r"pip install 'likemark\[video\]'"):
        redact_video(source, tmp_path / "b.mp4", find)


def test_a_film_may_take_its_own_place(
    film: Make, shot: Shot, find: Locator, frames_of: FramesOf
) -> None:
    source = film("a.mkv", [shot(30, 20)] * 3)
    before = frames_of(source)
    assert redact_video(source, source, find).covered == 3
    assert (frames_of(source)[0] != before[0]).any()


@pytest.mark.parametrize(
    ("times", "looks"),
    [
        (range(20), [0, 7, 14]),
        (UNEVEN, [0, 5, 10]),
        (range(0, 60, 5), [0, 2, 4, 6, 8, 10]),
    ],
    ids=["even", "uneven", "slow"],
)
def test_marks_are_looked_for_by_the_times_that_frames_are_shown_at(
    times: Sequence[int], looks: list[int], shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    frames = [shot(20 + 2 * k, 20) for k in range(len(times))]
    lefts: list[int] = []

    def locate(frame: Pixels) -> list[Region]:
        (region,) = find(frame)
        lefts.append(region.box[0])
        return [region]

    source = film("a.mkv", frames, pixels="bgr0", times=times)
    result = redact_video(source, tmp_path / "b.mkv", locate)
    assert [round((left - 20) / 2) for left in lefts] == looks
    assert result.covered == len(frames)


def test_a_film_whose_times_begin_anew_is_looked_at_to_its_end(
    shot: Shot, film: Make, find: Locator, tmp_path: Path
) -> None:
    part = film("a.ts", [shot(30, 20)] * 20, codec="mpeg2video")
    twice = tmp_path / "b.ts"
    twice.write_bytes(part.read_bytes() * 2)
    looks = 0

    def locate(frame: Pixels) -> list[Region]:
        nonlocal looks
        looks += 1
        return list(find(frame))

    result = redact_video(twice, tmp_path / "c.ts", locate)
    assert (looks, result.frames, result.covered) == (6, 40, 40)


def test_where_memory_holds_few_frames_marks_are_looked_for_more_often(
    shot: Shot, film: Make, find: Locator, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    first = shot(30, 20)
    source = film("a.mkv", [shot(200, 20)] * 5 + [first] * 20)
    rare = Tracking(every=0.8, hold=1.6, lookback=0.8)
    for held, expected in ((30, 2), (4, 7)):
        looks = 0

        def locate(frame: Pixels) -> list[Region]:
            nonlocal looks
            looks += 1
            return list(find(frame))

        monkeypatch.setattr(video, "_HELD_BYTES", 3 * first.shape[0] * first.shape[1] * held)
        result = redact_video(source, tmp_path / "b.mkv", locate, tracking=rare)
        assert (looks, result.covered) == (expected, 20)
