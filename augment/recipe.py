"""What may happen to a mark in a view, how often, and how strongly: plain numbers, all of them.

A chance is the probability that the operation is drawn for a view, 0 to 1; a range is (least,
most). Every chance is 0 unless given: `Recipe()` leaves a mark alone, and `RECIPES` has the ones
to train with.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from likemark.augment.tables import Range, check_bounds, from_tables


@dataclass(frozen=True, slots=True)
class SegmentEdits:
    """Some of a mark's segments, and not the others."""

    recolour: float = 0.0  # chance: other colours
    remove: float = 0.0  # chance: gone, what is around grows over
    rotate: float = 0.0  # chance: turned in place
    scale: float = 0.0  # chance: larger or smaller in place
    shift: float = 0.0  # chance: somewhere near
    duplicate: float = 0.0  # chance: there twice
    exchange: float = 0.0  # chance: in its place one of another mark's
    most: int = 3  # segments edited at once
    keep: float = 0.5  # share of the ink that a removal leaves
    turn: Range = (15.0, 180.0)  # degrees, either way
    factor: Range = (0.6, 1.5)  # of the size
    distance: Range = (0.05, 0.2)  # of the mark's longer side
    copy_turn: float = 40.0  # degrees: the most that what is there twice is turned, either way
    copy_factor: Range = (0.5, 1.0)  # of the size: of what is there twice

    def __post_init__(self) -> None:
        bounds = {"most": (1, 20), "turn": (0, 180), "factor": (0.1, 5)}
        check_bounds(asdict(self), {**bounds, "copy_turn": (0, 180), "copy_factor": (0.1, 5)})


@dataclass(frozen=True, slots=True)
class Redraw:
    """The whole mark as another hand would draw it."""

    thickness: float = 0.0  # chance: strokes thicker or thinner
    round: float = 0.0  # chance: corners rounded
    elastic: float = 0.0  # chance: outlines that wave a little
    px: Range = (0.008, 0.022)  # of the longer side: how much thicker or thinner
    radius: Range = (0.015, 0.04)  # of the longer side: the rounding's blur
    wave: Range = (0.01, 0.025)  # of the longer side: how far a px moves

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {})


@dataclass(frozen=True, slots=True)
class Appearance:
    """The same shapes in other inks."""

    one_colour: float = 0.0  # chance: all parts in one ink, lines left open between them
    recolour: float = 0.0  # chance: every ink another one
    hue: float = 0.0  # chance: all hues moved round the circle
    grey: float = 0.0  # chance: shades of grey
    invert: float = 0.0  # chance: every colour's negative
    outline: float = 0.0  # chance: borders as strokes, nothing filled
    ground: float = 0.0  # chance: another ground, often a dark one
    fill: float = 0.0  # chance: a gradient or a texture in the ink or the ground
    shadow: float = 0.0  # chance: a soft shadow under the ink
    jitter: float = 0.0  # chance: brightness, contrast and saturation moved
    most: int = 2  # of these in one view
    stroke: Range = (0.008, 0.022)  # of the longer side: an outline's width
    strength: Range = (30.0, 100.0)  # levels between the ends of a gradient or texture
    change: float = 0.4  # jitter: the most that a factor is off 1

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {"most": (1, 10), "strength": (0, 255)})


@dataclass(frozen=True, slots=True)
class Geometry:
    """Where things are."""

    tilt: float = 0.0  # chance: turned a little
    quarter: float = 0.0  # chance: turned by 90, 180 or 270 degrees
    free: float = 0.0  # chance: turned by any angle
    mirror: float = 0.0  # chance: left and right exchanged
    flip: float = 0.0  # chance: top and bottom exchanged
    stretch: float = 0.0  # chance: wider or taller
    perspective: float = 0.0  # chance: seen from one side
    crop: float = 0.0  # chance: a window onto it
    occlusion: float = 0.0  # chance: something lies over it
    degrees: Range = (3.0, 18.0)  # of a tilt, either way
    factor: Range = (1.1, 1.5)  # of a stretch
    depth: Range = (0.05, 0.15)  # of a side: how far perspective moves a corner
    share: Range = (0.25, 0.9)  # of the area of the ink's box that a window shows
    covered: Range = (0.04, 0.15)  # of the area of the ink's box

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {"degrees": (0, 90), "factor": (1, 3), "depth": (0, 0.4)})


@dataclass(frozen=True, slots=True)
class Scene:
    """What else is in the picture."""

    text: float = 0.0  # chance: words below, above, beside or around
    beside: float = 0.0  # chance: another mark beside it
    plate: float = 0.0  # chance: on a plate or a round badge
    photo: float = 0.0  # chance: in a photo, where photos are given
    letters: Range = (0.15, 0.4)  # of the mark's shorter side: the words' height
    size: Range = (0.6, 1.2)  # of the mark's size: the other mark's
    margin: Range = (0.08, 0.25)  # of the longer side: a plate's, round the mark
    of_photo: Range = (0.35, 0.95)  # of a photo's side: the mark's longer side

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {"size": (0.1, 3), "of_photo": (0.05, 1)})


@dataclass(frozen=True, slots=True)
class Capture:
    """What the way into a file does."""

    blur: float = 0.0  # chance
    scan: float = 0.0  # chance: askew, noisy, unevenly lit paper
    thumbnail: float = 0.0  # chance: very few px
    jpeg: float = 0.0  # chance
    sigma: Range = (0.6, 1.8)  # px of a blur
    skew: Range = (0.5, 4.0)  # degrees of a scan
    noise: Range = (2.0, 10.0)  # levels of standard deviation of a scan
    px: Range = (24.0, 64.0)  # a mark's longer side in a thumbnail
    quality: Range = (10.0, 60.0)  # of JPEG, 1 to 100

    def __post_init__(self) -> None:
        bounds = {"sigma": (0.1, 10), "skew": (0, 45), "noise": (0, 60), "px": (4, 512)}
        check_bounds(asdict(self), {**bounds, "quality": (1, 100)})


@dataclass(frozen=True, slots=True)
class Recipe:
    """Operations are drawn apart from one another, then groups left out until few are in."""

    segments: SegmentEdits = field(default_factory=SegmentEdits)  # parts of the mark
    redraw: Redraw = field(default_factory=Redraw)  # its outlines
    appearance: Appearance = field(default_factory=Appearance)  # its inks
    geometry: Geometry = field(default_factory=Geometry)  # its place
    scene: Scene = field(default_factory=Scene)  # its company
    capture: Capture = field(default_factory=Capture)  # its way into a file
    untouched: float = 0.0  # share of views that are the mark as it is
    most_groups: int = 4  # of the six, in one view
    side: int = 192  # px: a longer view is scaled down to that

    def __post_init__(self) -> None:
        if not 0 <= self.untouched <= 1 or not 1 <= self.most_groups <= 6 or self.side < 16:
            raise ValueError(
                f"untouched {self.untouched} must be from 0 to 1, most_groups {self.most_groups} "
                f"from 1 to 6 and side {self.side} 16 or more"
            )

    @classmethod
    def of(cls, tables: Mapping[str, object]) -> Recipe:
        """From plain tables, as TOML gives them: {"geometry": {"mirror": 0.5, "degrees": [3, 9]}}.

        Raises ValueError for a name that is none, or a number out of its range.
        """
        return from_tables(cls, tables, "a recipe")


_SEGMENTS = SegmentEdits(
    recolour=0.06, remove=0.06, rotate=0.06, scale=0.06, shift=0.06, duplicate=0.05, exchange=0.05
)

RECIPES: dict[str, Recipe] = {
    "default": Recipe(
        segments=_SEGMENTS,
        redraw=Redraw(thickness=0.2, round=0.1, elastic=0.2),
        appearance=Appearance(
            one_colour=0.2, recolour=0.2, hue=0.1, grey=0.15, invert=0.2, outline=0.12,
            ground=0.2, fill=0.1, shadow=0.05,
        ),
        geometry=Geometry(
            tilt=0.3, quarter=0.15, free=0.25, mirror=0.25, stretch=0.2, perspective=0.08,
            crop=0.2, occlusion=0.08, share=(0.2, 0.9),
        ),
        scene=Scene(text=0.2, beside=0.12, plate=0.15, photo=0.12),
        capture=Capture(blur=0.05, scan=0.1, thumbnail=0.15, jpeg=0.15),
        untouched=0.1,
    ),
    "segment": Recipe(
        segments=SegmentEdits(
            recolour=0.3, remove=0.3, rotate=0.3, scale=0.2, shift=0.2, duplicate=0.15, exchange=0.1
        )
    ),
    "image": Recipe(
        appearance=Appearance(jitter=0.8, grey=0.2),
        geometry=Geometry(tilt=0.5, mirror=0.5, flip=0.1, stretch=0.4, crop=0.5, share=(0.5, 0.95)),
    ),
    "none": Recipe(),
}  # fmt: skip
