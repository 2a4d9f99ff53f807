"""Frames of a video as RGB px, and covered px put back into a frame of any px format.

What lies outside the covered px stays bit for bit; a colour sample that several px share, as in
4:2:0, changes where one of them is covered.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from likemark.retrieval.redact.regions import Mask, Pixels

if TYPE_CHECKING:
    from av import VideoFrame

_UNSPECIFIED = 2  # of a frame's colour space
_CONVERTIBLE = {0, 1, 2, 4, 5, 6, 7, 9}  # the others FFmpeg does not convert (ITU-T H.273)


def to_rgb(frame: VideoFrame) -> Pixels:
    """(H, W, 3), as the frame is stored."""
    if frame.colorspace not in _CONVERTIBLE:
        frame.colorspace = _UNSPECIFIED
    return np.ascontiguousarray(frame.to_ndarray(format="rgb24"), np.uint8)


def put_back(frame: VideoFrame, rgb: Pixels, mask: Mask) -> VideoFrame:
    """The frame with the px of a (H, W, 3) picture where the (H, W) mask is not 0."""
    from av import VideoFrame as Frame

    space = frame.colorspace if frame.colorspace != _UNSPECIFIED else None
    made = Frame.from_ndarray(rgb, "rgb24").reformat(
        format=frame.format.name, dst_colorspace=space, dst_color_range=frame.color_range or None
    )
    units = [_unit(frame, number) for number in range(len(frame.planes))]
    if 0 in units:
        made.pts, made.time_base, made.duration = frame.pts, frame.time_base, frame.duration
        return made
    frame.make_writable()  # a decoder may look at its own px again
    for number, unit in enumerate(units):
        goal, source = (_samples(f, number, unit) for f in (frame, made))
        covered = shrunk(mask, goal.shape[0], goal.shape[1])
        rows = np.flatnonzero(covered.any(axis=1))
        if len(rows):
            part = slice(int(rows[0]), int(rows[-1]) + 1)
            np.copyto(goal[part], source[part], where=covered[part, :, None])
    return frame


def shrunk(mask: Mask, height: int, width: int) -> NDArray[np.bool_]:
    """Which samples of a plane hold a covered px."""
    rows, columns = -(-mask.shape[0] // height), -(-mask.shape[1] // width)
    if rows == columns == 1:
        covered: NDArray[np.bool_] = np.not_equal(mask, 0)
        return covered
    wide = np.zeros((height * rows, width * columns), np.bool_)
    wide[: mask.shape[0], : mask.shape[1]] = mask > 0
    return np.asarray(wide.reshape(height, rows, width, columns).any(axis=(1, 3)), np.bool_)


def _unit(frame: VideoFrame, number: int) -> int:
    """Bytes of one sample of a plane, all its components together; 0 where they lie mixed."""
    parts = [part for part in frame.format.components if part.plane == number]
    if not parts or len({(part.width, part.height) for part in parts}) > 1:
        return 0
    if len(frame.planes) > 1:
        return len(parts) * ((parts[0].bits + 7) // 8)
    whole, rest = divmod(frame.format.padded_bits_per_pixel, 8)
    return 0 if rest or frame.format.has_palette else whole


def _samples(frame: VideoFrame, number: int, unit: int) -> NDArray[np.uint8]:
    """(h, w, unit) bytes of a plane, which write through to it."""
    plane: Any = frame.planes[number]
    part = next(part for part in frame.format.components if part.plane == number)
    flat = np.frombuffer(plane, np.uint8)
    lines = flat[: plane.line_size * part.height].reshape(part.height, plane.line_size)
    return lines[:, : part.width * unit].reshape(part.height, part.width, unit)
