"""What may happen in a scene, how often, and how strongly: plain numbers, all of them.

As in `likemark.augment.recipe`: a chance is 0 to 1, and 0 unless given; a range is (least, most).
`SceneRecipe()` paints each mark once, flat and upright; `SCENE_RECIPES` has the one to train with.
A mark's size is the longer side of its quad in the scene, in px.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from likemark.augment.tables import Range, check_bounds, from_tables


@dataclass(frozen=True, slots=True)
class Content:
    """What is in a scene."""

    copy: float = 0.0  # chance: a mark is there once more; drawn again after each copy
    most_copies: int = 4  # of a mark, the first one counted
    words: float = 0.0  # chance: an invented word; drawn again after each word
    most_words: int = 4
    letters: Range = (0.05, 0.15)  # of the scene's shorter side: the words' height

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {"most_copies": (1, 50), "most_words": (0, 50)})


@dataclass(frozen=True, slots=True)
class Pose:
    """How a mark lies, and how large it is."""

    tilt: float = 0.0  # chance: turned a little
    free: float = 0.0  # chance: turned by any angle
    perspective: float = 0.0  # chance: seen from one side
    cylinder: float = 0.0  # chance: on something round
    cloth: float = 0.0  # chance: on something that hangs in folds
    cut: float = 0.0  # chance: part of it is outside of the scene
    least: int = 16  # px: the smallest size
    most: float = 0.9  # of the scene's shorter side: the largest size; log-uniform between
    thinnest: int = 8  # px: the shorter side, where the largest size allows
    degrees: Range = (2.0, 20.0)  # of a tilt, either way
    away: Range = (15.0, 55.0)  # degrees by which perspective turns it from the camera
    distance: Range = (1.5, 5.0)  # of the mark's longer side: how far the camera is
    arc: Range = (25.0, 70.0)  # degrees round a cylinder, to either side of the middle
    fold: Range = (0.01, 0.045)  # of the size: how far a fold moves a px
    outside: Range = (0.1, 0.4)  # of the mark's width or height: how much of it is cut off

    def __post_init__(self) -> None:
        check_bounds(
            asdict(self),
            {
                "least": (8, 4096), "thinnest": (1, 4096), "degrees": (0, 90), "away": (0, 70),
                "distance": (1, 100), "arc": (1, 80), "fold": (0, 0.1), "outside": (0, 0.6),
            },
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finish:
    """How a mark is applied: by one of these ways, or painted in its own colours."""

    printed: float = 0.0  # chance: one ink, through which the ground's texture shows
    sign: float = 0.0  # chance: on a plate of its own
    embossed: float = 0.0  # chance: tone on tone, where the ground is calm
    one_ink: float = 0.0  # chance: a painted mark or one on a plate is in one ink
    plate: float = 0.0  # chance: a plate of another colour than the mark's own ground
    strength: Range = (0.75, 1.0)  # how much of an ink goes on
    margin: Range = (0.1, 0.35)  # of the mark's longer side: a plate's, round the mark
    depth: Range = (0.3, 0.55)  # how much lighter or darker than the ground embossed ink is
    seen: int = 40  # levels by which most of a mark must differ from what it lies on

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {"seen": (0, 120)})
        if self.printed + self.sign + self.embossed > 1:
            raise ValueError(
                f"printed {self.printed}, sign {self.sign} and embossed {self.embossed} "
                "must not be more than 1 together"
            )


@dataclass(frozen=True, slots=True)
class Light:
    """What falls on the scene, and on a mark in it."""

    gradient: float = 0.0  # chance: lighter at one end
    shadow: float = 0.0  # chance: a shadow falls across
    highlight: float = 0.0  # chance: a glare
    shade: float = 0.0  # chance: a mark takes on the light and shade of where it lies
    contact: float = 0.0  # chance: a plate casts a shadow
    fall: Range = (0.1, 0.5)  # share of the light that is lost at a gradient's dark end
    dark: Range = (0.2, 0.55)  # share of the light that a shadow takes
    glare: Range = (40.0, 130.0)  # levels that a highlight adds in its middle

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {"glare": (0, 255)})


@dataclass(frozen=True, slots=True)
class Occlusion:
    """What lies over a mark."""

    over: float = 0.0  # chance: something of the photo, or of one colour, lies over it
    overlap: float = 0.0  # chance: it may lie over another mark
    covered: Range = (0.1, 0.45)  # of the mark's extent: how wide what lies over it is
    least: float = 0.4  # share of a mark that what lies over it leaves visible

    def __post_init__(self) -> None:
        check_bounds(asdict(self), {})


@dataclass(frozen=True, slots=True)
class Lens:
    """What the camera and the file do; blur is bounded so that the smallest mark outlives it."""

    coarse: float = 0.0  # chance: of few px, scaled up
    blur: float = 0.0  # chance: out of focus
    motion: float = 0.0  # chance: moved while it was taken
    exposure: float = 0.0  # chance: too light or too dark
    cast: float = 0.0  # chance: tinted
    noise: float = 0.0  # chance
    jpeg: float = 0.0  # chance
    scale: Range = (0.35, 0.8)  # of the px, where there are few
    sigma: Range = (0.4, 1.8)  # px of a blur
    path: Range = (2.0, 9.0)  # px that the camera moved
    stops: Range = (-0.7, 0.6)  # of exposure
    tint: Range = (0.03, 0.15)  # share by which a channel is off
    grain: Range = (2.0, 14.0)  # levels of standard deviation of the noise
    quality: Range = (25.0, 92.0)  # of JPEG, 1 to 100

    def __post_init__(self) -> None:
        bounds = {"sigma": (0, 10), "path": (0, 40), "stops": (-3, 3), "grain": (0, 60)}
        check_bounds(asdict(self), {**bounds, "scale": (0.1, 1), "quality": (1, 100)})


@dataclass(frozen=True, slots=True)
class SceneRecipe:
    content: Content = field(default_factory=Content)  # how much there is
    pose: Pose = field(default_factory=Pose)  # how marks lie
    finish: Finish = field(default_factory=Finish)  # how they are applied
    light: Light = field(default_factory=Light)  # what falls on them
    occlusion: Occlusion = field(default_factory=Occlusion)  # what lies over them
    lens: Lens = field(default_factory=Lens)  # how the picture is taken
    close: float = 0.06  # of a mark's longer side: gaps in its ink that its mask fills

    def __post_init__(self) -> None:
        check_bounds({"close": self.close}, {"close": (0, 0.5)})

    @classmethod
    def of(cls, tables: Mapping[str, object]) -> SceneRecipe:
        """From plain tables, as TOML gives them: {"pose": {"tilt": 0.5, "degrees": [3, 9]}}.

        Raises ValueError for a name that is none, or a number out of its range.
        """
        return from_tables(cls, tables, "a scene recipe")


SCENE_RECIPES: dict[str, SceneRecipe] = {
    "default": SceneRecipe(
        content=Content(copy=0.2, words=0.35),
        pose=Pose(tilt=0.55, free=0.08, perspective=0.5, cylinder=0.12, cloth=0.15, cut=0.06),
        finish=Finish(printed=0.25, sign=0.3, embossed=0.06, one_ink=0.4, plate=0.4),
        light=Light(gradient=0.4, shadow=0.25, highlight=0.12, shade=0.7, contact=0.6),
        occlusion=Occlusion(over=0.12, overlap=0.04),
        lens=Lens(
            coarse=0.15, blur=0.3, motion=0.08, exposure=0.35, cast=0.25, noise=0.4, jpeg=0.6
        ),
        close=0.25,  # a mark is one place, letters and all
    ),
    "plain": SceneRecipe(),
}
