"""A film of a camera at rest, made here: whether what covers a mark flickers, and how fast it is.

F: frames; H, W: px.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from likemark.augment.marks import Mark
from likemark.augment.scenes.recipe import Pose, SceneRecipe
from likemark.augment.scenes.scene import make_scene
from likemark.benchmarks.encoders import Pixels
from likemark.benchmarks.redaction.covering import HALF
from likemark.retrieval.redact.following import Tracking
from likemark.retrieval.redact.measures import flicker
from likemark.retrieval.redact.regions import Region, region_of_box, region_of_mask
from likemark.retrieval.redact.style import Style
from likemark.retrieval.redact.video import redact_video

FRAMES, SIZE, RATE = 48, (270, 480), 25
_NOISE = 3.0  # levels, of a camera's noise
_LEAST = 60  # px of the mark's longer side
_DROPPED = 5  # of so many frames, the mark is missed in one
_SHAKEN = 2  # px by which a found box is off at most


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    query: Pixels  # (h, w, 3 or 4): the mark
    frames: NDArray[np.uint8]  # (F, H, W, 3)
    mask: NDArray[np.uint8]  # (H, W): 255 where the mark is, the same in each


@dataclass(frozen=True, slots=True)
class ClipFigures:
    flicker: float | None  # levels, of px that are covered twice in a row; None: none are
    frames_covered: float  # share of the frames in which half of the mark's box or more is covered
    frames_per_second: float  # following, covering, decoding and encoding; without locating


def make_clip(
    mark: Pixels, *, frames: int = FRAMES, size: tuple[int, int] = SIZE, seed: int = 0
) -> Clip:
    """A mark on a ground of soft blots, with new noise in every frame; the same for the same seed.

    mark: (h, w, 3 or 4); size: H, W
    """
    import cv2

    rng = np.random.default_rng(seed)
    blots = rng.integers(60, 190, (9, 16, 3), np.uint8)
    ground = np.asarray(cv2.resize(blots, size[::-1], interpolation=cv2.INTER_CUBIC), np.uint8)
    recipe = SceneRecipe(pose=Pose(least=min(_LEAST, size[0] // 2), most=0.5))
    scene = make_scene(ground, [Mark.of(mark)], rng, recipe, size=size)
    noise = rng.normal(0, _NOISE, (frames, *scene.pixels.shape)).astype(np.float32)
    shot = np.clip(np.rint(scene.pixels + noise), 0, 255).astype(np.uint8)
    mask = np.where(scene.mask_of(0) > 127, np.uint8(255), np.uint8(0))
    return Clip(mark, shot, mask)


def shaken(clip: Clip, *, seed: int = 0) -> list[list[Region]]:
    """F: the mark's box as a fair finder sees it, off by a px or two and missed now and then."""
    rng = np.random.default_rng(seed)
    left, top, right, bottom = region_of_mask(clip.mask).box
    found: list[list[Region]] = []
    for number in range(len(clip.frames)):
        x, y = (rng.integers(-_SHAKEN, _SHAKEN + 1, 2)).tolist()
        box = region_of_box(left + x, top + y, right - left, bottom - top)
        found.append([] if number % _DROPPED == _DROPPED - 1 else [box])
    return found


def measure_clip(clip: Clip, found: Sequence[Sequence[Region]], style: Style) -> ClipFigures:
    """Redact the clip as a video file, and look at what came out.

    found: F, the regions of each frame
    Raises LikemarkError where PyAV is missing.
    """
    from likemark.retrieval.redact.film import check_av

    check_av()
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "clip.mkv", Path(folder) / "redacted.mkv"
        _write(source, clip.frames)
        left = iter(found)
        start = time.perf_counter()
        looks = Tracking(every=0)  # there is a finding for every frame
        redact_video(source, target, lambda frame: next(left), style=style, tracking=looks)
        seconds = time.perf_counter() - start
        before, after = _read(source), _read(target)
    covered = np.where((before != after).any(axis=3), np.uint8(255), np.uint8(0))
    box = region_of_mask(clip.mask).box
    inside = covered[:, box[1] : box[3], box[0] : box[2]] > 0
    return ClipFigures(
        flicker(after, covered) if covered.any() else None,
        float((inside.mean(axis=(1, 2)) >= HALF).mean()),
        len(clip.frames) / seconds,
    )


def _write(path: Path, frames: NDArray[np.uint8]) -> None:
    """Without loss, and with a colour for each px: what is covered can be told from the px."""
    import av

    with av.open(str(path), "w") as out:
        video = out.add_stream("ffv1", rate=RATE)
        assert isinstance(video, av.VideoStream)
        video.height, video.width = frames.shape[1:3]
        video.pix_fmt = "yuv444p"
        for number, frame in enumerate(frames):
            picture = av.VideoFrame.from_ndarray(frame, "rgb24")
            picture.pts, picture.time_base = number, Fraction(1, RATE)
            out.mux(video.encode(picture))
        out.mux(video.encode(None))


def _read(path: Path) -> NDArray[np.uint8]:
    import av

    with av.open(str(path)) as source:
        frames = [frame.to_ndarray(format="rgb24") for frame in source.decode(video=0)]
    return np.stack(frames).astype(np.uint8)
