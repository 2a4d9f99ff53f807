"""What trainings in made scenes do, as TOML files say it.

`task = "oneshot"` trains the network that finds marks, `task = "tracer"` the one that draws the
masks of what was found anew.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from likemark.augment.scenes.recipe import SCENE_RECIPES
from likemark.retrieval.oneshot.card import MOST_LEVELS
from likemark.retrieval.training.config import Optimiser, Run
from likemark.retrieval.training.settings import Tables, check


@dataclass(frozen=True, slots=True)
class SceneData:
    corpus: str  # a built corpus, a folder with one folder a brand, or a CSV
    photos: str  # a folder of photos that marks are put into
    exclude: tuple[str, ...] = ()  # groups to leave out: names or patterns such as "acme*"
    validation: float = 0.06  # share of the groups, and of the photos, that is held out
    held_out: int = 12  # batches of questions that a validation asks
    workers: int = 1  # processes that make scenes
    ahead: int = 6  # batches that each of them prepares in advance

    def __post_init__(self) -> None:
        check("data.corpus", bool(self.corpus), "the path of a corpus")
        check("data.photos", bool(self.photos), "the path of a folder of photos")
        check("data.validation", 0 < self.validation < 1, "between 0 and 1")
        check("data.held_out", self.held_out >= 1, "1 or more")
        check("data.workers", self.workers >= 0, "0 or more")
        check("data.ahead", self.ahead >= 1, "1 or more")


@dataclass(frozen=True, slots=True)
class SceneBatch:
    pairs: int = 4  # of scenes with the same marks: a query is cut from one and asked in the other
    marks: int = 2  # in a scene, at most
    brands: float = 0.7  # share of the marks that are brands; the rest are everyday ideas
    empty: float = 0.1  # chance: a scene has no mark
    decoy: float = 0.25  # chance: a scene also has a mark made to look like one of its own
    redrawn: float = 0.25  # chance: a mark's two scenes have different drawings, if it has any
    right: int = 2  # questions of each scene for marks in it: as a drawing and as a crop in turn
    wrong: int = 3  # questions for marks that are not: look-alikes and others in turn
    size: int = 224  # px: the side of the square of a scene's area
    spread: float = 1.0  # times that it is larger or smaller at most, drawn for each batch anew
    recipe: str = "default"  # one of likemark.augment.scenes.recipe's

    def __post_init__(self) -> None:
        check("batch.pairs", self.pairs >= 2, "2 or more")
        check("batch.marks", 1 <= self.marks <= 8, "from 1 to 8")
        for name in ("brands", "empty", "decoy", "redrawn"):
            check(f"batch.{name}", 0 <= getattr(self, name) <= 1, "from 0 to 1")
        check("batch.right", self.right >= 1, "1 or more")
        check("batch.wrong", self.wrong >= self.right, "batch.right or more")
        known = self.recipe in SCENE_RECIPES
        check("batch.recipe", known, f"one of {', '.join(SCENE_RECIPES)}")
        check("batch.size", 112 <= self.size <= 2048, "from 112 to 2048 px")
        check("batch.spread", 1 <= self.spread <= 4, "from 1 to 4")


@dataclass(frozen=True, slots=True)
class SceneNetwork:
    model: str = "default"  # whose backbone sees: a vision transformer's name or card
    embedder: str = ""  # the model that says how like crops are: its name or card; empty: `model`
    layers: tuple[int, ...] = (4, 7, 11)  # its blocks that are looked at, from 0
    width: int = 192  # channels
    depth: int = 2  # times that the scene looks at the query
    heads: int = 6  # of each look
    fine: int = 48  # channels of the branch that sees px
    weights: str = ""  # the card of a one-shot model of that form to go on from, or "default"

    def __post_init__(self) -> None:
        check("network.layers", bool(self.layers) and min(self.layers) >= 0, "block numbers")
        fits = self.heads >= 1 and self.width % self.heads == 0 and self.depth >= 1
        check("network.width", fits, "a multiple of network.heads, and depth 1 or more")
        check("network.fine", self.fine >= 8 and self.fine % 8 == 0, "a multiple of 8")


@dataclass(frozen=True, slots=True)
class OneShotTraining(Tables):
    data: SceneData
    batch: SceneBatch = field(default_factory=SceneBatch)
    network: SceneNetwork = field(default_factory=SceneNetwork)
    optimiser: Optimiser = field(default_factory=lambda: Optimiser(rate=1e-3, average=0.99))
    run: Run = field(default_factory=Run)


@dataclass(frozen=True, slots=True)
class TracerNetwork:
    # Channels, from the finest level on; each has half the places of the last.
    widths: tuple[int, ...] = (24, 48, 96, 160)

    def __post_init__(self) -> None:
        fits = 2 <= len(self.widths) <= MOST_LEVELS and min(self.widths) >= 4
        check("network.widths", fits, f"2 to {MOST_LEVELS} numbers, each 4 or more")


@dataclass(frozen=True, slots=True)
class TracerTraining(Tables):
    """`batch.right`, `wrong`, `empty`, `decoy` and `redrawn` say nothing to it."""

    data: SceneData
    batch: SceneBatch = field(
        default_factory=lambda: SceneBatch(pairs=8, marks=3, size=294, spread=1.6)
    )
    network: TracerNetwork = field(default_factory=TracerNetwork)
    optimiser: Optimiser = field(
        default_factory=lambda: Optimiser(rate=2e-3, decay=0.02, warmup=50, average=0.995)
    )
    run: Run = field(default_factory=Run)
