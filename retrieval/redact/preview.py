"""A picture side by side with what became of it, the covered regions outlined."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from likemark.db.errors import LikemarkError
from likemark.retrieval.files import write_whole
from likemark.retrieval.pictures.load import load_picture
from likemark.retrieval.pictures.normalise import flatten
from likemark.retrieval.redact.film import film_of, opened
from likemark.retrieval.redact.planes import to_rgb
from likemark.retrieval.redact.regions import Pixels, Region
from likemark.retrieval.redact.video import Sample

_GAP = 8  # px between the two
_OUTLINE = (255, 40, 40)
_LONGEST = 1600  # px of each half's longer side


def side_by_side(
    before: Pixels, after: Pixels, regions: Sequence[Region], *, longest: int = _LONGEST
) -> Pixels:
    """Both pictures at one scale, regions outlined in both.

    before, after: (H, W, 3), upright
    longest: px, of the longer side of each half at most
    result: (h, 2 w + 8, 3), white between the two
    """
    height, width = before.shape[:2]
    scale = min(1.0, longest / max(height, width))
    halves = [_outlined(_scaled(picture, scale), regions, scale) for picture in (before, after)]
    gap = np.full((halves[0].shape[0], _GAP, 3), 255, np.uint8)
    return np.hstack([halves[0], gap, halves[1]])


def preview_picture(before: Path, after: Path, regions: Sequence[Region], target: Path) -> None:
    """Write a PNG of two picture files; raises PictureError and what `write_whole` does."""
    old, new = (flatten(load_picture(path)) for path in (before, after))
    write_png(target, side_by_side(old, new, regions))


def preview_video(before: Path, after: Path, sample: Sample, target: Path) -> None:
    """Write a PNG of one frame of two video files; raises as `opened` and `write_whole` do."""
    frames = [frame_at(path, sample.seconds) for path in (before, after)]
    write_png(target, side_by_side(frames[0], frames[1], sample.regions))


def frame_at(path: Path, seconds: float) -> Pixels:
    """(H, W, 3), upright: the frame of a video at a time, or the last one before it."""
    from av.error import FFmpegError

    film = film_of(path)
    with opened(path) as (container, stream):
        container.seek(int(seconds * 1_000_000))  # the key frame before it
        best = None
        try:
            for frame in container.decode(stream):
                if best is not None and (frame.time or 0.0) > seconds + 1e-3:
                    break
                best = frame
        except FFmpegError:
            pass  # what was decoded before the damage is shown
        if best is None:
            raise LikemarkError(f"{film.name}: it holds no frame at {seconds:.2f} seconds")
        return film.turn.upright(to_rgb(best))


def write_png(target: Path, pixels: Pixels) -> None:
    stream = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(stream, "PNG")
    write_whole(target, stream.getvalue())


def _scaled(pixels: Pixels, scale: float) -> Pixels:
    height, width = pixels.shape[:2]
    if scale == 1:
        return np.ascontiguousarray(pixels)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    image = Image.fromarray(np.ascontiguousarray(pixels))
    return np.array(image.resize(size, Image.Resampling.BOX, reducing_gap=2.0))


def _outlined(pixels: Pixels, regions: Sequence[Region], scale: float) -> Pixels:
    import cv2

    drawn = pixels.copy()
    width = max(1, round(max(pixels.shape[:2]) / 400))
    for region in regions:
        corners = np.rint(region.corners * scale - 0.5).astype(np.int32)
        cv2.polylines(drawn, [corners], True, _OUTLINE, width, lineType=cv2.LINE_AA)
    return drawn
