"""The published network among the tasks that `likemark train` knows, by its name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from likemark.retrieval.training.task import Place, Task
from likemark.retrieval.training.tasks import KINDS, Kind

if TYPE_CHECKING:
    from likemark.benchmarks.locate.published.config import PublishedTraining

NAME = "published"


def register() -> None:
    """Before a configuration is read. The package proper cannot name what stands above it."""
    KINDS.setdefault(NAME, Kind(_settings, _made))


def _settings() -> type[PublishedTraining]:
    from likemark.benchmarks.locate.published.config import PublishedTraining

    return PublishedTraining


def _made(config: PublishedTraining, place: Place) -> Task:
    from likemark.benchmarks.locate.published.task import PublishedTask

    return PublishedTask(config, place)
