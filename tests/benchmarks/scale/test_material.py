from __future__ import annotations

import numpy as np
import pytest

from likemark.benchmarks.scale.material import Material
from likemark.benchmarks.scale.mixture import Rows
from likemark.db.errors import InvalidInput


def test_queries_lie_around_held_out_vectors_and_are_none_of_them(material: Material):
    queries = material.queries(200)
    assert np.linalg.norm(queries, axis=1) == pytest.approx(1, abs=1e-5)
    assert np.array_equal(queries, material.queries(200))
    own = material.held_out[np.arange(200) % len(material.held_out)]
    near = (queries * own).sum(axis=1)
    assert near.max() < 0.9999
    # As near as two drawings of one mark are.
    assert np.median(near) == pytest.approx(np.median(material.cosines), abs=0.03)


def test_what_asks_is_not_drawn_around(material: Material):
    assert (material.held_out @ material.known.T).max() < 0.99999
    assert len(material.held_out) + len(material.known) == 390


def test_pairs_are_the_nearest_of_one_group(real: Rows):
    groups = np.array([0, 0, 0, 1, 2, 2])
    material = Material.of(real[:30], groups)
    assert len(material.cosines) == 5  # one drawing is alone
    first = real[0]
    best = max((1, 2), key=lambda other: float(first @ real[other]))
    assert np.array_equal(material.differences[0], real[best] - first)


def test_without_pairs_queries_are_moved_at_random(real: Rows):
    material = Material.of(real, np.empty(0, np.int64))
    near = (material.queries(50) * material.held_out[:50]).sum(axis=1)
    assert near == pytest.approx(0.8, abs=1e-4)


def test_too_few_pictures_say_so(real: Rows):
    with pytest.raises(InvalidInput, match="7 pictures of no group"):
        Material.of(real[:10], np.arange(3))
