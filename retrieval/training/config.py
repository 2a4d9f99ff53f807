"""What a training of the embedding does: one table of a TOML file for each of the classes below.

`Optimiser` and `Run` are tables of every task's file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from likemark.retrieval.training.settings import DEFAULT, Tables, check, of_task, read_settings


@dataclass(frozen=True, slots=True)
class Data:
    corpus: str  # a built corpus, a folder with one folder a brand, or a CSV
    exclude: tuple[str, ...] = ()  # groups to leave out: names or patterns such as "acme*"
    validation: float = 0.06  # share of the groups that is held out, by the hash of their names
    distractors: int = 3000  # held-out drawings that no query asks for, at most
    workers: int = 1  # processes that read and augment
    ahead: int = 6  # batches that each of them prepares in advance

    def __post_init__(self) -> None:
        check("data.corpus", bool(self.corpus), "the path of a corpus")
        check("data.validation", 0 < self.validation < 1, "between 0 and 1")
        check("data.distractors", self.distractors >= 0, "0 or more")
        check("data.workers", self.workers >= 0, "0 or more")
        check("data.ahead", self.ahead >= 1, "1 or more")


@dataclass(frozen=True, slots=True)
class Batch:
    groups: int = 40  # in a batch, on all machines together
    views: int = 4  # of each group
    brands: float = 0.5  # share of the groups: brands that were drawn more than once
    ideas: float = 0.25  # everyday ideas drawn by many hands; the rest is single drawings
    alike: float = 0.5  # share of the groups that are chosen for looking like another in the batch
    gallery: int = 0  # views of earlier batches that rank beside this one's
    chunk: int = 0  # views that go through the network at once; 0: all of them

    def __post_init__(self) -> None:
        check("batch.groups", self.groups >= 2, "2 or more")
        check("batch.views", self.views >= 2, "2 or more")
        check("batch.brands", 0 <= self.brands <= 1, "from 0 to 1")
        check("batch.ideas", 0 <= self.ideas <= 1 - self.brands, "from 0 to 1 - brands")
        check("batch.alike", 0 <= self.alike <= 1, "from 0 to 1")
        check("batch.gallery", self.gallery >= 0, "0 or more")
        check("batch.chunk", self.chunk >= 0, "0 or more")


@dataclass(frozen=True, slots=True)
class Augment:
    recipe: str = "default"  # one of likemark.augment.recipe's
    plain: float = 0.3  # share of the only views of their drawings that stay as they are
    photos: str = ""  # a folder of photos that marks are laid on; empty: none are
    found: float = 0.0  # share of the other views that are cut out of made scenes, as of photos

    def __post_init__(self) -> None:
        check("augment.plain", 0 <= self.plain <= 1, "from 0 to 1")
        check("augment.found", 0 <= self.found <= 1, "from 0 to 1")
        check("augment.found", bool(self.photos) or not self.found, "0 without augment.photos")


@dataclass(frozen=True, slots=True)
class Network:
    backbone: str = "tiny_vit_5m_224"  # timm's name
    weights: str = ""  # a safetensors file with timm's keys, or a model; empty: timm fetches them
    size: int = 128  # px
    pooling: str = "avg"  # parts joined by +: avg, max, gem, token
    dimension: int = 256  # of the embedding
    colour: str = "rgb"  # or grey
    freeze: int = 0  # first blocks of the backbone that are not trained
    rank: int = 0  # of what is learned beside each linear layer of the others; 0: all their weights
    patch_drop: float = 0.0  # share of a picture's patches that a step leaves out: a faster step
    whole: float = 0.15  # share of the steps, the last ones, that see all patches all the same

    def __post_init__(self) -> None:
        check("network.patch_drop", 0 <= self.patch_drop < 1, "from 0 to below 1")
        check("network.freeze", self.freeze >= 0, "0 or more")
        check("network.rank", 0 <= self.rank <= 256, "from 0 to 256")
        check("network.whole", 0 <= self.whole <= 1, "from 0 to 1")
        check("network.size", 32 <= self.size <= 1024, "from 32 to 1024 px")
        check("network.dimension", 8 <= self.dimension <= 4096, "from 8 to 4096")
        check("network.colour", self.colour in ("rgb", "grey"), "rgb or grey")


@dataclass(frozen=True, slots=True)
class LossChoice:
    name: str = "smooth-ap"  # or triplet, supcon
    temperature: float = 0.0  # or the margin of triplet; 0: the loss's own
    mining: str = "hard"  # which triplets count: or semi-hard

    def __post_init__(self) -> None:
        check("loss.mining", self.mining in ("hard", "semi-hard"), "hard or semi-hard")
        check("loss.mining", self.mining == "hard" or self.name == "triplet", "hard but of triplet")
        check("loss.temperature", self.temperature >= 0, "0 or more")


@dataclass(frozen=True, slots=True)
class Optimiser:
    rate: float = 3e-4  # of the backbone
    head_rate: float = 2e-3  # of what follows it
    decay: float = 0.05  # of weights, not of biases and norms
    layer_decay: float = 1.0  # of the rate, from each block to the one before it
    warmup: int = 100  # steps
    average: float = 0.998  # decay of the moving average of the weights
    clip: float = 1.0  # highest norm of the gradient

    def __post_init__(self) -> None:
        check("optimiser.rate", self.rate > 0, "above 0")
        check("optimiser.head_rate", self.head_rate > 0, "above 0")
        check("optimiser.decay", self.decay >= 0, "0 or more")
        check("optimiser.layer_decay", 0 < self.layer_decay <= 1, "above 0, at most 1")
        check("optimiser.warmup", self.warmup >= 0, "0 or more")
        check("optimiser.average", 0 <= self.average < 1, "from 0 to below 1")
        check("optimiser.clip", self.clip > 0, "above 0")


@dataclass(frozen=True, slots=True)
class Run:
    steps: int = 2000
    seed: int = 0
    validate: int = 250  # steps between validations
    validate_first: bool = True  # also before the first step: what the training starts from
    checkpoint: float = 180  # seconds between checkpoints
    device: str = "auto"

    def __post_init__(self) -> None:
        check("run.steps", self.steps >= 1, "1 or more")
        check("run.seed", 0 <= self.seed < 2**32, "from 0 to below 2**32")
        check("run.validate", self.validate >= 1, "1 or more")
        check("run.checkpoint", self.checkpoint >= 0, "0 or more seconds")


@dataclass(frozen=True, slots=True)
class Training(Tables):
    data: Data
    batch: Batch = field(default_factory=Batch)
    augment: Augment = field(default_factory=Augment)
    network: Network = field(default_factory=Network)
    loss: LossChoice = field(default_factory=LossChoice)
    optimiser: Optimiser = field(default_factory=Optimiser)
    run: Run = field(default_factory=Run)

    @classmethod
    def read(cls, path: Path, overrides: Sequence[str] = ()) -> Self:
        """overrides: such as "run.steps=500". Raises InvalidInput for what is not understood."""
        return cls.of(of_task(DEFAULT, read_settings(path, overrides)))
