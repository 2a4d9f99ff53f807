from __future__ import annotations

from pathlib import Path

import pytest
from support.oneshot import write_material
from support.training import Heard

from likemark.retrieval.devices import choose_device
from likemark.retrieval.oneshot.training.config import OneShotTraining
from likemark.retrieval.oneshot.training.task import OneShotTask
from likemark.retrieval.training.task import Place, Share


@pytest.fixture(scope="session")
def quick(tmp_path_factory: pytest.TempPathFactory) -> OneShotTraining:
    """Settings of a training of seconds."""
    return write_material(tmp_path_factory.mktemp("oneshot"))


@pytest.fixture
def task(quick: OneShotTraining, tmp_path: Path) -> OneShotTask:
    return OneShotTask(quick, Place(tmp_path, Share(), choose_device("cpu"), Heard(), None))
