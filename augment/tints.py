"""A whole view in other tones: grey, negative, hues turned, brightness and contrast moved."""

from __future__ import annotations

import numpy as np

from likemark.augment.marks import Job, Sheet
from likemark.augment.parts import LUMA, as_bytes, threefold
from likemark.augment.pixels import Pixels


def grey(sheet: Sheet, job: Job) -> Sheet:
    import cv2

    plane = as_bytes(cv2.cvtColor(sheet.pixels, cv2.COLOR_RGB2GRAY))
    level = round(float(np.dot(sheet.ground, LUMA)))
    return Sheet(threefold(plane), (level, level, level), sheet.even)


def negative(sheet: Sheet, job: Job) -> Sheet:
    red, green, blue = sheet.ground
    return Sheet(~sheet.pixels, (255 - red, 255 - green, 255 - blue), sheet.even)


def turn_hues(sheet: Sheet, job: Job) -> Sheet:
    """All hues moved round the circle by the same angle; greys stay."""
    import cv2

    turn = np.uint8(job.rng.integers(20, 237))
    both = _with_ground(sheet)
    hsv = as_bytes(cv2.cvtColor(both, cv2.COLOR_RGB2HSV_FULL))
    hsv[..., 0] += turn
    return _parted(as_bytes(cv2.cvtColor(hsv, cv2.COLOR_HSV2RGB_FULL)), sheet.even)


def jitter(sheet: Sheet, job: Job) -> Sheet:
    """Brightness, contrast and saturation moved, as photographs are for training."""
    import cv2

    most = job.recipe.appearance.change
    light, contrast, colour = (1 + job.rng.uniform(-most, most, 3)).tolist()
    both = cv2.convertScaleAbs(_with_ground(sheet), alpha=light)
    pale = threefold(as_bytes(cv2.cvtColor(both, cv2.COLOR_RGB2GRAY)))
    both = cv2.addWeighted(both, colour, pale, 1 - colour, 0)
    middle = float(np.mean(pale))
    both = cv2.addWeighted(both, contrast, both, 0, (1 - contrast) * middle)
    return _parted(as_bytes(both), sheet.even)


def _with_ground(sheet: Sheet) -> Pixels:
    """(h + 1, w, 3): a row of the ground below, so that it goes through the same change."""
    row = np.empty((1, sheet.pixels.shape[1], 3), np.uint8)
    row[:] = sheet.ground
    return np.concatenate([sheet.pixels, row])


def _parted(both: Pixels, even: bool) -> Sheet:
    red, green, blue = both[-1, 0].tolist()
    return Sheet(both[:-1], (red, green, blue), even)
