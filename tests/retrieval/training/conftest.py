from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.training import settings, write_brands, write_weights

from likemark.retrieval.training.config import Training

Settings = Callable[..., Training]


@pytest.fixture(scope="session")
def brands(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten brands with three drawings each."""
    return write_brands(tmp_path_factory.mktemp("training") / "brands")


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_weights(tmp_path_factory.mktemp("weights") / "backbone.safetensors")


@pytest.fixture(scope="session")
def quick(brands: Path, weights: Path) -> Settings:
    """Settings of a training of seconds; tables as keywords change them."""

    def make(**tables: dict[str, Any]) -> Training:
        return settings(brands, weights, **tables)

    return make
