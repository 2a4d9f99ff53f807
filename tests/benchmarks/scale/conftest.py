"""Real vectors of a kind: families of marks in a few regions, of 16 dimensions."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.mixture import Mixture, Rows
from likemark.benchmarks.scale.vectors import Vectors

DIMENSION = 16


def unit(rows: Rows) -> Rows:
    return np.asarray(rows / np.linalg.norm(rows, axis=1, keepdims=True), np.float32)


@pytest.fixture(scope="session")
def real() -> Rows:
    """Of 450: 150 families of three."""
    rng = np.random.default_rng(1)
    regions = rng.standard_normal((4, DIMENSION))
    founders = regions[rng.integers(4, size=150)] + 0.7 * rng.standard_normal((150, DIMENSION))
    members = np.repeat(founders, 3, axis=0)
    return unit((members + 0.2 * rng.standard_normal(members.shape)).astype(np.float32))


@pytest.fixture(scope="session")
def material(real: Rows) -> Material:
    """The first 20 families have groups."""
    mixed = np.concatenate([real[:60], np.random.default_rng(0).permutation(real[60:])])
    return Material.of(mixed, np.arange(60) // 3)


@pytest.fixture(scope="session")
def mixture(material: Material) -> Mixture:
    return Mixture.fit(material.known)


@pytest.fixture(scope="session")
def vectors(mixture: Mixture, tmp_path_factory: pytest.TempPathFactory) -> Vectors:
    made = Vectors(tmp_path_factory.mktemp("scale"), DIMENSION)
    made.make(mixture, 1000, kinship=1.0)
    return made


@pytest.fixture
def index_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "index"
    folder.mkdir()
    return folder
