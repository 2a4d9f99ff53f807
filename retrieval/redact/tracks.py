"""Marks followed from frame to frame: no flash where one was missed, no flicker at rest.

Frames go in, and come out again some frames later with the regions to cover in each: a mark that
is found for the first time is also followed back into the frames that are still held.
"""

from __future__ import annotations

import sys
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from likemark.retrieval.redact.following import Track, Tracking, begun, followed, followed_back
from likemark.retrieval.redact.motion import View, changed, is_cut, likeness, view_of
from likemark.retrieval.redact.paint import grown
from likemark.retrieval.redact.regions import Locator, Pixels, Region
from likemark.retrieval.redact.shapes import (
    area,
    joined,
    outside,
    shared,
    turned_like,
    window_of,
)  # fmt: skip
from likemark.retrieval.redact.style import Style

_SAME_SCENE = 0.8  # likeness by which a mark outlives what looks like a cut: a flash of light
_PLAIN = 0.8  # likeness from which a mark is plainly still where it was followed to
_MATCH = 0.4  # shared px over the px of either, from which a found region is a track's
_PART = 0.8  # share of a found region inside a track's
_COVERED = 0.98  # share of it under the track's cover that leaves the track as it is
_LARGER = 2.5  # times the px of what was found, more than which a track's region is wrong
_MOVED = 0.2  # share of the px that changed since the last look, more than which asks for another
_ROUNDING = 1e-6  # seconds


@dataclass(frozen=True, slots=True, eq=False)
class Held:
    """A frame that waits for marks found later."""

    view: View
    seconds: float  # at which it is shown
    begins: bool  # a scene begins with it
    marks: dict[int, Region]  # by the track's number


class Tracker:
    """Follows the marks of one film."""

    def __init__(
        self, locate: Locator, tracking: Tracking, style: Style, *, most: int = sys.maxsize
    ) -> None:
        """most: frames that wait at once. Marks are looked for that often at least: what is found
        is covered back to the last look."""
        self._locate = locate
        self._tracking = tracking
        self._style = style
        self._most = most
        self._tracks: list[Track] = []
        self._held: deque[Held] = deque()
        self._looked: Held | None = None  # the frame that was looked at last
        self._since = 0  # frames that came in after it
        self._numbers = 0  # given to tracks

    def push(self, frame: Pixels, seconds: float, *, whole: bool = True) -> list[dict[int, Region]]:
        """Take a (H, W, 3) RGB frame in; the regions of the frames that are done.

        seconds: at which it is shown, later than the one before
        whole: False for a damaged frame, which is no cut however little is left of it
        """
        view = view_of(frame)
        before = self._held[-1].view if self._held else view
        begins = not self._held or before.shape != view.shape or (whole and is_cut(before, view))
        now = Held(view, seconds, begins, {})
        lost = self._follow(now)
        self._held.append(now)
        done = list(self._over(seconds - self._tracking.lookback - _ROUNDING))
        self._since += 1
        if begins or lost or self._is_due(now, whole=whole):
            self._take(self._locate(frame), now)
            self._looked, self._since = now, 0
        now.marks.update({track.number: track.region for track in self._tracks})
        return done

    def finish(self) -> Iterator[dict[int, Region]]:
        """The regions of the frames that are still held."""
        while self._held:
            yield self._held.popleft().marks

    def _over(self, least: float) -> Iterator[dict[int, Region]]:
        """The regions of the frames that wait no longer: shown before so many seconds, or too
        many. The last one is kept in any case: the next is compared with it."""
        while len(self._held) > 1 and (
            self._held[0].seconds < least or len(self._held) > self._most
        ):
            yield self._held.popleft().marks

    def _is_due(self, now: Held, *, whole: bool) -> bool:
        """Whether it is time to look for marks again, or much has changed."""
        looked = self._looked
        if looked is None or self._since >= self._most:
            return True
        if now.seconds - looked.seconds >= self._tracking.every - _ROUNDING:
            return True
        return whole and changed(looked.view, now.view) > _MOVED

    def _follow(self, now: Held) -> bool:
        """Take all tracks into the next frame; whether a mark is to be looked for in it.

        That is where a track ends, and for as long as a step after a mark was lost: what cannot be
        followed is covered only where it is found.
        """
        stepped = [self._stepped(track, self._held[-1], now) for track in self._tracks]
        self._tracks = [track for track in stepped if track is not None]
        recent = now.seconds - self._tracking.every
        return any(track is None or recent < track.seen < now.seconds for track in stepped)

    def _stepped(self, track: Track, before: Held, now: Held) -> Track | None:
        """A track in the next frame, or None where it ends."""
        tracking, elapsed = self._tracking, before.seconds + _ROUNDING
        longest = max(tracking.hold, tracking.follow)
        if elapsed - track.seen > tracking.hold or elapsed - track.found > longest:
            return None
        if before.view.shape != now.view.shape:
            return None
        found = followed(track, before.view, now.view, still=tracking.still)
        track = track if found is None else found
        alike = likeness(track.anchor, now.view, track.matrix)
        # Once lost, it may be what hides it that is followed: only a finding tells.
        if found is not None and alike >= _PLAIN and track.seen >= before.seconds:
            track = replace(track, seen=now.seconds)
        if now.begins and alike < _SAME_SCENE:
            return None
        return None if outside(track.region, now.view.shape) else track

    def _take(self, found: Sequence[Region], now: Held) -> None:
        """Give each found region to the track it belongs to, or begin one with it."""
        free = list(range(len(self._tracks)))
        for region in sorted(found, key=lambda region: -region.score):
            if outside(region, now.view.shape):
                continue
            place = self._match(region, free)
            if place is None:
                self._begin(region, now)
            else:
                free.remove(place)
                self._tracks[place] = self._seen(self._tracks[place], region, now)

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

    def _seen(self, track: Track, region: Region, now: Held) -> Track:
        """A track that was found again: as it was, where that covers what was found."""
        ours, theirs = window_of(region), window_of(track.region)
        covered = shared(ours, grown(track.region, self._style)) >= _COVERED * area(ours)
        plain = not track.moving or likeness(track.anchor, now.view, track.matrix) >= _PLAIN
        if covered and (plain or area(theirs) <= _LARGER * area(ours)):
            return replace(track, seen=now.seconds, found=now.seconds, moving=False)
        if not track.moving:
            # At rest, what two findings disagree about is covered: else the edge would flicker.
            region = joined(track.region, region)
            self._settle(track, region)
            return track.placed(region, now.view, now.seconds)
        # A finding of a part must not lay bare the rest of what is plainly the same mark.
        region = joined(track.region, region) if plain else turned_like(region, track.region)
        track = track.placed(region, now.view, now.seconds)
        self._lead_back(track)
        return track

    def _settle(self, track: Track, region: Region) -> None:
        """Give a mark at rest another region, in the frames that are held."""
        for entry in self._held:
            if entry.marks.get(track.number) is track.region:
                entry.marks[track.number] = region

    def _begin(self, region: Region, now: Held) -> None:
        track = begun(self._numbers, region, now.view, now.seconds)
        self._numbers += 1
        self._tracks.append(track)
        self._lead_back(track)

    def _lead_back(self, track: Track) -> None:
        """Cover a mark in the frames that are held, too, as far back as it is to be seen."""
        held, still = list(self._held), self._tracking.still
        for present, entry in zip(held[:0:-1], held[-2::-1], strict=True):
            if present.begins:
                return
            before = followed_back(track, present.view, entry.view, still=still)
            if before is None:
                return
            track = before
            known = entry.marks.get(track.number)
            region = track.region if known is None else joined(known, track.region)
            entry.marks[track.number] = region
