"""Scenes drawn at the moment with a mark in them, what finds it, and real video files."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Pixels, Region, region_of_mask

Masks = NDArray[np.uint8]
RED = (215, 30, 40)


def texture(height: int, width: int, seed: int) -> Pixels:
    """Blotches of green and blue with enough corners to be followed."""
    coarse = np.random.default_rng(seed).integers(40, 160, (height // 4, width // 4, 3), np.uint8)
    coarse[..., 0] //= 3
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)


def drawn_mark() -> Pixels:
    """(24, 36, 3): a red plate with holes in two tones of red."""
    mark = np.full((24, 36, 3), RED, np.uint8)
    mark[4:20, 4:9] = (255, 120, 120)
    mark[14:20, 9:18] = (255, 120, 120)
    mark[4:12, 22:32] = (130, 10, 20)
    return mark


@pytest.fixture
def shot() -> Callable[..., Pixels]:
    """`shot(x, y, ...)`: (64, 96, 3), the mark at x, y on a textured ground."""

    def draw(
        x: float, y: float, *, turn: float = 0, scale: float = 1, noise: int = 0, seed: int = 1
    ) -> Pixels:
        frame = texture(64, 96, seed)
        matrix = cv2.getRotationMatrix2D((18, 12), turn, scale)
        matrix[:, 2] += (x, y)
        laid = cv2.warpAffine(drawn_mark(), matrix, (96, 64))
        inside = cv2.warpAffine(np.full((24, 36), 255, np.uint8), matrix, (96, 64)) > 127
        frame[inside] = np.asarray(laid)[inside]
        if noise:
            levels = np.random.default_rng(round(1000 * x) + noise).normal(0, noise, frame.shape)
            frame = np.clip(frame + levels, 0, 255).astype(np.uint8)
        return frame

    return draw


def red_mask(frame: Pixels) -> Masks:
    """(H, W): 255 where a px is of the mark."""
    wide = frame.astype(np.int16)
    red = (wide[..., 0] > 90) & (wide[..., 0] - wide[..., 1:].max(axis=2) > 60)
    return np.where(red, np.uint8(255), np.uint8(0))


def find_red(frame: Pixels) -> list[Region]:
    """The one mark, where enough of it is to be seen."""
    mask = red_mask(frame)
    return [region_of_mask(mask)] if np.count_nonzero(mask) > 60 else []


@pytest.fixture
def find() -> Callable[[Pixels], list[Region]]:
    """A locator that finds the red mark."""
    return find_red


@pytest.fixture
def red() -> Callable[[Pixels], Masks]:
    return red_mask


@pytest.fixture
def film(tmp_path: Path) -> Callable[..., Path]:
    """`film(name, frames, ...)`: a video file of them, with sound where a codec is named.

    longer: 25ths of a second that the sound goes on after the last frame
    """

    def make(
        name: str,
        frames: Sequence[Pixels],
        *,
        codec: str = "ffv1",
        pixels: str = "yuv420p",
        times: Sequence[int] | None = None,
        sound: str | None = None,
        turn: int = 0,
        fast: bool = False,
        longer: int = 0,
    ) -> Path:
        path = tmp_path / name
        options = {"movflags": "faststart"} if fast else {}
        with av.open(str(path), "w", options=options) as out:
            video = out.add_stream(codec, rate=25)
            assert isinstance(video, av.VideoStream)
            video.width, video.height = frames[0].shape[1], frames[0].shape[0]
            video.pix_fmt = pixels
            video.set_display_rotation(turn)
            out.metadata["title"] = "a film"
            audio = out.add_stream(sound, rate=8000, layout="mono") if sound else None
            for number, frame in enumerate(frames):
                picture = av.VideoFrame.from_ndarray(frame, "rgb24")
                picture.pts = number if times is None else times[number]
                picture.time_base = Fraction(1, 25)
                out.mux(video.encode(picture))
                if isinstance(audio, av.AudioStream):
                    out.mux(audio.encode(_tone(number)))
            out.mux(video.encode(None))
            for number in range(len(frames), len(frames) + longer):
                assert isinstance(audio, av.AudioStream)
                out.mux(audio.encode(_tone(number)))
            if isinstance(audio, av.AudioStream):
                out.mux(audio.encode(None))
        return path

    return make


def _tone(number: int) -> av.AudioFrame:
    """A 25th of a second."""
    wave = np.sin((np.arange(320) + 320 * number) * 0.3) * 8000
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None], format="s16", layout="mono")
    frame.sample_rate, frame.pts, frame.time_base = 8000, 320 * number, Fraction(1, 8000)
    return frame


@pytest.fixture
def frames_of() -> Callable[[Path], list[Pixels]]:
    """All frames of a video file, as stored."""

    def read(path: Path) -> list[Pixels]:
        with av.open(str(path)) as source:
            return [
                np.asarray(frame.to_ndarray(format="rgb24"), np.uint8)
                for frame in source.decode(video=0)
            ]

    return read
