from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from support.flickr27 import COLOURS, write_layout

from likemark.benchmarks.locate.flickr import FlickrTasks


def disc(colour: tuple[int, int, int], side: int = 40) -> np.ndarray:
    """(side, side, 4): a round drawing."""
    across = np.arange(side) - (side - 1) / 2
    inside = across[:, None] ** 2 + across**2 <= (side / 2) ** 2
    drawn = np.zeros((side, side, 4), np.uint8)
    drawn[inside] = (*colour, 255)
    return drawn


@pytest.fixture(scope="session")
def drawings() -> dict[str, np.ndarray]:
    """Of two of the three brands."""
    return {brand: disc(COLOURS[brand]) for brand in ("Azure", "Rose")}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_layout(tmp_path / "set")


@pytest.fixture
def tasks(folder: Path, drawings: dict[str, np.ndarray]) -> FlickrTasks:
    return FlickrTasks.read(folder, drawings)
