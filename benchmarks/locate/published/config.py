"""What a training of the published network does, as a TOML file with `task = "published"` says."""

from __future__ import annotations

from dataclasses import dataclass, field

from likemark.benchmarks.locate.published.network import PUBLISHED
from likemark.retrieval.oneshot.training.config import SceneBatch, SceneData
from likemark.retrieval.training.config import Optimiser, Run
from likemark.retrieval.training.settings import Tables, check


@dataclass(frozen=True, slots=True)
class PublishedNetwork:
    width: int = PUBLISHED  # channels at the first scale; all others shrink with it

    def __post_init__(self) -> None:
        check("network.width", self.width >= 2 and self.width % 2 == 0, "even, 2 or more")


@dataclass(frozen=True, slots=True)
class PublishedTraining(Tables):
    data: SceneData
    # One right question of a scene to two wrong ones, as others have trained it.
    batch: SceneBatch = field(default_factory=lambda: SceneBatch(right=1, wrong=2, size=256))
    network: PublishedNetwork = field(default_factory=PublishedNetwork)
    optimiser: Optimiser = field(
        default_factory=lambda: Optimiser(rate=1e-4, decay=0.0, average=0.99)
    )
    run: Run = field(default_factory=Run)
