"""What tasks share whose batches are questions in made scenes: material, validation, facts."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from typing import Protocol

import torch
from torch import nn
from torch.utils.data import Dataset

from likemark.db.errors import InvalidInput
from likemark.retrieval.oneshot.training.config import SceneBatch, SceneData
from likemark.retrieval.oneshot.training.material import Material, read_material
from likemark.retrieval.oneshot.training.sampling import Questions
from likemark.retrieval.training.folder import SHAPES
from likemark.retrieval.training.observers import Facts
from likemark.retrieval.training.processes import first_alone
from likemark.retrieval.training.task import Batch, Place, Settings, Share, weights_of

_HELD_OUT = 10_007  # added to the seed for the questions of validations


class SceneSettings(Settings, Protocol):
    """A configuration of such a task."""

    @property
    def data(self) -> SceneData: ...
    @property
    def batch(self) -> SceneBatch: ...


class SceneTask(ABC):
    """The common part of a `Task`."""

    metric = "mask IoU"
    seen = "scenes"  # what a batch holds
    network: nn.Module
    said = ""  # before the marks and photos, where the task says what it trains on

    def __init__(self, settings: SceneSettings, place: Place) -> None:
        """Raises InvalidInput for a batch that cannot be shared."""
        pairs, world = settings.batch.pairs, place.share.world
        if pairs < 2 * world or pairs % world:
            raise InvalidInput(
                f"batch.pairs is {pairs}, for {world} processes: each needs as many, and 2 or more"
            )
        self.share, self._settings, self._place = place.share, settings, place
        self._device = place.device
        self._asked: list[Batch] = []

    @property
    @abstractmethod
    def sides(self) -> tuple[int, int]:
        """px: of a query's square, and what a scene's sides are multiples of."""

    def read(self) -> None:
        """The marks and photos. Raises what `read_material` raises."""
        place = self._place
        with first_alone(self.share):
            found = read_material(
                self._settings.data, place.folder / SHAPES, told=place.observer.surveyed
            )
        self.material, self.held_out, self._unreadable = found

    def made_of(self, material: Material, seed: int, share: Share) -> Dataset[Batch]:
        """Batches of a material, each a function of the seed and its number."""
        return Questions(material, self._settings.batch, seed, *self.sides, share)

    def batches(self) -> Dataset[Batch]:
        return self.made_of(self.material, self._settings.run.seed, self.share)

    def prepare(self, network: nn.Module, step: int) -> None:
        network.train()

    def pictures(self, batch: Batch) -> int:
        return len(batch[0])

    def questions(self) -> Iterator[Batch]:
        """Of validations: made once, the same in each."""
        if not self._asked:
            settings = self._settings
            asked = self.made_of(self.held_out, settings.run.seed + _HELD_OUT, Share())
            self._asked = [asked[n] for n in range(settings.data.held_out)]
        yield from self._asked

    def facts(self, resumed: int) -> Facts:
        corpus, held_out = self.material.corpus, self.held_out
        numbers = {
            "drawings": len(corpus), "groups": len(corpus.names),
            "photos": len(self.material.photos), "held_out_groups": len(held_out.corpus.names),
            "held_out_photos": len(held_out.photos),
        }  # fmt: skip
        said = (
            f"{self.said}{numbers['drawings']:,} drawings of {numbers['groups']:,} marks on "
            f"{numbers['photos']:,} photos; held out: {numbers['held_out_groups']:,} marks, "
            f"{numbers['held_out_photos']:,} photos",
        )
        return Facts(
            metric=self.metric, said=said, numbers=numbers, parameters=weights_of(self.network),
            steps=self._settings.run.steps, resumed=resumed, pictures=self.seen,
            unreadable=self._unreadable,
        )  # fmt: skip

    def state(self) -> dict[str, torch.Tensor]:
        return {}

    def load(self, state: Mapping[str, torch.Tensor]) -> None:
        return
