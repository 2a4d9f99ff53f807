"""One mark, followed from a frame into the one beside it, and how long marks are followed."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, replace

import numpy as np

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.motion import Anchor, View, anchored, follow, likeness
from likemark.retrieval.redact.regions import Region
from likemark.retrieval.redact.shapes import Matrix, carried, moved, outside

_SAME_MARK = 0.5  # likeness below which a mark is not followed further back
_FAR = 0.12  # turned or scaled by more, a region gets a new anchor


@dataclass(frozen=True, slots=True)
class Tracking:
    """How marks are followed through a film. All in seconds but `still`."""

    every: float = 0.25  # marks are looked for so far apart, and where one is lost or much changes
    hold: float = 1.0  # a mark is covered for so long after it was last found or plain to see
    follow: float = 10.0  # and for no longer than that after it was found last, but for the hold
    lookback: float = 0.5  # a mark is covered for so long before it was found first
    still: float = 0.5  # px: a mark that moves by less is at rest

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            if not (math.isfinite(value) and value >= 0):
                raise InvalidInput(f"{name} is {value}: it must be a number, 0 or more")
        if self.hold < self.every:
            raise InvalidInput(f"hold is {self.hold}: it must be no less than every, {self.every}")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One mark, as it is in the present frame."""

    number: int  # the first is 0
    anchor: Anchor  # what it is compared with
    matrix: Matrix  # from the anchor's frame to the present one
    region: Region  # in the present frame; the very same object while it is at rest
    seen: float  # seconds: of the frame in which it was last found, or plainly there
    found: float  # seconds: of the one in which it was last found
    moving: bool = False  # whether it moved since then

    def placed(self, region: Region, view: View, seconds: float) -> Track:
        """The track where it was found, in a frame that is shown at so many seconds."""
        return replace(
            self, anchor=anchored(view, region), matrix=np.eye(3), region=region,
            seen=seconds, found=seconds, moving=False,
        )  # fmt: skip


def begun(number: int, region: Region, view: View, seconds: float) -> Track:
    """A track that begins with a finding, in a frame that is shown at so many seconds."""
    return Track(number, anchored(view, region), np.eye(3), region, seconds, seconds)


def followed(track: Track, beside: View, view: View, *, still: float) -> Track | None:
    """A track in the frame beside its own; None where its mark is not found again.

    beside: the frame that the track is in
    still: px, as of `Tracking`
    """
    found = follow(track.anchor, view, track.matrix)
    if found is None and track.anchor.view is not beside:
        # Turned or lit otherwise by now: what it was last is nearer than what it was first.
        track = replace(track, anchor=anchored(beside, track.region), matrix=np.eye(3))
        found = follow(track.anchor, view, track.matrix)
    if found is None:
        return None
    if _is_at_rest(track.anchor.region, track.matrix, found, still):
        return track
    region = moved(track.anchor.region, found)
    track = replace(track, region=region, matrix=found, moving=True)
    if np.abs(found[:2, :2] - np.eye(2)).max() > _FAR and not outside(region, view.shape):
        return replace(track, anchor=anchored(view, region), matrix=np.eye(3))
    return track


def followed_back(track: Track, beside: View, view: View, *, still: float) -> Track | None:
    """A track in the frame before its own, None where the mark is not to be seen; as `followed`."""
    found = followed(track, beside, view, still=still)
    if found is None and likeness(track.anchor, view, track.matrix) < _SAME_MARK:
        return None
    track = track if found is None else found
    return None if outside(track.region, view.shape) else track


def _is_at_rest(region: Region, held: Matrix, found: Matrix, still: float) -> bool:
    corners = region.corners - 0.5
    off = np.abs(carried(corners, found) - carried(corners, held)).max()
    return bool(off < still)
