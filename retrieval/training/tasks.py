"""What can be trained, by the name that a configuration gives as its `task`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from likemark.db.errors import InvalidInput
from likemark.retrieval.training.config import Training
from likemark.retrieval.training.settings import DEFAULT, TASK, of_task, read_settings
from likemark.retrieval.training.task import Place, Settings, Task

if TYPE_CHECKING:
    from likemark.retrieval.oneshot.training.config import OneShotTraining, TracerTraining

S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Kind(Generic[S]):
    settings: Callable[[], type[S]]  # imports the class
    make: Callable[[S, Place], Task]


def _embedding(config: Training, place: Place) -> Task:
    from likemark.retrieval.training.embedding import Embedding

    return Embedding(config, place)


def _one_shot_settings() -> type[OneShotTraining]:
    from likemark.retrieval.oneshot.training.config import OneShotTraining

    return OneShotTraining


def _one_shot(config: OneShotTraining, place: Place) -> Task:
    from likemark.retrieval.oneshot.training.task import OneShotTask

    return OneShotTask(config, place)


def _tracer_settings() -> type[TracerTraining]:
    from likemark.retrieval.oneshot.training.config import TracerTraining

    return TracerTraining


def _tracer(config: TracerTraining, place: Place) -> Task:
    from likemark.retrieval.oneshot.training.tracer_task import TracerTask

    return TracerTask(config, place)


KINDS: dict[str, Kind[Any]] = {
    DEFAULT: Kind(lambda: Training, _embedding),
    "oneshot": Kind(_one_shot_settings, _one_shot),
    "tracer": Kind(_tracer_settings, _tracer),
}


def read_training(path: Path, overrides: Sequence[str] = ()) -> Settings:
    """overrides: such as "run.steps=500". Raises InvalidInput for what is not understood."""
    return settings_of(read_settings(path, overrides))


def settings_of(values: Mapping[str, Any]) -> Settings:
    """The configuration of the task that they name. Raises InvalidInput."""
    name = values.get(TASK, DEFAULT)
    if not isinstance(name, str) or name not in KINDS:
        raise InvalidInput(f"{TASK} {name!r} must be one of {', '.join(KINDS)}")
    settings: Settings = KINDS[name].settings().of(of_task(name, values))
    return settings


def written(config: Settings) -> dict[str, Any]:
    """What `settings_of` reads."""
    return {TASK: task_of(config), **config.to_dict()}


def made_task(config: Settings, place: Place) -> Task:
    """Raises what the making of that task raises."""
    return KINDS[task_of(config)].make(config, place)


def task_of(config: Settings) -> str:
    """The name of what it trains."""
    for name, kind in KINDS.items():
        if isinstance(config, kind.settings()):
            return name
    raise InvalidInput(f"{type(config).__name__} is no configuration of a task")
