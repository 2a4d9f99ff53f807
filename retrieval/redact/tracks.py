"""Marks followed from frame to frame: no flash where one was missed, no flicker at rest.

Frames go in, and come out again some frames later with the regions to cover in each: a mark that
is found for the first time is also followed back into the frames that are still held.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from likemark.db.errors import InvalidInput
from likemark.retrieval.redact.motion import (
    Anchor,
    View,
    anchored,
    follow,
    is_cut,
    likeness,
    view_of,
)  # fmt: skip
from likemark.retrieval.redact.paint import grown
from likemark.retrieval.redact.regions import Locator, Pixels, Region
from likemark.retrieval.redact.shapes import (
    Matrix,
    area,
    carried,
    joined,
    moved,
    outside,
    shared,
    turned_like,
    window_of,
)  # fmt: skip
from likemark.retrieval.redact.style import Style

_SAME_SCENE = 0.8  # likeness by which a mark outlives what looks like a cut: a flash of light
_PLAIN = 0.8  # likeness from which a mark is plainly still where it was followed to
_SAME_MARK = 0.5  # likeness below which a mark is not followed further back
_MATCH = 0.4  # shared px over the px of either, from which a found region is a track's
_PART = 0.8  # share of a found region inside a track's
_COVERED = 0.98  # share of it under the track's cover that leaves the track as it is
_LARGER = 2.5  # times the px of what was found, more than which a track's region is wrong
_FAR = 0.12  # turned or scaled by more, a region gets a new anchor


@dataclass(frozen=True, slots=True)
class Tracking:
    """How marks are followed through a film. All in frames but `still`."""

    every: int = 1  # marks are located in every so many frames, and after each cut
    hold: int = 24  # a mark is covered for so many frames after it was last found or plain to see
    follow: int = 240  # and for no more than so many after it was found last, but for the hold
    lookback: int = 12  # a mark is covered in so many frames before it was found first
    still: float = 0.5  # px: a mark that moves by less is at rest

    def __post_init__(self) -> None:
        if self.every < 1 or min(self.lookback, self.follow) < 0 or not self.still >= 0:
            raise InvalidInput(
                f"every is {self.every}, lookback {self.lookback}, follow {self.follow}, still "
                f"{self.still}: they must be 1 or more, the others 0 or more"
            )
        if self.hold < self.every:
            raise InvalidInput(f"hold is {self.hold}: it must be no less than every, {self.every}")


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One mark, as it is in the present frame."""

    number: int  # the first is 0
    anchor: Anchor  # what it is compared with
    matrix: Matrix  # from the anchor's frame to the present one
    region: Region  # in the present frame; the very same object while it is at rest
    unseen: int = 0  # frames since it was found, or plainly there
    since: int = 0  # frames since it was found
    moving: bool = False  # whether it moved since then


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A frame that waits for marks found later."""

    view: View
    begins: bool  # a scene begins with it
    marks: dict[int, Region]  # by the track's number


class Tracker:
    """Follows the marks of one film."""

    def __init__(self, locate: Locator, tracking: Tracking, style: Style) -> None:
        self._locate = locate
        self._tracking = tracking
        self._style = style
        self._tracks: list[Track] = []
        self._held: deque[Held] = deque()
        self._frames = 0  # that came in
        self._numbers = 0  # given to tracks

    def push(self, frame: Pixels, *, whole: bool = True) -> list[dict[int, Region]]:
        """Take a (H, W, 3) RGB frame in; the regions of the frame that is done, if one is.

        whole: False for a damaged frame, which is no cut however little is left of it
        """
        view = view_of(frame)
        before = self._held[-1].view if self._held else view
        begins = not self._held or before.shape != view.shape or (whole and is_cut(before, view))
        stepped = [self._stepped(track, before, view, begins) for track in self._tracks]
        self._tracks = [track for track in stepped if track is not None]
        self._held.append(Held(view, begins, {}))
        if begins or self._frames % self._tracking.every == 0:
            self._take(self._locate(frame), view)
        self._held[-1].marks.update({track.number: track.region for track in self._tracks})
        self._frames += 1
        # The last one is kept in any case: the next is compared with it.
        over = len(self._held) > max(self._tracking.lookback, 1)
        return [self._held.popleft().marks] if over else []

    def finish(self) -> Iterator[dict[int, Region]]:
        """The regions of the frames that are still held."""
        while self._held:
            yield self._held.popleft().marks

    def _stepped(self, track: Track, before: View, view: View, begins: bool) -> Track | None:
        """A track in the next frame, or None where it ends."""
        hold, follow = self._tracking.hold, self._tracking.follow
        if track.unseen >= hold or track.since >= max(hold, follow) or before.shape != view.shape:
            return None
        found = self._carried(track, before, view)
        track = track if found is None else found
        alike = likeness(track.anchor, view, track.matrix)
        # Once lost, it may be what hides it that is followed: only a finding tells.
        is_plain = found is not None and alike >= _PLAIN and not track.unseen
        track = replace(track, unseen=0 if is_plain else track.unseen + 1, since=track.since + 1)
        if begins and alike < _SAME_SCENE:
            return None
        return None if outside(track.region, view.shape) else track

    def _carried(self, track: Track, beside: View, view: View) -> Track | None:
        """A track in the frame beside its own; None where its mark is not found again.

        beside: the frame that the track is in
        """
        found = follow(track.anchor, view, track.matrix)
        if found is None and track.anchor.view is not beside:
            # Turned or lit otherwise by now: what it was last is nearer than what it was first.
            track = replace(track, anchor=anchored(beside, track.region), matrix=np.eye(3))
            found = follow(track.anchor, view, track.matrix)
        if found is None:
            return None
        if self._at_rest(track.anchor.region, track.matrix, found):
            return track
        region = moved(track.anchor.region, found)
        track = replace(track, region=region, matrix=found, moving=True)
        if np.abs(found[:2, :2] - np.eye(2)).max() > _FAR and not outside(region, view.shape):
            return replace(track, anchor=anchored(view, region), matrix=np.eye(3))
        return track

    def _at_rest(self, region: Region, held: Matrix, found: Matrix) -> bool:
        corners = region.corners - 0.5
        off = np.abs(carried(corners, found) - carried(corners, held)).max()
        return bool(off < self._tracking.still)

    def _take(self, found: Sequence[Region], view: View) -> None:
        """Give each found region to the track it belongs to, or begin one with it."""
        free = list(range(len(self._tracks)))
        for region in sorted(found, key=lambda region: -region.score):
            if outside(region, view.shape):
                continue
            place = self._match(region, free)
            if place is None:
                self._begin(region, view)
            else:
                free.remove(place)
                self._tracks[place] = self._seen(self._tracks[place], region, view)

    def _match(self, region: Region, free: Sequence[int]) -> int | None:
        """Which of the tracks a found region belongs to: the one with most px in common."""
        ours, best = window_of(region), (0.0, -1)
        for place in free:
            theirs = window_of(self._tracks[place].region)
            common = shared(ours, theirs)
            alike = common / max(area(ours) + area(theirs) - common, 1)
            if alike >= _MATCH or common >= _PART * area(ours):
                best = max(best, (alike, place))
        return best[1] if best[1] >= 0 else None

    def _seen(self, track: Track, region: Region, view: View) -> Track:
        """A track that was found again: as it was, where that covers what was found."""
        ours, theirs = window_of(region), window_of(track.region)
        covered = shared(ours, grown(track.region, self._style)) >= _COVERED * area(ours)
        if covered and (not track.moving or area(theirs) <= _LARGER * area(ours)):
            return replace(track, unseen=0, since=0, moving=False)
        if not track.moving:
            # At rest, what two findings disagree about is covered: else the edge would flicker,
            # and a finding of a part would lay bare the rest.
            return self._settled(track, joined(track.region, region), view)
        return _set(track, turned_like(region, track.region), view)

    def _settled(self, track: Track, region: Region, view: View) -> Track:
        """A track at rest whose region has grown: in the frames that are held, too."""
        for entry in self._held:
            if entry.marks.get(track.number) is track.region:
                entry.marks[track.number] = region
        return _set(track, region, view)

    def _begin(self, region: Region, view: View) -> None:
        track = Track(self._numbers, anchored(view, region), np.eye(3), region)
        self._numbers += 1
        self._tracks.append(track)
        earlier = list(self._held)[-1 - self._tracking.lookback :]
        for present, entry in zip(earlier[:0:-1], earlier[-2::-1], strict=True):
            if present.begins:
                return
            before = self._back(track, present.view, entry.view)
            if before is None:
                return
            track = before
            entry.marks[track.number] = track.region

    def _back(self, track: Track, beside: View, view: View) -> Track | None:
        """A track in the frame before, where the mark is still to be seen."""
        found = self._carried(track, beside, view)
        if found is None and likeness(track.anchor, view, track.matrix) < _SAME_MARK:
            return None
        track = track if found is None else found
        return None if outside(track.region, view.shape) else track


def _set(track: Track, region: Region, view: View) -> Track:
    anchor = anchored(view, region)
    return replace(
        track, anchor=anchor, matrix=np.eye(3), region=region, unseen=0, since=0, moving=False
    )
